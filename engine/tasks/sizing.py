"""How large a space of a zoo is: PRep, embedding, encoder and decoder, from what is known before anything is trained. Pure; needs no torch.

Legend: P parameters, H x W the PRep, E embedding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from ..core.errors import InvalidValue

ROWS, COLUMNS = 8, 10_000  # of the paper's PRep; a larger network gets more rows
SIZES = (  # parameters up to which: embedding, encoder's filters, decoder's channels of one architecture and of several
    (100_000, 256, 16, (16, 256, 32), (32, 256, 32)),
    (1_000_000, 1024, 32, (32, 512, 64), (32, 512, 64)),
    (None, 4096, 128, (128, 2048, 256), (128, 2048, 256)),  # the paper's
)
LOOKS, LOOK_EVERY = 30, 250  # looks at validation at least, and steps between two at most
COPIES = 6  # of a space's parameters: themselves, gradient, Adam's two, the best so far, the checkpoint


@dataclass(frozen=True)
class ZooFacts:
    """What a zoo is, for whoever plans a space of it."""

    id: str
    task: str
    parameters: int  # P of its largest architecture
    train: tuple[int, ...]  # training instances of each architecture, by ClassId
    val: int  # validation instances, of all
    test: int
    inputs: int = 0  # training images, where its networks answer images
    looked_at: int = 0  # validation images
    memory: int = 8 << 30  # bytes that a training may take

    @property
    def several(self) -> bool:
        """Whether it holds more than one architecture."""
        return len(self.train) > 1

    @property
    def instances(self) -> int:
        return sum(self.train) + self.val + self.test


def prep_of(parameters: int) -> tuple[int, int]:
    """(H, W) of the smallest PRep that holds a network: the paper's 8 rows, more where they would be longer than the paper's."""
    height = max(ROWS, 4 * ceil(parameters / (4 * COLUMNS)))
    return height, max(8, 8 * ceil(parameters / (8 * height)))


def sizes_of(facts: ZooFacts) -> dict[str, Any]:
    """The fields of a space's config that its sizes are."""
    height, width = prep_of(facts.parameters)
    _, embedding, filters, one, several = next(row for row in SIZES if row[0] is None or facts.parameters <= row[0])
    return {
        "prep_height": height, "prep_width": width, "embedding": embedding, "encoder_width": filters,
        "decoder_channels": several if facts.several else one,
    }  # fmt: skip


def length_of(steps: int) -> dict[str, int]:
    """The fields that follow from the number of steps: looks at validation, and a warm-up of a tenth."""
    return {"steps": steps, "warmup": min(100, steps // 10), "validate_every": max(1, min(LOOK_EVERY, steps // LOOKS))}


def memory_of(config, facts: ZooFacts, networks: int | None = None) -> int:
    """Bytes that training a space takes at most about: its parameters, what a step keeps for the gradient, and the zoo. What the decoded
    networks themselves keep is not counted."""
    height, width = config.prep_height, config.prep_width
    depth, length, narrow = config.decoder_channels
    cells, side = height * width, round(config.embedding**0.5)
    filters = config.encoder_width
    weights = 9 * (depth * height * length // (side // 2) ** 2 + depth * width // 8 + narrow * length // 4 + 32 * narrow) + 2 * cells
    weights += 3 * filters * (1 + 2 * filters + 8 * filters + 4 * config.embedding)
    across = cells * filters  # of the encoder, at half and at a fourth of the columns
    kept = 3 * cells + 2 * across + 2 * (depth * height * length + cells * length // 32 + cells * (narrow + 32) // 32)
    zoo = facts.instances * facts.parameters
    return 4 * (COPIES * weights + 2 * kept * (config.networks if networks is None else networks) + 2 * zoo)


def fitting(config, facts: ZooFacts):
    """The config with as many networks in a step as fit the memory, at most those it has. Raises InvalidValue where one does not."""
    per_step = len(facts.train) if facts.several else 1  # stratified: so many of each architecture
    networks = config.networks
    while networks > 1 and memory_of(config, facts, networks * per_step) > facts.memory:
        networks //= 2
    if (needed := memory_of(config, facts, networks * per_step)) > facts.memory:
        raise InvalidValue(
            f"A space of {facts.id} needs about {needed / 1e9:.1f} GB of memory to train, and {facts.memory / 1e9:.1f} GB are free: "
            f"its largest network has {facts.parameters:,} parameters. Train it on a machine with more memory."
        )
    return replace(config, networks=networks)


def variant_of(variants: Mapping[str, dict], name: str) -> dict:
    """The fields of a variant, by its name. Raises InvalidValue."""
    if name not in variants:
        raise InvalidValue(f"There is no variant {name[:40]!r} of such a space: it is one of {', '.join(variants)}.")
    return variants[name]
