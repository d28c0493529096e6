"""Shapes: networks that answer points with signed distances; intersection over union (IoU) of what lies inside."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ...core.errors import InvalidValue
from ...nets.answers import wilson
from ..sizing import ZooFacts
from ..task import PATHS, Alike, Answer, Descent, SpaceObjective, Task, Yardstick
from . import auto, live, placing, sheet, yardsticks
from .config import ShapeSpaceConfig
from .inversion import STEPS, Known
from .lso import Cloud, Shaping
from .matching import Matching
from .measuring import decode, evaluate_shapes
from .meshes import SUFFIXES
from .networks import Layers, grid, insides, ious, layers_of, values
from .pose import Pose

SHARPNESS = 10.0  # of the probe encoder: signed distances beyond about 0.2 all read the same


class Distances(Task):
    id = "distances"
    one, many, placed = "shape", "shapes", "shapes"
    quality, likeness, known_from = "IoU", "IoU", 0.6
    quality_scale, quality_ticks = "IoU, nearest of A, B, C", ".1f"
    quality_column = "predicted_iou"
    best_column, trims = "fit_iou", False
    objectives = objectives_of_several = ("answers", "cloud")
    inversion_steps = STEPS
    likeness_with = "the shape of the network itself"
    fitted_to = tuple(SUFFIXES)
    paths, surfaces = (*PATHS, "encoded"), True
    instead = 'ask for their meshes (op "mesh", or the page Shapes)'

    def answer(self, arch) -> Answer:
        return Answer(lambda parameters_NP, points_B3: values(layers_of(parameters_NP, arch), points_B3), 3, SHARPNESS)

    def variants(self, facts: ZooFacts) -> Mapping[str, dict]:
        return auto.variants(facts)

    def space_of(self, facts: ZooFacts, variant: str, steps: int, seed: int) -> ShapeSpaceConfig:
        return auto.space_of(facts, variant, steps, seed)

    def film(self, host, space, walk) -> Any:
        from .film import Film

        return Film(host, space, walk)

    def yardsticks(self, space) -> list[Yardstick]:
        return yardsticks.measured(space)

    def objective(self, config, zoo, data=None) -> SpaceObjective:
        return Matching(config, zoo)

    def measure(self, model, zoo, config, data=None, seed: int = 0) -> dict:
        return evaluate_shapes(model, zoo.parameters_NP, zoo.table, zoo.arch, seed)[0]

    def columns(self, model, zoo, config, data, embeddings_NE: Tensor) -> dict:
        predicted_NP = decode(model, embeddings_NE)
        found_N = ious(insides(layers_of(predicted_NP, zoo.arch)), insides(layers_of(zoo.parameters_NP, zoo.arch)))
        return {"predicted_iou": found_N.numpy()}

    def files(self, zoo) -> dict[str, dict]:
        return {sheet.FILE: sheet.sheet_of(zoo.parameters_NP, zoo.arch)}

    def descent(self, space, config, start_E: Tensor, target: Callable[[str], Any], cloud: Callable[[str], Tensor]) -> Descent:
        if config.objective == "cloud":
            points_B3 = cloud(config.target).to(space.embeddings_NE.device)
            return Descent(Cloud(space.arch, points_B3, config.batch, config.seed), space.model.decode)
        return Descent(Shaping(space.arch, layers_to(target(config.target)), config.batch, config.seed), space.model.decode)

    def lso_figures(self, space, config, networks: Mapping[str, Any], target: Callable[[str], Any]) -> dict:
        if config.objective == "cloud":
            return {}
        inside_NM = insides(layers_to(target(config.target)))
        found = {name: insides(layers_of(each.parameters_P[None], each.arch)) for name, each in networks.items()}
        reached = {name: float(ious(each_NM, inside_NM)[0]) for name, each_NM in found.items()}
        return {"target": {name: None if math.isnan(value) else value for name, value in reached.items()}}

    def kept_metrics(self, space, config, network, result: dict) -> dict:
        if "target" not in result:
            return {}
        return {"target_iou": {"value": result["target"]["after"], "split": "against the target network", "n": 1}}

    def kept_row(self, metrics: Mapping[str, Any]) -> dict[str, float]:
        return {"fit_iou": math.nan, "predicted_iou": 1.0}

    def known(self, space, rows) -> Known:
        return placing.known_of(space, rows)

    def unseen(self, space, arch, parameters_P: Tensor) -> Layers:
        return layers_of(parameters_P[None], arch)

    def unseen_tensors(self, space, tensors: Mapping[str, Any], name: str) -> Layers:
        return placing.network_layers(dict(tensors), name)

    def read_unseen(self, space, path: Path, **reading: Any) -> Layers:
        return placing.read_layers(path, reading.get("activation"), reading.get("omega"))

    def fit_unseen(
        self, space, path: Path, seed: int, progress: Callable[[int, int, float], None], **reading: Any
    ) -> tuple[Layers, dict]:
        return placing.fit_file(space, path, seed, progress, reading.get("pose", Pose()))

    def fitted_to_words(self) -> str:
        return f"a shape ({', '.join(self.fitted_to)})"

    def check_reading(self, name: str, network: bool, **reading: Any) -> None:
        if reading.keys() & {"activation", "omega"} and not network:
            raise InvalidValue(f"--activation and --omega are of a network's file, and {name} is none. Leave them out.")

    def reading_arguments(self, pose: Pose | None = None, activation: str | None = None, omega: Sequence[float] | None = None) -> list[str]:
        pose = pose or Pose()
        stands = [*(["--up", pose.up] if pose.up != Pose().up else []), *(["--turn", str(pose.turn)] if pose.turn else [])]
        return [*stands, *(["--activation", activation] if activation else []), *(["--omega", *map(str, omega)] if omega else [])]

    def alike(self, ours: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor]) -> Alike:
        ours_M, theirs_M = (each(grid()).flatten() < 0 for each in (ours, theirs))
        union_M = ours_M | theirs_M
        right, n = int((ours_M & theirs_M).sum()), int(union_M.sum())
        if not n:
            raise InvalidValue("There is nothing to measure the IoU on: neither network encloses anything.")
        return Alike(self.likeness, right / n, *wilson(right, n), n, right, "cells of a grid")

    def nearest(self, space, unseen: Layers) -> int:
        return int(space.known.nearest(unseen))

    def encode(self, space, unseen: Layers) -> Tensor | None:
        return placing.encode(space, unseen)

    def invert(self, space, unseen: Layers, encoded_E: Tensor | None, row: int, steps: int) -> Tensor:
        return placing.invert(space, unseen, encoded_E, steps)

    def compare(self, space, networks: Sequence[Any], unseen: Layers) -> list[float]:
        return placing.likenesses(networks, unseen)

    def between(self, host, found: Sequence[Any], ends: Mapping[str, Any], question: Mapping[str, Any]) -> tuple[dict, list[dict]]:
        return live.between(host, found, ends, question)

    def look(self, host, found, question: Mapping[str, Any]) -> tuple[dict, dict[str, Any]]:
        return live.look(host, found, question)


def layers_to(target: Any) -> Layers:
    """The layers of a network that is descended towards (kinds.netspace.targets.Target), stacked over one instance."""
    return layers_of(target.parameters()[None], target.arch)


TASK = Distances()
