"""Training a zoo stacked, against one instance after the other."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn import functional as F

from .. import datasets
from ..archs import architecture
from ..nets.stacked import flatten
from ..presets import config as preset
from ..tasks.images.zoo_training import ZooTraining, batches, lengths, start
from . import row
from .measure import medians, tune

SHORTER = 20  # every instance of the zoo, each trained this many times shorter
REPEATS = 3


def stacked() -> list[dict]:
    """Seconds of a shortened run of the digits zoo, stacked, a lane a core; the reference trains the same instances from the
    same seeds for the same lengths, one after the other, with plain modules and torch's fused Adam, on one thread: networks
    so small are slower on two."""
    tune()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [
            measured(name, preset_name)
            for name, preset_name in (("zoo_stacked", "zoo-digits"), ("zoo_stacked_resnet8", "zoo-digits-resnet8"))
        ]
    finally:
        torch.set_num_threads(threads)


def measured(name: str, preset_name: str) -> dict:
    full = preset(preset_name)
    config = replace(full, steps_min=max(1, full.steps_min // SHORTER), steps_max=full.steps_max // SHORTER)
    images = datasets.load(config.dataset)
    found: dict[str, torch.Tensor] = {}

    def together() -> None:
        trainee = ZooTraining(config, images)
        for index in range(trainee.total):
            trainee.step(index)
        found["together"] = trainee.parameters_NP

    def one_by_one() -> None:
        found["alone"] = torch.stack([alone(config, images, index) for index in range(config.instances)])

    ours, theirs = medians(together, one_by_one, repeats=REPEATS)
    assert (found["together"] - found["alone"]).abs().mean() < 1e-3, "the two sides did not do the same work"
    return row(name, ours, "s", theirs)


def alone(config, images, index: int) -> torch.Tensor:
    """Parameters [P] of one instance trained by itself."""
    module = start(config, architecture(config.architecture), index).train()
    optimizer = torch.optim.Adam(module.parameters(), lr=config.lr, fused=True)
    x_BCHW, y_B = images.images["train"], images.labels["train"]
    for picks_B in batches(config, index, lengths(config)[index], len(y_B)).long():
        optimizer.zero_grad()
        F.cross_entropy(module(x_BCHW[picks_B]), y_B[picks_B]).backward()
        optimizer.step()
    return flatten(module)
