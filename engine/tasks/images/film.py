"""The film of a walk between two classifiers: accuracy, curve, test images with their answers, PRep.

Legend: B images, H x W pixels or the PRep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.errors import InvalidValue
from ...core.frames import to_bytes
from ...film import parts
from ...film.look import look, signed
from ...film.sheet import Sheet
from ...film.walk import Walk
from ..filming import mixing, subject

SHOWN = 20  # test images
LEFT, TOP, BELOW = 372, 112, 300  # of the curve
TALL = 478  # of a frame, without its caption
ROW = 5  # images a row of a filmstrip's picture


@dataclass(frozen=True)
class Seen:
    """What was measured of a network; `answers` of the images that are shown."""

    value: float
    low: float
    high: float
    right: int
    answers: tuple[int, ...]


class Film:
    """A `Reel` (engine/film/walk.py). The curve is of all frames: all are measured before the first is drawn."""

    whole = True

    def __init__(self, host: Any, space: Any, walk: Walk):
        self.host, self.space, self.walk = host, space, walk
        arch_of = [space.arch_of(space.row(id_)) for id_ in (walk.a, walk.b)]
        self.mixes = arch_of[0] == arch_of[1]
        self.paths = {"embedding": "embedding"} | ({"aligned": walk.way, "weights": "weights"} if self.mixes else {})
        self.seen: dict[tuple[str, float], Seen] = {}
        self.preps: dict[float, np.ndarray] = {}
        self.kinds: dict[float, str] = {}
        self.far: dict[float, bool] = {}
        self.high = host.colour_range(space.id, walk.a, walk.b)
        self.images = space.images
        if self.images is not None:
            self.shown, self.pixels = _shown(self.images)
        self.n, self.total, self.dtype = 0, 0, "float32"

    @property
    def caption(self) -> list[str]:
        if self.images is None:
            return [subject(self.space, self.walk), "Not measured: the test images are not on this machine."]
        count = f"{self.n:,}" if self.n == self.total else f"the first {self.n:,} of {self.total:,}"
        coarse = "" if self.n == self.total else f" (coarse, in {self.dtype})"
        measured = f"Accuracy measured for this film on {count} {self.images.title} test images{coarse}, interval: 95 % Wilson."
        said = [subject(self.space, self.walk), (f"{mixing(self.walk)} " if self.mixes else "") + measured]
        return said

    @property
    def size(self) -> tuple[int, int]:
        return parts.WIDTH, (TALL if self.images is not None else 240) + parts.foot_height(self.caption)

    def look(self, place: tuple[float, float]) -> None:
        gamma, level = place
        if level:
            raise InvalidValue("Classifiers have no surface: leave the levels out.")
        if gamma in self.preps:
            return
        for path, asked in self.paths.items():
            found = self.host.between(self.space.id, self.walk.a, self.walk.b, gamma, asked)
            if self.images is not None:
                self.seen[path, gamma] = self._measured(found)
            if path == "embedding":
                self.preps[gamma] = to_bytes(found.prep, -self.high, self.high)
                self.kinds[gamma] = found.network.arch.family
                self.far[gamma] = bool(found.outside and found.outside.outside)

    def _measured(self, found: Any) -> Seen:
        from .live import live_images

        found = self.host.measured(found, live_images(self.images.images["test"].shape))
        self.n, self.total, self.dtype = found.n, found.total, found.dtype
        answers = tuple(int(found.answers[at]) for at in self.shown)
        return Seen(found.accuracy, found.low, found.high, found.right, answers)

    def frame(self, place: tuple[float, float]) -> Sheet:
        gamma, colours = place[0], look(self.walk.theme)
        sheet = parts.begun(self.walk, self.size[1], gamma, ", outside the zoo" if self.far[gamma] else "")
        if self.images is not None:
            self._figures(sheet, gamma)
            self._curve(sheet, gamma)
            self._answers(sheet, gamma)
        y = TALL - 62 if self.images is not None else 140
        sheet.text(parts.MARGIN, y - 8, f"Its {self.space.arch.parameters:,} parameters, as a PRep" if self.mixes else "Its PRep", 13,
                   colours["quiet"])  # fmt: skip
        sheet.picture(parts.MARGIN, y, parts.WIDTH - 2 * parts.MARGIN, 48, signed()[self.preps[gamma]])
        parts.foot(sheet, self.caption, self.walk.theme)
        return sheet

    def _figures(self, sheet: Sheet, gamma: float) -> None:
        colours, x, end = look(self.walk.theme), parts.MARGIN, LEFT - 56
        here = self.seen["embedding", gamma]
        sheet.text(x, 124, "Test accuracy of the network here", 13, colours["quiet"])
        sheet.text(x, 174, f"{100 * here.value:.1f} %", 46, colours["text"], True)
        sheet.text(x, 200, f"{100 * here.low:.1f} to {100 * here.high:.1f} %, 95 % interval", 14, colours["text"])
        sheet.text(x, 222, f"{here.right:,} of {self.n:,} test images right", 13, colours["quiet"])
        if not self.mixes:
            sheet.text(x, 256, self.kinds[gamma], 17, colours["text"], True)
        for at, path in enumerate(path for path in self.paths if path != "embedding"):
            y = 264 + 28 * at
            sheet.line([(x, y - 20), (end, y - 20)], colours["line"])
            sheet.text(x, y, parts.TITLES[path], 13, colours["quiet"])
            sheet.text(end, y, f"{100 * self.seen[path, gamma].value:.1f} %", 15, colours["text"], True, "r")

    def _curve(self, sheet: Sheet, gamma: float) -> None:
        colours, right = look(self.walk.theme), parts.WIDTH - parts.MARGIN
        known = sorted(self.preps)
        bottom = min(seen.low for seen in self.seen.values())
        bottom = int(10 * bottom) / 10
        across = lambda gamma: LEFT + gamma * (right - LEFT)
        up = lambda value: BELOW - (value - bottom) / (1.02 - bottom) * (BELOW - TOP)
        step = 0.25 if bottom < 0.4 else 0.1
        for tick in np.arange(1, bottom - 1e-9, -step):
            sheet.line([(LEFT, up(tick)), (right, up(tick))], colours["line"])
            sheet.text(LEFT - 8, up(tick) + 4, f"{100 * tick:.0f} %", 12, colours["quiet"], anchor="r")
        for tick in (0, 0.25, 0.5, 0.75, 1):
            sheet.text(across(tick), BELOW + 16, f"{tick:g}", 12, colours["quiet"], anchor="m")
        dashes = {"weights": (6, 4), "aligned": (3, 3), "embedding": None}
        for path in ("weights", "aligned", "embedding"):
            if path in self.paths:
                points = [(across(each), up(self.seen[path, each].value)) for each in known]
                sheet.line(points, colours[path], 3 if path == "embedding" else 2, dashes[path])
        sheet.line([(across(gamma), TOP), (across(gamma), BELOW)], colours["quiet"])
        for path in reversed(self.paths):
            spot = across(gamma), up(self.seen[path, gamma].value)
            sheet.dot(*spot, 7, colours["back"])
            sheet.dot(*spot, 5, colours[path])
        x = LEFT
        for path in self.paths:  # the key, above
            sheet.line([(x, TOP - 13), (x + 26, TOP - 13)], colours[path], 3 if path == "embedding" else 2, dashes[path])
            words = "decoded" if path == "embedding" else parts.TITLES[path].lower()
            sheet.text(x + 32, TOP - 9, words, 12, colours["text"])
            x += 56 + 7 * len(words)

    def _answers(self, sheet: Sheet, gamma: float) -> None:
        colours = look(self.walk.theme)
        pitch = (parts.WIDTH - 2 * parts.MARGIN) / len(self.shown)
        size = int(min(40, pitch - 5))
        for at, (row, answer) in enumerate(zip(self.shown, self.seen["embedding", gamma].answers)):
            x = parts.MARGIN + at * pitch + (pitch - size) / 2
            good = answer == int(self.images.labels["test"][row])
            colour = colours["right" if good else "wrong"]
            sheet.picture(x, 328, size, size, self.pixels[at])
            if not good:
                sheet.edge(round(x) - 2, 326, size + 4, size + 4, colour, 2)
            name = self.images.classes[answer]
            words = f"{name[:6]} {'✓' if good else '✗'}"
            sheet.text(x + size / 2, 328 + size + 15, words, 12 if len(name) < 3 else 9, colour, anchor="m")

    def strip(self, places: Sequence[tuple[float, float]]) -> Sheet:
        rows = [(path, parts.TITLES[path]) for path in self.paths]
        if self.images is None:
            return parts.strip(self.walk, self.caption, places, rows[:1], self._prep_tile)
        return parts.strip(self.walk, self.caption, places, rows, self._tile)

    def _prep_tile(self, sheet: Sheet, path: str, place: tuple[float, float], x: int, y: int) -> str:
        sheet.picture(x, y, parts.TILE, parts.TILE, signed()[self.preps[place[0]]])
        return "not measured"

    def _tile(self, sheet: Sheet, path: str, place: tuple[float, float], x: int, y: int) -> str:
        colours, here = look(self.walk.theme), self.seen[path, place[0]]
        size = parts.TILE // ROW - 4
        for at, (row, answer) in enumerate(zip(self.shown, here.answers)):
            left, top = x + at % ROW * (size + 4), y + at // ROW * (size + 10)
            sheet.picture(left, top, size, size, self.pixels[at])
            good = answer == int(self.images.labels["test"][row])
            sheet.box(left, top + size + 2, size, 4, colours["right" if good else "wrong"])
        return f"{100 * here.value:.1f} % ({100 * here.low:.0f} to {100 * here.high:.0f})"


def _shown(images: Any) -> tuple[list[int], np.ndarray]:
    """Rows of the test images that are shown, as many of each class where there are few, and their pixels, uint8 [B, H, W(, 3)]."""
    labels = images.labels["test"].tolist()
    each = max(1, SHOWN // len(images.classes))
    of = [[at for at, other in enumerate(labels[:2000]) if other == label][:each] for label in range(min(SHOWN, len(images.classes)))]
    rows = [at for these in of for at in these]
    pixels = np.moveaxis(to_bytes(images.images["test"][rows].cpu().numpy(), images.low, images.high), 1, -1)
    return rows, np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
