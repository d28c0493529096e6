"""Zoos of shapes: how well each network fits its own.

Legend: N instances, P parameters, M nodes of a grid, 3 coordinates.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...archs import Architecture, architecture
from ...core.errors import InvalidValue, UnknownId
from ...datasets.preprocessing import Preprocessing
from ..config import ImportedZooConfig
from ..zoo import Grown, Zoo, Zoos, splits
from .config import ImportedShapesConfig, ShapeZooConfig
from .networks import grid, insides, ious, layers_of, values
from .sources import Source, source_of
from .zoo_training import ShapeZooTraining

FIT_BOUND = 0.5  # IoU with its shape below which a network does not fit it; the presets' reach 0.9
NAMED = 10  # networks that a sentence names
log = logging.getLogger(__name__)


class ShapeZoos(Zoos):
    """SIRENs, each fitted to the signed distances of a shape of its own."""

    holds = "shapes"
    imported = ImportedShapesConfig
    asks = ("omega",)

    def check(self, config: ShapeZooConfig) -> None:
        arch = architecture(config.architecture)
        if (arch.input_shape, arch.classes) != ((3,), 1):
            raise InvalidValue(f"{config.architecture} classifies images; a zoo of shapes takes siren or siren-small.")
        if config.dataset != "chairs" and not Path(config.dataset).exists():
            raise UnknownId(f"There is no folder {config.dataset[-100:]!r} of shapes. Name one, or chairs.")

    def data(self, config, device: str, preprocessing: Preprocessing | None = None) -> Source | None:
        """The shapes; None of networks that others fitted to theirs."""
        return source_of(config) if config.dataset else None

    def trainee(self, config: ShapeZooConfig, data: Source, device: str = "cpu") -> ShapeZooTraining:
        return ShapeZooTraining(config, data, device)

    def grown(self, config: ShapeZooConfig, trainee: ShapeZooTraining) -> Grown:
        parameters_NP, data = trainee.instances(), trainee.source
        table = table_of(config, parameters_NP, data)
        return Grown(Zoo("", self.archs(config), config.dataset, parameters_NP, table), metrics_of(table), data.title)

    def measure(self, config, zoo: Zoo, data: Source | None) -> dict:
        return {} if data is None else metrics_of(table_of(config, zoo.parameters_NP, data))

    def looked_at(self, config: ImportedZooConfig, parameters_NP: Tensor, data: None) -> dict[str, Tensor]:
        """How well they fit shapes that are not here, nobody knows."""
        return {"fit_iou": torch.full((len(parameters_NP),), torch.nan)}

    def review(self, id_: str, table) -> None:
        check_fits(id_, table)

    def untrained(self, archs: Sequence[Architecture], counts: Sequence[int], device: str) -> Tensor:
        parameters_NP = super().untrained(archs, counts, device)
        points_NM3 = 2 * torch.rand(len(parameters_NP), 4096, 3, device=device) - 1
        parameters_NP[:, -1] -= values(layers_of(parameters_NP, archs[-1]), points_NM3).median(dim=1).values  # else some enclose nothing
        return parameters_NP


ZOOS = ShapeZoos()


def table_of(config: ShapeZooConfig, parameters_NP: Tensor, source: Source):
    """The table of a zoo's instances with the IoU of each to its shape, and what the source says of the shapes."""
    import pandas as pd

    arch = architecture(config.architecture)
    columns = {
        "id": [f"{source.name}-{arch.family.lower()}-{i:04d}" for i in range(config.instances)],
        "split": splits(config),
        "architecture": arch.id,
        **source.columns(),
        "fit_iou": fit_ious(config, source, parameters_NP),
    }
    return pd.DataFrame(columns)


def fit_ious(config: ShapeZooConfig, source: Source, parameters_NP: Tensor) -> np.ndarray:
    """IoU [N] of each network's shape with the exact one."""
    points_M3 = grid().numpy()
    exact_NM = torch.stack([torch.from_numpy(source.sdf(i, points_M3) < 0) for i in range(config.instances)])
    return ious(insides(layers_of(parameters_NP, architecture(config.architecture))), exact_NM).numpy()


def metrics_of(table) -> dict:
    """How well a zoo's networks fit their shapes, from its table."""
    where = "all instances, against the exact shapes"
    fit_N = table["fit_iou"].to_numpy()
    known_N = fit_N[~np.isnan(fit_N)]
    mean, spread, least = (round(float(part(known_N)), 6) if len(known_N) else None for part in (np.mean, np.std, np.min))
    return {
        "fit_iou_mean": {"value": mean, "split": where, "n": len(known_N), "spread": spread},
        "fit_iou_min": {"value": least, "split": where, "n": len(known_N)},
        "fit_failed": {"value": len(failed(table)), "split": f"{where}: an IoU below {FIT_BOUND}, or undefined", "n": len(fit_N)},
    }


def failed(table) -> list[str]:
    """What a person is told of each network that does not fit its shape, the worst first."""
    bad = table[~(table["fit_iou"] >= FIT_BOUND)].sort_values("fit_iou", na_position="first")
    files = bad["file"] if "file" in bad else bad["id"]
    return [
        f"{id_}{'' if file == id_ else f' ({file})'} {'undefined' if np.isnan(iou) else f'{iou:.2f}'}"
        for id_, file, iou in zip(bad["id"], files, bad["fit_iou"])
    ]


def check_fits(id_: str, table) -> None:
    """Says which networks of a zoo do not fit their shapes. Raises InvalidValue where they are more than half of it."""
    bad = failed(table)
    if not bad:
        return
    named = ", ".join(bad[:NAMED]) + (f" and {len(bad) - NAMED} more" if len(bad) > NAMED else "")
    sentence = f"{len(bad)} of {len(table)} networks of {id_} do not fit their shapes (IoU below {FIT_BOUND}): {named}."
    if 2 * len(bad) > len(table):
        raise InvalidValue(f"{sentence} The zoo is kept, but no space can be made from it: train it with more --steps, or a lower --lr.")
    log.warning("%s More --steps, or a lower --lr, may fit them.", sentence)
