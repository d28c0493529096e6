"""Whether a training can be begun, as far as that can be told without one: asked when a job is submitted and before the first step,
so that nothing is trained for minutes before it is refused.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from . import datasets, presets
from .archs import Architecture, architecture
from .artifacts import Store
from .config import NetSpaceConfig, ShapeSpaceConfig, ShapeZooConfig, SpaceConfig, ZooConfig
from .errors import InvalidValue, UnknownId
from .make import is_whole, zoo_config
from .multi.config import MultiSpaceConfig, MultiZooConfig
from .multi.zoo import check_order
from .naming import artifact_id
from .nern.config import NernConfig, NetworkConfig
from .nern.make import check_start, preset_network, start_of
from .nern.nern import check_kernel
from .nern.original import of_module
from .nern.training import check_images
from .nets.networks import check, read
from .netspace.model import answer_of
from .prep import check_room


def check_training(store: Store, config) -> None:
    """Raises what a training of that config would raise before, or after, it has trained what it needs: UnknownId, InvalidValue,
    DataMissing, PRepTooSmall, CheckpointMismatch, CorruptArtifact."""
    CHECKS[type(config)](store, config)


def images_for(name: str, *archs: Architecture) -> None:
    datasets.load(name).suited(*archs)


def zoo(store: Store, config: ZooConfig) -> None:
    images_for(config.dataset, architecture(config.architecture))


def shape_zoo(store: Store, config: ShapeZooConfig) -> None:
    if answer_of(architecture(config.architecture)) is None:
        raise InvalidValue(f"{config.architecture} answers images; a zoo of shapes is of siren or siren-small.")
    if config.dataset != "chairs" and not Path(config.dataset).exists():
        raise UnknownId(f"There is no folder {config.dataset[-100:]!r} of shapes. Name one, or chairs.")


def multi_zoo(store: Store, config: MultiZooConfig) -> None:
    archs = tuple(map(architecture, config.architectures))
    check_order(archs)
    images_for(config.dataset, *archs, architecture(config.teacher))


def space(store: Store, config: SpaceConfig) -> None:
    """A space, and its zoo where that is made first."""
    made = zoo_config(store, config)
    zoo_id = artifact_id(config.zoo, config.seed) if config.zoo in presets.presets() else config.zoo
    if not is_whole(store, zoo_id, made):
        check_training(store, made)
    arch = architecture(made.architecture)
    if isinstance(made, ShapeZooConfig) != isinstance(config, ShapeSpaceConfig):
        raise InvalidValue(f"{config.zoo} is a zoo of {'shapes' if isinstance(made, ShapeZooConfig) else 'classifiers'}, and this space one of the other kind. Choose another zoo or preset.")
    check_room(arch.parameters, config.prep_height, config.prep_width)
    if isinstance(config, NetSpaceConfig):
        images_for(made.dataset, arch)
        if made.test < 2:
            raise InvalidValue(f"{zoo_id} holds out {made.test} test instance: what a space is measured by are paths between two. Make the zoo with --test 2 or more.")


def multi_space(store: Store, config: MultiSpaceConfig) -> None:
    made = replace(presets.config(config.zoo), seed=config.seed)
    if not isinstance(made, MultiZooConfig):
        raise InvalidValue(f"{config.zoo} is no zoo of several architectures. Choose another zoo.")
    check_training(store, made)
    check_room(architecture(made.architectures[-1]).parameters, config.prep_height, config.prep_width)
    if len(config.train) != len(made.architectures):
        raise InvalidValue(f"train gives {len(config.train)} numbers of instances, the zoo {config.zoo} has {len(made.architectures)} architectures.")
    if short := [name for name, there, asked in zip(made.architectures, made.train, config.train) if there < asked]:
        raise InvalidValue(f"The zoo {config.zoo} has fewer training instances of {', '.join(short)} than `train` asks for.")


def network(store: Store, config: NetworkConfig) -> None:
    images_for(config.dataset, architecture(config.architecture))


def nern(store: Store, config: NernConfig) -> None:
    """A NeRN: its original and the NeRN that it starts from, whether they are here or are made first."""
    if store.has(config.original):
        net = read(store, config.original)
        arch, dataset, images = net.arch, net.dataset, net.images()
    else:
        made = preset_network(config.original)
        check_training(store, made)
        arch, dataset = architecture(made.architecture), made.dataset
        images = datasets.at_hand(dataset, "cpu", [arch])
    with torch.device("meta"):
        module = arch.build()
    if store.has(config.original):
        check(module, net.tensors, f"{config.original} is no {arch.id}")
    check_kernel(config, of_module(config.original, module, dataset, arch.id, skip=config.skip))
    check_images(config, config.original, dataset, images)
    if config.start:
        id_, first, made_first = start_of(store, config)
        check_start(config, id_, first)
        if made_first:
            check_training(store, replace(first, seed=config.seed))


CHECKS = {
    ZooConfig: zoo, ShapeZooConfig: shape_zoo, MultiZooConfig: multi_zoo, NetSpaceConfig: space, ShapeSpaceConfig: space,
    MultiSpaceConfig: multi_space, NetworkConfig: network, NernConfig: nern,
}  # fmt: skip
