"""What needs no training: parameters, bytes and overheads that follow from an architecture and a config. Imports torch when asked."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from ..kinds.nern.config import NernConfig
from ..tasks.config import SpaceConfig
from .entries import Source
from .subjects import configured, of_config

BYTES = 4  # of a float32
NEIGHBOUR, FAR, AT = 1, 16, 31  # distances between channels, and the channel of NeRN's fig. 8


def counted(source: Source) -> dict[str, float]:
    """metric -> value: bytes, shares and numbers of parameters of an architecture, or of a NeRN's config."""
    if source.arch:
        return of_architecture(source.arch, tuple(source.set.get("skip", ())))
    config = configured(source)
    return COUNTED.get(config.KIND, lambda config: {})(config)


def of_space(config: SpaceConfig) -> dict[str, float]:
    """The size of an embedding as a share of the parameters; of several architectures there is no one share."""
    archs, _ = of_config(config)
    return {"embedding_share": config.embedding / of_architecture(*archs, ())["parameters"]} if len(archs) == 1 else {}


def of_nern(config: NernConfig) -> dict[str, float]:
    return {
        **of_architecture(arch_of(config), config.skip),
        **of_predictor(replace(config, seed=0)),
        **of_embedding(config.base, config.levels),
    }


COUNTED = {"netspace": of_space, "nern": of_nern}  # by the kind that a config makes


def arch_of(config: NernConfig) -> str:
    """Architecture id of a NeRN's original."""
    ((arch_id,), _) = of_config(config)
    return arch_id


def original(arch_id: str, skip: tuple[str, ...]):
    """An original without weights."""
    import torch

    from ..archs import architecture
    from ..kinds.nern.original import of_module

    with torch.device("meta"):
        return of_module(arch_id, architecture(arch_id).build(), None, arch_id, skip=skip)


@cache
def of_architecture(arch_id: str, skip: tuple[str, ...]) -> dict[str, float]:
    """`parameters` as the papers count them (batch norm not folded), and for a network with convolutions the bytes of NeRN's
    tables 8 and 9: of everything, of its kernels, of their permutations; shares are of everything."""
    import torch

    from ..archs import architecture
    from ..core.errors import InvalidValue
    from ..kinds.nern.permutations import bits

    with torch.device("meta"):
        built = architecture(arch_id).build(batch_norm=True)
    found: dict[str, float] = {"parameters": sum(tensor.numel() for tensor in built.parameters())}
    try:
        whole, kept = original(arch_id, ()), original(arch_id, skip)
    except InvalidValue:  # no convolutions
        return found
    total, kernels = BYTES * found["parameters"], BYTES * whole.learnable
    found |= {"total_bytes": total, "kernel_bytes": kernels, "kernel_share": kernels / total}
    for kind in ("in-filter", "cross-filter"):
        stored = bits(kept.shapes, kind) / 8
        found |= {f"{kind}_bytes": stored, f"{kind}_overhead": stored / total}
    return found


@cache
def of_predictor(config: NernConfig) -> dict[str, float]:
    """Sizes under the names that a NeRN's manifest gives them."""
    from ..kinds.nern.nern import sizes

    found = sizes(config, original(arch_of(config), config.skip))
    return {"size_ratio": found["ratio"], **{f"{name}_bytes": found[name] for name in ("learnable", "predictor", "permutation")}}


@cache
def of_embedding(base: float, levels: int) -> dict[str, float]:
    """Cosine similarity of a channel's embedding to that of the next channel, and of one FAR away (NeRN, fig. 8)."""
    from ..kinds.nern.coordinates import similarity

    values = similarity(base, levels, AT)
    return {"similarity_near": float(values[AT - NEIGHBOUR]), "similarity_far": float(values[AT - FAR])}
