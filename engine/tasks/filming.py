"""What the films of several tasks share: what they say of what they show, and three pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.version import VERSION
from ..film import parts
from ..film.look import look
from ..film.sheet import Sheet
from ..film.walk import Walk
from ..nets.ways import WAYS

SPLITS = {"train": "trained on", "val": "validation", "test": "held out"}  # of anchors
SHOWN = ("embedding", "aligned", "weights")
SIDE = 288  # pixels of a view


class ThreeViews:
    """A `Reel` (engine/film/walk.py) of pictures: what is decoded beside both mixtures. A task measures (`look`, which fills `far`), and
    gives the picture of a place along a path and what is said of it."""

    whole = False
    measured = ""  # the caption's last sentences

    def __init__(self, host: Any, space: Any, walk: Walk):
        self.host, self.space, self.walk = host, space, walk
        self.paths = {path: walk.way if path == "aligned" else path for path in SHOWN}
        self.far: dict[float, bool] = {}  # by gamma: whether the decoded network lies outside of the zoo

    def look(self, place: tuple[float, float]) -> None:
        raise NotImplementedError

    def pixels(self, path: str, place: tuple[float, float], side: int) -> np.ndarray:
        """A picture, uint8 [H, W] or [H, W, 3], to be shown `side` pixels wide."""
        raise NotImplementedError

    def said(self, path: str, place: tuple[float, float]) -> tuple[str, str, str]:
        """How near it is to A and B, in a frame and in a filmstrip; what more there is to say of it."""
        raise NotImplementedError

    @property
    def caption(self) -> list[str]:
        return [subject(self.space, self.walk), f"{mixing(self.walk)} {self.measured}"]

    @property
    def size(self) -> tuple[int, int]:
        return parts.WIDTH, parts.HEAD + SIDE + 76 + parts.foot_height(self.caption)

    def frame(self, place: tuple[float, float]) -> Sheet:
        (gamma, level), colours = place, look(self.walk.theme)
        levels = f", level {level:.3f}" if any(self.walk.levels) else ""
        sheet = parts.begun(self.walk, self.size[1], gamma, levels + (", outside the zoo" if self.far[gamma] else ""))
        pitch = (parts.WIDTH - 2 * parts.MARGIN - SIDE) / 2
        for at, path in enumerate(SHOWN):
            x, (near, _, more) = parts.MARGIN + at * pitch, self.said(path, place)
            sheet.text(x, parts.HEAD + 24, parts.TITLES[path], 15, colours["text"], True)
            sheet.picture(x, parts.HEAD + 34, SIDE, SIDE, self.pixels(path, place, SIDE), smooth=True)
            sheet.text(x, parts.HEAD + SIDE + 54, near, 15, colours["text"])
            sheet.text(x + SIDE, parts.HEAD + SIDE + 54, more, 12, colours["quiet"], anchor="r")
        parts.foot(sheet, self.caption, self.walk.theme)
        return sheet

    def strip(self, places: Sequence[tuple[float, float]]) -> Sheet:
        def draw(sheet: Sheet, path: str, place: tuple[float, float], x: int, y: int) -> str:
            sheet.picture(x, y, parts.TILE, parts.TILE, self.pixels(path, place, 2 * parts.TILE), smooth=True)
            return self.said(path, place)[1]

        return parts.strip(self.walk, self.caption, places, [(path, parts.TITLES[path]) for path in SHOWN], draw)


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
