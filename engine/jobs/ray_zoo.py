"""A zoo's instances as Ray tasks: each stack is trained by itself somewhere on the cluster, somebody's zoo is read and measured part by
part, and what comes back is what one machine would have made, bit for bit. Imported only inside a Ray job.

Legend: N instances, P parameters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, replace
from importlib import import_module
from itertools import islice
from typing import Any

import numpy as np
import torch

from .. import datasets, kinds
from ..archs import architecture
from ..core.artifacts import Store, load_checkpoint, save_checkpoint
from ..core.clocks import Took
from ..core.config import digest
from ..core.errors import Stopped
from ..make import checkpoint_path
from ..tasks.images.config import ZooConfig
from ..tasks.images.zoo_training import ZooTraining
from ..zoos.measuring import Crew, Measure
from ..zoos.reading import Work, part_read
from .folder import Reporter

LOOK = 1.0  # seconds between looks at what tasks have done
PIECES, AHEAD = 64, 4  # parts of a zoo that a task reads; blocks that are measured ahead, for each processor


def train_stack(fields: dict, first: int) -> np.ndarray:
    """Parameters [N, P] of the stack that begins at instance `first`, in their training form."""
    torch.set_num_threads(1)
    config = ZooConfig(**fields)
    training = ZooTraining(config, datasets.load(config.dataset).suited(architecture(config.architecture)))
    for index in range(training.total):
        if training.place(index)[0] == first:
            training.step(index)
    return training.parameters_NP[first : first + config.stack].numpy()


def cluster() -> Any:
    """Ray, of the cluster that this job runs on."""
    ray = import_module("ray")  # an extra: neither installed with the rest nor known to pyright
    ray.init(address="auto", ignore_reinit_error=True, log_to_driver=False)
    return ray


class RayCrew(Crew):
    """Reads and measures somebody's zoo as tasks. All machines see the workspace and the zoo under the same paths."""

    def read(self, work: Work, on_members: Callable[[int], None], stop: Callable[[], bool]) -> tuple[str, ...]:
        ray, notes = cluster(), set[str]()
        task = ray.remote(num_cpus=1)(read_parts)
        pieces = [replace(work, parts=work.parts[first : first + PIECES]) for first in range(0, len(work.parts), PIECES)]
        waiting = [task.remote(piece) for piece in pieces]
        print(f"{len(waiting)} tasks of the Ray cluster read {work.members:,} networks.", flush=True)
        while waiting:
            ready, waiting = ray.wait(waiting, timeout=LOOK)
            for each in ready:
                notes.update(result(ray, each, waiting))
            on_members(work.done())
            check_stop(ray, waiting, stop)
        return tuple(sorted(notes))

    def blocks(self, measure: Measure, data: Any, firsts: Sequence[int], stop: Callable[[], bool]) -> Iterator[np.ndarray]:
        ray = cluster()
        task = ray.remote(num_cpus=1)(measure_block)
        ahead = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        rest, waiting = iter(firsts), deque[Any]()
        while True:
            waiting.extend(task.remote(replace(measure, device="cpu"), first) for first in islice(rest, ahead - len(waiting)))
            if not waiting:
                return
            while not ray.wait([waiting[0]], timeout=LOOK)[0]:
                check_stop(ray, waiting, stop)
            check_stop(ray, waiting, stop)
            each = waiting.popleft()
            yield result(ray, each, waiting)


def read_parts(work: Work) -> tuple[str, ...]:
    """Some parts of somebody's zoo, in a limited process of this machine."""
    return part_read(work, lambda members: None, lambda: False)


def measure_block(measure: Measure, first: int) -> np.ndarray:
    """The columns [n, K] of a block."""
    torch.set_num_threads(1)
    return measure.block(first, measure.data())


def check_stop(ray: Any, waiting: Collection, stop: Callable[[], bool]) -> None:
    """Raises Stopped where the job is to stop; its tasks end."""
    if stop():
        for each in waiting:
            ray.cancel(each, force=True)
        raise Stopped


def result(ray: Any, task: Any, others: Collection) -> Any:
    """What a task gave. Raises what it raised, after the others were ended."""
    try:
        return ray.get(task)
    except Exception as error:
        for each in others:
            ray.cancel(each, force=True)
        raise getattr(error, "cause", error) from error


def fan_out(store: Store, config, id_: str, reporter: Reporter) -> None:
    """Train a zoo's stacks side by side, and leave a checkpoint at its last step for engine.make to go on from. Each stack that is
    done is kept at once; a zoo of one stack, or another kind of training, is left to this process. Raises Stopped."""
    if kinds.kind_of(config.KIND).stacks(config) < 2:
        return
    ray = cluster()
    training = ZooTraining(config, datasets.load(config.dataset).suited(architecture(config.architecture)))
    tag, path = digest(config), checkpoint_path(store, id_)
    if (found := load_checkpoint(path, tag)) is not None and found[0] == training.total:
        return
    firsts = list(range(0, config.instances, config.stack))
    parts = {first: load_checkpoint(reporter.path / f"stack-{first}.safetensors", tag) for first in firsts}
    done = {first: part[1]["parameters"] for first, part in parts.items() if part is not None}
    task = ray.remote(num_cpus=1)(train_stack)
    waiting = {task.remote(asdict(config), first): first for first in firsts if first not in done}
    on_step = reporter.progress(f"{id_}, stacks", len(firsts))
    while waiting:
        ready, _ = ray.wait(list(waiting), timeout=1.0)
        for each in ready:
            first = waiting.pop(each)
            done[first] = ray.get(each)
            save_checkpoint(reporter.path / f"stack-{first}.safetensors", tag, first, asdict(Took()), {"parameters": done[first]})
            on_step(len(done), {})
        if reporter.stop() and waiting:
            for each in waiting:
                ray.cancel(each, force=True)
            raise Stopped
    for first, parameters_NP in done.items():
        training.parameters_NP[first : first + len(parameters_NP)] = torch.tensor(parameters_NP)
    state = {name: tensor.numpy() for name, tensor in training.state().items()}
    save_checkpoint(path, tag, training.total, asdict(Took()), state)
