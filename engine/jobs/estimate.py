"""What a training will cost on this machine: a few of its steps are taken and timed. The zoo of a space is counted where it is not
at hand yet."""

from __future__ import annotations

import time
from dataclasses import replace

import torch

from .. import datasets, presets
from ..archs import architecture
from ..config import NetSpaceConfig, ShapeSpaceConfig, ShapeZooConfig, ZooConfig
from ..errors import InvalidValue
from ..host import device_of
from ..make import is_small
from ..netspace.shape_training import ShapeSpaceTraining
from ..netspace.training import NetSpaceTraining
from ..shapes.sources import source
from ..shapes.zoo import ShapeZooTraining
from ..stacked import flatten
from ..zoo import Zoo, ZooTraining, lengths

SECONDS = 4.0  # of measuring, at most about; one step at least


def estimate(config, device: str | None = None) -> dict:
    """{"seconds", "steps", "seconds_per_step", "zoo_seconds"} of a config's training. Raises InvalidValue where it cannot be said."""
    if not isinstance(config, (ZooConfig, ShapeZooConfig, NetSpaceConfig, ShapeSpaceConfig)):
        raise InvalidValue(f"What a {type(config).__name__} costs cannot be told before it runs: launch it, and its progress says.")
    on = str(device_of(device))
    torch.set_num_threads(1 if is_small(config) else torch.get_num_threads())  # as engine.make does
    if isinstance(config, (ZooConfig, ShapeZooConfig)):
        seconds, steps = of_zoo(config, on)
        return {"seconds": seconds, "steps": steps, "seconds_per_step": seconds / steps, "zoo_seconds": 0.0}
    each = of_step(space_training(config, on))
    zoo_seconds = of_zoo(replace(presets.config(config.zoo), seed=config.seed), on)[0]
    return {"seconds": each * config.steps, "steps": config.steps, "seconds_per_step": each, "zoo_seconds": zoo_seconds}


def of_zoo(config, device: str) -> tuple[float, int]:
    """(seconds, steps) of a zoo: a step costs as much as it has instances, so one full stack is measured."""
    some = max(3, min(config.stack, config.instances))
    few = replace(config, train=some - 2, val=1, test=1, stack=some)
    if isinstance(config, ZooConfig):
        trainee = ZooTraining(few, datasets.load(config.dataset, device))
        instances, total = few.instances, sum(lengths(config))
        starts = range(0, config.instances, config.stack)
        steps = sum(lengths(config)[first] for first in starts)
    else:
        trainee = ShapeZooTraining(few, source(config.dataset, few.instances, config.seed), device)
        instances, total = few.instances, config.steps * config.instances
        steps = config.steps * -(-config.instances // config.stack)
    return of_step(trainee) / instances * total, steps


def of_step(trainee) -> float:
    """Seconds of one step: the median of those that fit into SECONDS, without the first, which warms up."""
    began, took = time.perf_counter(), []
    for index in range(min(50, trainee.total)):
        then = time.perf_counter()
        trainee.step(index)
        took.append(time.perf_counter() - then)
        if time.perf_counter() - began > SECONDS:
            break
    took = sorted(took[1:] or took)
    return took[len(took) // 2]


def space_training(config, device: str):
    """The training of a space on networks that nobody has trained: a step costs the same."""
    import pandas as pd

    zoo_config = presets.config(config.zoo)
    arch = architecture(zoo_config.architecture)
    count = max(4, config.networks)
    parameters_NP = torch.stack([flatten(arch.build()) for _ in range(count + 2)]).to(device)
    table = pd.DataFrame({"split": ["train"] * count + ["val", "val"]})
    zoo = Zoo("estimate", arch, zoo_config.dataset, parameters_NP, table)
    if isinstance(config, ShapeSpaceConfig):
        return ShapeSpaceTraining(config, zoo)
    return NetSpaceTraining(replace(config, validate_every=10**9), zoo, datasets.load(zoo_config.dataset, device))


def in_words(found: dict) -> str:
    """'about 4 minutes: 4 000 steps of 63 ms'."""
    zoo = f", and {duration(found['zoo_seconds'])} for its zoo if that is not at hand" if found["zoo_seconds"] else ""
    return f"about {duration(found['seconds'])}: {found['steps']:,} steps of {1000 * found['seconds_per_step']:.0f} ms, measured now on this machine{zoo}"


def duration(seconds: float) -> str:
    """'40 seconds', '12 minutes', '3.5 hours', '2.1 days'."""
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {name}" if size > 60 else f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds"
