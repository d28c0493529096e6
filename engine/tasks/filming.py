"""What the films of every task say of what they show."""

from __future__ import annotations

from typing import Any

from ..core.version import VERSION
from ..film.walk import Walk
from ..nets.alignment.ways import WAYS

SPLITS = {"train": "trained on", "val": "validation", "test": "held out"}  # of anchors


def subject(space: Any, walk: Walk) -> str:
    """The space, the anchors, and whether a hand or a clock moved the thumb."""
    ends = " to ".join(f"{name} {id_} ({_split(space, id_)})" for name, id_ in (("A", walk.a), ("B", walk.b)))
    title = space.manifest.title or space.id
    return f"{title} ({space.id}), from {ends}; {'played' if walk.played else 'as it was dragged'}. Network space explorer {VERSION}."


def mixing(walk: Walk) -> str:
    """What is decoded, and what is mixed."""
    return (
        "Decoded from (1 \u2212 gamma) e_A + gamma e_B; the same gamma applied to the weights of A and B, as they are and after B's units "
        f"are matched to A's (Git Re-Basin, {WAYS[walk.way].words})."
    )


def _split(space: Any, id_: str) -> str:
    table = space.table
    found = table["split"][table["id"] == id_]
    return SPLITS.get(str(found.iloc[0]), str(found.iloc[0])) if len(found) else "placed"
