"""Zoos of signals: how well each network fits its own image.

Legend: N instances, P parameters, H x W pixels.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...archs import architecture
from ...core.errors import InvalidValue
from ...core.metrics import mean, single
from ...datasets.preprocessing import Preprocessing
from ..zoo import Grown, Zoo, Zoos
from .config import ImportedSignalsConfig, SignalZooConfig
from .images import Pictures, pictures_of
from .networks import pictures, psnr
from .zoo_training import SignalZooTraining, counts

LOOKED, SLACK = 64, 0.25  # instances whose brightness is looked at; how far outside of black and white it may be


class SignalZoos(Zoos):
    """SIRENs, each fitted to an image of its own."""

    holds = "signals"
    imported = ImportedSignalsConfig
    asks = ("pixels", "omega", "levels")

    def pixels(self, config: SignalZooConfig | ImportedSignalsConfig) -> int:
        return config.pixels

    def check_import(self, dataset: str, omega: tuple[float, ...], levels: tuple[float, ...]) -> None:
        super().check_import(dataset, omega, levels)
        if dataset:
            raise InvalidValue("Networks that are pictures are measured against each other, not on a data set: leave --dataset out.")

    def check(self, config: SignalZooConfig) -> None:
        arch = architecture(config.architecture)
        if (arch.input_shape, arch.classes, arch.task) != ((2,), 1, "signals"):
            raise InvalidValue(f"{config.architecture} does not output an image: a zoo of signals takes siren-image.")
        self.data(config, "cpu").first(counts(config))

    def data(self, config: SignalZooConfig, device: str, preprocessing: Preprocessing | None = None) -> Pictures:
        return pictures_of(config.dataset, device, config.pixels)

    def trainee(self, config: SignalZooConfig, data: Pictures, device: str = "cpu") -> SignalZooTraining:
        return SignalZooTraining(config, data, device)

    def grown(self, config: SignalZooConfig, trainee: SignalZooTraining) -> Grown:
        parameters_NP, data = trainee.instances(), trainee.data
        table = table_of(config, parameters_NP, data)
        return Grown(Zoo("", self.archs(config), config.dataset, parameters_NP, table), metrics_of(table), data.title)

    def looked_at(self, config: ImportedSignalsConfig, parameters_NP: Tensor, data: None) -> dict[str, Tensor]:
        """How well they fit pictures that are not here, nobody knows."""
        return {"fit_psnr": torch.full((len(parameters_NP),), torch.nan)}

    def beside_stated(self, config: ImportedSignalsConfig, parameters_NP: np.ndarray, table, data) -> tuple[str, ...]:
        """Where most of their brightnesses are not between black and white."""
        shown_NP = torch.from_numpy(np.array(parameters_NP[:: max(1, len(parameters_NP) // LOOKED)][:LOOKED]))
        value = pictures(shown_NP, architecture(config.architecture), config.pixels, config.pixels)
        low, high = value.flatten().quantile(torch.tensor([0.01, 0.99])).tolist()
        if low > -SLACK and high < 1 + SLACK and high - low > 0.5:
            return ()
        return (f"Their brightness is mostly {low:.2f} to {high:.2f}; here black is 0 and white 1. If so meant, import with --levels.",)

    def measure(self, config: SignalZooConfig | ImportedSignalsConfig, zoo: Zoo, data: Pictures) -> dict:
        return {} if zoo.pixels else metrics_of(zoo.table.assign(fit_psnr=fit_psnrs(zoo, data)))


ZOOS = SignalZoos()


def table_of(config: SignalZooConfig, parameters_NP: Tensor, data: Pictures):
    """The table of a zoo's instances: which image each is (its number in its split of the data set), what it shows, how well it fits."""
    import pandas as pd

    arch, each = architecture(config.architecture), counts(config)
    columns = {
        "id": [f"{config.dataset}-{arch.family.lower()}-{i:04d}" for i in range(config.instances)],
        "split": [split for split, count in each.items() for _ in range(count)],
        "architecture": arch.id,
        "image": [number for count in each.values() for number in range(count)],
        "shows": [data.classes[label] for split, count in each.items() for label in data.labels[split][:count].tolist()],
        "seed": config.seed,
    }
    table = pd.DataFrame(columns)
    return table.assign(fit_psnr=fit_psnrs(Zoo("", (arch,), config.dataset, parameters_NP, table), data))


def images_of(zoo: Zoo, data: Pictures, rows=None) -> Tensor:
    """The images [N, H * W] that a zoo's instances were fitted to, of all or of some rows; the networks' own where those are not here."""
    if zoo.pixels:
        return pictures(zoo.parameters_NP if rows is None else zoo.parameters_NP[rows], zoo.arch, *data.shape).flatten(1)
    table = zoo.table if rows is None else zoo.table.iloc[rows]
    return torch.stack([data.images[split][number] for split, number in zip(table["split"], table["image"])]).flatten(1)


def fit_psnrs(zoo: Zoo, data: Pictures) -> np.ndarray:
    """PSNR [N] in dB of each network to its image."""
    made_NHW = pictures(zoo.parameters_NP, zoo.arch, *data.shape)
    return psnr(made_NHW.flatten(1), images_of(zoo, data)).cpu().numpy()


def metrics_of(table) -> dict:
    """How well a zoo's networks fit their images, from its table."""
    where, fit_N = "all instances, dB to their images", table["fit_psnr"].to_numpy()
    return {"fit_psnr_mean": mean(fit_N, where), "fit_psnr_min": single(float(fit_N.min()), where, len(fit_N))}
