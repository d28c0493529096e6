"""NeRNs: a small network that predicts the kernels of another, its original."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from ... import datasets
from ...archs import Architecture, architecture
from ...core.artifacts import Artifact, Store
from ...core.clocks import Took
from ...core.errors import InvalidValue
from ...datasets.noise import at_hand_or_noise
from ...nets.networks import check, read
from ..kind import Input, Inputs, Kind, Made
from .config import NernConfig
from .evaluate import evaluate
from .layers import Row, layer_table, summary
from .loading import CURVES_FILE, ORDERS, PREDICTOR, load_nern
from .nern import Nern, grouping, places
from .original import load_original, of_module
from .training import CURVES, NernTraining, check_images

FORM = ("original", "permutation", "hidden", "levels", "base", "predictors", "kernel", "skip")  # shared with what it starts from


class NernKind(Kind):
    id = "nern"

    def check(self, store: Store, config: NernConfig, inputs: Inputs) -> None:
        """The original and the NeRN that it starts from, whether they are here or are made first."""
        original = inputs[0]
        if original.here:
            net = read(store, original.id)
            arch, dataset, images = net.arch, net.dataset, net.images()
        else:
            arch, dataset = architecture(original.fields["architecture"]), original.fields["dataset"]
            images = datasets.at_hand(dataset, "cpu", [arch])
        with torch.device("meta"):
            module = arch.build()
        if original.here:
            check(module, net.tensors, f"{original.id} does not fit {arch.id}")
        grouping(config, of_module(original.id, module, dataset, arch.id, skip=config.skip))
        check_images(config, original.id, dataset, images)
        for first in inputs[1:]:
            check_start(config, first)

    def archs(self, config: NernConfig, inputs: Inputs) -> Sequence[Architecture]:
        return [architecture(str(inputs[0].fields.get("architecture")))]

    def trainee(self, store: Store, config: NernConfig, inputs: Inputs, device: str) -> NernTraining:
        original = load_original(store, inputs[0].id, device, config.skip)
        images = original.images(device)
        print(f"{original.id}: {summary(layer_table(original))}.", file=sys.stderr)
        firsts = [load_nern(store, each.id, device).predictor for each in inputs[1:]]
        return NernTraining(config, places(config, original, device=device), images, *firsts)

    def stand_in(self, store: Store, config: NernConfig, inputs: Inputs, device: str) -> NernTraining:
        (arch,), dataset = self.archs(config, inputs), inputs[0].fields.get("dataset")
        original = of_module(config.original, arch.build().to(device), dataset, arch.id, skip=config.skip)
        order = None
        if config.permutation != "none":  # a tour costs minutes, its step nothing
            order = [torch.randperm(layer.stop - layer.start).numpy() for layer in original.layers]
        return NernTraining(config, places(config, original, order, device), at_hand_or_noise(dataset, device, [arch]))

    def finish(self, store: Store, config: NernConfig, inputs: Inputs, trainee: NernTraining, progress: Callable[[str, int], Any]) -> Made:
        trainee.predictor.load_state_dict(trainee.best)
        placed, predictor = trainee.places, trainee.predictor.eval().requires_grad_(False)
        original = placed.original
        metrics = evaluate(Nern(config.original, config, placed, predictor), trainee.images)
        first = store.open(inputs[1].id) if inputs[1:] else None
        orders = {layer.name: smallest(order_M) for layer, order_M in zip(original.layers, placed.orders)}
        before = asdict(Took())
        if first is not None:
            before = {name: each["value"] for name, each in first.manifest.metrics.items() if "value" in each}
        return Made(
            f"NeRN of {original.title}, {config.permutation}, hidden {config.hidden}"
            f"{'' if config.inputs == 'data' else f', inputs {config.inputs}'}",
            {PREDICTOR: {name: tensor.cpu().numpy() for name, tensor in predictor.state_dict().items()}, ORDERS: orders},
            {CURVES_FILE: curves_table(trainee.curves, first)},
            metrics,
            since=("training", before),
        )

    def load(self, store: Store, id_: str, device: str = "cpu") -> Nern:
        return load_nern(store, id_, device)

    def layers(self, store: Store, id_: str) -> list[Row]:
        return layer_table(load_nern(store, id_).original)

    def measure(self, store: Store, artifact: Artifact, device: str, seed: int = 0) -> dict:
        nern = load_nern(store, artifact.id, device)
        return evaluate(nern, nern.original.images(device))


def check_start(config: NernConfig, first: Input) -> None:
    """Raises InvalidValue where a NeRN cannot go on from that one."""
    wrong = [name for name in FORM if getattr(config, name) != getattr(first.config, name)]
    if not wrong:
        return
    name, remedy = wrong[0], "leave start empty (--start '')."
    if first.remake is not None:
        command, id_ = first.remake({name: getattr(config, name) for name in wrong})
        remedy = f"first make one ({command}) and continue from it (--start {id_}), or {remedy}"
    raise InvalidValue(
        f"{first.id} has {name} {getattr(first.config, name)!r}, not {getattr(config, name)!r}, "
        f"and a NeRN starts from one of its own form: {remedy}"
    )


def smallest(order_M: np.ndarray) -> np.ndarray:
    """A permutation in as few bytes as its largest number needs."""
    return np.asarray(order_M, np.min_scalar_type(len(order_M) - 1))


def curves_table(curves, before: Artifact | None = None):
    """The curves as a table: a row a look at validation, behind those of the NeRN that it went on from."""
    import pandas as pd

    table = pd.DataFrame(curves.numpy(), columns=list(CURVES)).astype({"step": int})
    if before is None:
        return table
    first = before.table(CURVES_FILE)
    return pd.concat([first, table.assign(step=table["step"] + first["step"].iloc[-1])], ignore_index=True)


KIND_OBJECT = NernKind()
