"""What a training will cost, before anything that it needs is there: networks that nobody trained stand for a zoo or an original that
is not at hand, noise for images. A step costs the same on them."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import torch

from .. import datasets, presets
from ..archs import Architecture, architecture
from ..artifacts import Store
from ..config import NetSpaceConfig, ShapeSpaceConfig, ShapeZooConfig, ZooConfig
from ..core.memory import within_memory
from ..cost import Cost, cost
from ..datasets.noise import noise
from ..errors import InvalidValue
from ..host import device_of
from ..learn.threads import threads_for
from ..make import largest
from ..multi.config import MultiSpaceConfig, MultiZooConfig
from ..multi.training import MultiSpaceTraining
from ..multi.zoo import MultiZoo, MultiZooTraining, padded
from ..nern.config import NernConfig, NetworkConfig
from ..nern.make import arch_of
from ..nern.nern import places
from ..nern.network_training import NetworkTraining
from ..nern.original import of_module
from ..nern.training import NernTraining
from ..netspace.shape_training import ShapeSpaceTraining
from ..netspace.training import NetSpaceTraining
from ..shapes.networks import layers_of, values
from ..shapes.sources import source_of
from ..shapes.zoo import ShapeZooTraining
from ..stacked import flatten
from ..zoo import Zoo, ZooTraining

SECONDS = 4.0  # of measuring, at most about; two steps at least
COUNT = 4096  # images of noise: enough that answers are not kept for all where they would not be for the real ones
SPARE = 2  # validation instances of a zoo that stands for another


def estimate(store: Store, config, device: str | None = None) -> tuple[Cost, float]:
    """The cost of a config's training, and the seconds of its zoo's where it is a space. Raises InvalidValue where it cannot be said, or
    needs more memory than the machine has."""
    on = str(device_of(device))
    zoo = presets.config(config.zoo) if hasattr(config, "zoo") else None
    limit = within_memory() if on == "cpu" else contextlib.nullcontext()  # a GPU's driver maps more than it uses
    with limit, threads_for(largest(store, config)):
        zoo_seconds = cost(trainee(store, replace(zoo, seed=config.seed), on), SECONDS).seconds if zoo else 0.0
        return cost(trainee(store, config, on), SECONDS), zoo_seconds


def trainee(store: Store, config, device: str):
    """The trainee of a config, on what stands for its inputs. Raises InvalidValue for a kind that is none."""
    if isinstance(config, ZooConfig):
        return ZooTraining(config, images_of(config.dataset, architecture(config.architecture), device))
    if isinstance(config, ShapeZooConfig):
        return ShapeZooTraining(config, source_of(config), device)
    if isinstance(config, MultiZooConfig):
        return MultiZooTraining(config, images_of(config.dataset, architecture(config.teacher), device))
    if isinstance(config, NetworkConfig):
        return NetworkTraining(config, images_of(config.dataset, architecture(config.architecture), device))
    if isinstance(config, NernConfig):
        arch = architecture(arch_of(store, config))
        original = of_module(config.original, arch.build().to(device), dataset_of(store, config.original), arch.id, skip=config.skip)
        order = None if config.permutation == "none" else [torch.randperm(layer.stop - layer.start).numpy() for layer in original.layers]  # a tour costs minutes, its step nothing
        return NernTraining(config, places(config, original, order, device), images_of(original.dataset, arch, device))
    if isinstance(config, (NetSpaceConfig, ShapeSpaceConfig)):
        return of_space(config, presets.config(config.zoo), device)
    if isinstance(config, MultiSpaceConfig):
        return of_multi_space(config, presets.config(config.zoo), device)
    raise InvalidValue(f"What a {type(config).__name__} costs cannot be told before it runs: launch it, and its progress says.")


def of_space(config: NetSpaceConfig | ShapeSpaceConfig, zoo_config: ZooConfig | ShapeZooConfig, device: str):
    arch = architecture(zoo_config.architecture)
    count = max(4, config.networks)
    table = table_of(["train"] * count + ["val"] * SPARE)
    parameters_NP = untrained(arch, len(table), device)
    if isinstance(config, ShapeSpaceConfig):
        parameters_NP[:, -1] -= values(layers_of(parameters_NP, arch), 2 * torch.rand(len(table), 4096, 3, device=device) - 1).median(dim=1).values  # else some enclose nothing
    zoo = Zoo("untrained", arch, zoo_config.dataset, parameters_NP, table)
    if isinstance(config, ShapeSpaceConfig):
        return ShapeSpaceTraining(config, zoo)
    return NetSpaceTraining(config, zoo, images_of(zoo_config.dataset, arch, device))


def of_multi_space(config: MultiSpaceConfig, zoo_config: MultiZooConfig, device: str) -> MultiSpaceTraining:
    archs, teacher = tuple(map(architecture, zoo_config.architectures)), architecture(zoo_config.teacher)
    counts = [shown + SPARE for shown in config.train]
    table = table_of([split for shown in config.train for split in ["train"] * shown + ["val"] * SPARE])
    table["class_id"] = [id_ for id_, count in enumerate(counts) for _ in range(count)]
    parameters_NZ = padded([untrained(arch, count, device) for arch, count in zip(archs, counts)])
    zoo = MultiZoo("untrained", archs, zoo_config.dataset, parameters_NZ, table, teacher, untrained(teacher, 1, device)[0])
    return MultiSpaceTraining(config, zoo, images_of(zoo_config.dataset, teacher, device))


def dataset_of(store: Store, original: str) -> str | None:
    """What the original of a NeRN, at hand or a preset, was trained on."""
    found = store.open(original).manifest.config if store.has(original) else vars(presets.config(original))
    return found.get("dataset")


def untrained(arch: Architecture, count: int, device: str) -> torch.Tensor:
    return torch.stack([flatten(arch.build()) for _ in range(count)]).to(device)


def table_of(splits: list[str]):
    import pandas as pd

    return pd.DataFrame({"split": splits, **{f"{split}_accuracy": 0.5 for split in datasets.SPLITS}})


def images_of(dataset: str | None, arch: Architecture, device: str) -> datasets.Images:
    """The images of a data set, or noise where they are not here."""
    return datasets.at_hand(dataset, device, [arch]) or noise(arch, COUNT, device)
