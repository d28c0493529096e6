"""A zoo's instances as Ray tasks: each stack is trained by itself somewhere on the cluster, and what comes back is what one machine
would have made, bit for bit. Imported only inside a Ray job.

Legend: N instances, P parameters.
"""

from __future__ import annotations

from dataclasses import asdict
from importlib import import_module

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
from .folder import Reporter


def train_stack(fields: dict, first: int) -> np.ndarray:
    """Parameters [N, P] of the stack that begins at instance `first`, in their training form."""
    torch.set_num_threads(1)
    config = ZooConfig(**fields)
    training = ZooTraining(config, datasets.load(config.dataset).suited(architecture(config.architecture)))
    for index in range(training.total):
        if training.place(index)[0] == first:
            training.step(index)
    return training.parameters_NP[first : first + config.stack].numpy()


def fan_out(store: Store, config, id_: str, reporter: Reporter) -> None:
    """Train a zoo's stacks side by side, and leave a checkpoint at its last step for engine.make to go on from. Each stack that is
    done is kept at once; a zoo of one stack, or another kind of training, is left to this process. Raises Stopped."""
    if kinds.kind_of(config.KIND).stacks(config) < 2:
        return
    ray = import_module("ray")  # an extra: neither installed with the rest nor known to pyright
    ray.init(address="auto", ignore_reinit_error=True, log_to_driver=False)
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
