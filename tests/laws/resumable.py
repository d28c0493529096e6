"""A short zoo or space run, as a child process that tests kill: `python resumable.py KIND CHECKPOINT RESULT`.

It prints a line a step, so that whoever kills it knows where it is, and leaves its final state in RESULT.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from engine import datasets
from engine.archs import architecture
from engine.core.artifacts import save_checkpoint
from engine.kinds.nern.config import NernConfig, NetworkConfig
from engine.kinds.nern.nern import places
from engine.kinds.nern.network_training import NetworkTraining
from engine.kinds.nern.original import of_module
from engine.kinds.nern.training import NernTraining
from engine.kinds.netspace.training import space_training
from engine.learn.loop import run
from engine.tasks.distances import zoo as shape_zoo
from engine.tasks.distances.config import ShapeSpaceConfig, ShapeZooConfig
from engine.tasks.distances.sources import source
from engine.tasks.images.config import NetSpaceConfig, ZooConfig
from engine.tasks.images.zoo import table_of
from engine.tasks.images.zoo_training import ZooTraining
from engine.tasks.zoo import Zoo

ZOO = ZooConfig("lenetlike-digits", "digits", train=4, val=1, test=1, steps_min=20, steps_max=90, batch=16, lr=2e-3, stack=4)
SPACE = NetSpaceConfig(
    "zoo-digits", prep_width=424, embedding=64, encoder_width=8, decoder_channels=(16, 64, 16), normalise="layer", start="zoo",
    balance=True, performance=1.0, noise=0.1, networks=2, images=16, steps=60, warmup=5, cosine=True, clip=1.0, validate_every=7, lr=2e-3,
)  # fmt: skip
SHAPE_ZOO = ShapeZooConfig("siren-small", train=4, val=1, test=1, steps=120, batch=128, queries=512, lr=3e-3, schedule="cosine", stack=2)
SHAPE_SPACE = ShapeSpaceConfig(
    "zoo-chairs", prep_width=328, embedding=64, encoder_width=8, decoder_channels=(16, 64, 16), encoder="probe", probes=32, probe_width=32,
    normalise="zoo", start="zoo", scale=0.3, noise=0.1, networks=2, points=64, queries=128, steps=60, warmup=5, cosine=True, clip=1.0,
    validate_every=7, lr=2e-3,
)  # fmt: skip
NETWORK = NetworkConfig("resnet8-digits", "digits", steps=60, batch=16, smooth=1e-4)
NERN = NernConfig("x", hidden=8, levels=4, distillation=0.1, features=0.1, images=8, batch=200, steps=60, validate_every=7)
EVERY = 0.05  # seconds between checkpoints


def trainee(kind: str):
    """The run as it is before its first step. One thread: sums are added in one order."""
    torch.set_num_threads(1)
    if kind.startswith("shape"):
        return shapes(kind)
    images = datasets.load("digits")
    if kind == "network":
        return NetworkTraining(NETWORK, images)
    if kind == "nern":
        torch.manual_seed(0)
        original = of_module("x", architecture("resnet8-digits").build(), "digits", "resnet8-digits")
        return NernTraining(NERN, places(NERN, original), images)
    training = ZooTraining(ZOO, images)
    if kind == "zoo":
        return training
    parameters_NP = training.instances()
    return space_training(SPACE, Zoo("zoo", (training.arch,), "digits", parameters_NP, table_of(ZOO, parameters_NP, images)), images)


def shapes(kind: str):
    """Of a zoo of chairs, or of a space whose zoo is fitted too little to be recognised."""
    chairs = source("chairs", SHAPE_ZOO.instances, 0)
    training = shape_zoo.ShapeZooTraining(SHAPE_ZOO, chairs)
    if kind == "shape-zoo":
        return training
    for index in range(training.total):
        training.step(index)
    parameters_NP = training.instances()
    return space_training(
        SHAPE_SPACE, Zoo("zoo", (training.arch,), "chairs", parameters_NP, shape_zoo.table_of(SHAPE_ZOO, parameters_NP, chairs))
    )


def everything(training) -> dict[str, torch.Tensor]:
    """All that a run leaves: its state, and the model it chose."""
    return {**training.state(), **{f"chosen.{name}": tensor for name, tensor in getattr(training, "best", {}).items()}}


def main(kind: str, checkpoint: str, result: str) -> None:
    training = trainee(kind)
    run(training, Path(checkpoint), kind, lambda step, metrics: print(step, flush=True), checkpoint_seconds=EVERY)
    save_checkpoint(Path(result), kind, training.total, {}, {name: tensor.numpy() for name, tensor in everything(training).items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
