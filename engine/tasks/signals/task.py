"""Signals: networks that are images, a brightness at each point; peak signal-to-noise ratio (PSNR, dB)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...datasets.decode import KINDS
from ...nets.answers import wilson
from ..sizing import ZooFacts
from ..task import Alike, Answer, Descent, SpaceObjective, Task, Yardstick
from . import auto, live, placing
from .config import SignalSpaceConfig
from .images import named, pictures_of
from .lso import Painting
from .matching import Matching
from .measuring import evaluate_signals, predicted_psnrs
from .networks import Layers, layers_of, pixels, psnr, values

SHARPNESS = 1.0  # of the probe encoder: brightnesses are told apart all the way from black to white
NEAR = 0.1  # of the brightness from black to white: within it two modules are alike at a point
COMPARED = 64  # pixels an axis on which modules are compared


class Signals(Task):
    id = "signals"
    one, many, placed = "signal", "signals", "signals"
    quality = likeness = "PSNR"
    quality_range, quality_scale, quality_ticks = (5.0, 25.0), "PSNR (dB), nearest of A, B, C", ".0f"
    known_from = 17.0  # dB: what the nearest training instance reaches on average, so that less is no better than a guess
    quality_column = "predicted_psnr"
    best_column = "fit_psnr"
    objectives = objectives_of_several = ("answers", "image")
    inversion_steps = placing.STEPS
    likeness_with = "the image of the network itself, dB"
    fitted_to = tuple(KINDS)
    pictures = True
    instead = 'ask for their pictures (op "signal")'

    def answer(self, arch) -> Answer:
        return Answer(lambda parameters_NP, points_B2: values(parameters_NP, points_B2, arch), 2, SHARPNESS)

    def variants(self, facts: ZooFacts) -> Mapping[str, dict]:
        return auto.VARIANTS

    def space_of(self, facts: ZooFacts, variant: str, steps: int, seed: int) -> SignalSpaceConfig:
        return auto.space_of(facts, variant, steps, seed)

    def film(self, host, space, walk) -> Any:
        from .film import Film

        return Film(host, space, walk)

    def yardsticks(self, space) -> list[Yardstick]:
        return auto.yardsticks(space)

    def check_space(self, config: SignalSpaceConfig, zoo_config, zoo_id: str, archs) -> None:
        super().check_space(config, zoo_config, zoo_id, archs)
        pictures_of(zoo_config.dataset, pixels=zoo_config.pixels)

    def objective(self, config: SignalSpaceConfig, zoo, data=None) -> SpaceObjective:
        return Matching(config, zoo, pictures_of(zoo.dataset, pixels=zoo.pixels).shape)

    def measure(self, model, zoo, config, data=None, seed: int = 0) -> dict:
        return evaluate_signals(model, zoo, pictures_of(zoo.dataset, str(zoo.parameters_NP.device), zoo.pixels), seed)

    def columns(self, model, zoo, config, data, embeddings_NE: Tensor) -> dict:
        return {"predicted_psnr": predicted_psnrs(model, zoo, pictures_of(zoo.dataset, pixels=zoo.pixels).shape, embeddings_NE)}

    def check_target(self, config, dataset: str, several: bool, pixels: int = 0) -> bool:
        if config.objective == "image":
            named(pictures_of(dataset, pixels=pixels), config.target)
        return bool(config.target) and config.objective != "image"

    def descent(self, space, config, start_E: Tensor, target: Callable[[str], Any], cloud: Callable[[str], Tensor]) -> Descent:
        wanted_B, points_B2 = wanted(space, config, target)
        return Descent(Painting(space.arch, points_B2, wanted_B), space.model.decode)

    def lso_figures(self, space, config, networks: Mapping[str, Any], target: Callable[[str], Any]) -> dict:
        wanted_B, points_B2 = wanted(space, config, target)
        return {"target": {name: reached(each, points_B2, wanted_B) for name, each in networks.items()}}

    def kept_metrics(self, space, config, network, result: dict) -> dict:
        towards = "the image" if config.objective == "image" else "the target network"
        return {"target_psnr": {"value": result["target"]["after"], "split": f"dB to {towards}", "n": 1}}

    def kept_row(self, metrics: Mapping[str, Any]) -> dict[str, float]:
        return {"fit_psnr": math.nan, "predicted_psnr": 100.0, "image": -1}

    def known(self, space, rows: np.ndarray) -> placing.Known:
        return placing.known_of(space, rows)

    def unseen(self, space, arch, parameters_P: Tensor) -> Layers:
        return layers_of(parameters_P[None], arch)

    def unseen_tensors(self, space, tensors: Mapping[str, Any], name: str) -> Layers:
        return placing.network_layers(tensors, name)

    def read_unseen(self, space, path: Path, **reading: Any) -> Layers:
        return placing.read_layers(path, reading.get("omega"))

    def fit_unseen(
        self, space, path: Path, seed: int, progress: Callable[[int, int, float], None], **reading: Any
    ) -> tuple[Layers, dict]:
        return placing.fit_file(space, path, seed, progress)

    def fitted_to_words(self) -> str:
        return f"a picture ({', '.join(self.fitted_to)})"

    def check_reading(self, name: str, network: bool, **reading: Any) -> None:
        if not network or set(reading) - {"omega"}:
            super().check_reading(name, network, **reading)

    def alike(self, ours: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor]) -> Alike:
        """The share of pixels within NEAR of each other's brightness: of one pair a PSNR has no interval."""
        ours_B, theirs_B = (each(pixels(COMPARED, COMPARED)).flatten() for each in (ours, theirs))
        right, n = int(((ours_B - theirs_B).abs() <= NEAR).sum()), len(ours_B)
        return Alike("agreement", right / n, *wilson(right, n), n, right, f"pixels within {NEAR} of their brightness")

    def nearest(self, space, unseen: Layers) -> int:
        return int(space.known.nearest(placing.image_of(space.known, unseen)))

    def encode(self, space, unseen: Layers) -> Tensor | None:
        return placing.encode(space, unseen)

    def invert(self, space, unseen: Layers, encoded_E: Tensor | None, row: int, steps: int) -> Tensor:
        encoded_1E = None if encoded_E is None else encoded_E[None]
        image_1B = placing.image_of(space.known, unseen)
        return placing.place(space.model, space.arch, image_1B, encoded_1E, space.known, steps)[0]

    def compare(self, space, networks: Sequence[Any], unseen: Layers) -> list[float]:
        return placing.likenesses(space, networks, unseen)

    def between(self, host, found: Sequence[Any], ends: Mapping[str, Any], question: Mapping[str, Any]) -> tuple[dict, list[dict]]:
        return live.between(host, found, ends)

    def look(self, host, found, question: Mapping[str, Any]) -> tuple[dict, dict[str, Any]]:
        return live.look(host, found, question)


def wanted(space, config, target: Callable[[str], Any]) -> tuple[Tensor, Tensor]:
    """(brightnesses [B], points [B, 2]) that an LSO descends towards: an image's, or what a network answers. Raises UnknownId,
    InvalidValue."""
    data = placing.data_of(space)
    points_B2 = pixels(*data.shape).to(space.embeddings_NE.device)
    if config.objective == "image":
        return named(data, config.target).flatten(), points_B2
    found = target(config.target)
    with torch.no_grad():
        return values(found.parameters()[None], points_B2, found.arch)[0], points_B2


def reached(network, points_B2: Tensor, wanted_B: Tensor) -> float:
    """PSNR in dB of a network's image to brightnesses."""
    with torch.no_grad():
        return float(psnr(values(network.parameters_P[None], points_B2, network.arch), wanted_B[None]))


TASK = Signals()
