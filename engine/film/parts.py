"""What the films of all tasks share: the walk's head with its slider, the caption below, rows of a filmstrip."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .look import look
from .sheet import Sheet, wrapped
from .walk import Walk

MARGIN, WIDTH = 28, 960
SLIDER, HEAD = 66, 96  # where the slider is, and where the head ends, from above
SMALL, LEADING = 13, 18  # letters of a caption, and its lines
TITLES = {"embedding": "Decoded from the space", "aligned": "Weights mixed after alignment", "weights": "Weights mixed as they are"}
TILE, GAP, SIDE = 150, 8, 150  # of a filmstrip: a picture, between two, what stands left of a row


def begun(walk: Walk, height: int, gamma: float, more: str = "") -> Sheet:
    """A frame with its head: the anchors, gamma (and `more`), the thumb where it is."""
    colours = look(walk.theme)
    sheet = Sheet(WIDTH, height, colours["back"])
    right = WIDTH - MARGIN
    for name, where, anchor in (("A", MARGIN, "l"), ("B", right, "r")):
        sheet.text(where, 36, f"{name}  {walk.a}" if name == "A" else f"{walk.b}  {name}", 17, colours["text"], True, anchor)
    sheet.text(WIDTH / 2, 36, f"gamma {gamma:.3f}{more}", 19, colours["text"], True, "m")
    at = MARGIN + gamma * (right - MARGIN)
    sheet.box(MARGIN, SLIDER - 4, right - MARGIN, 8, colours["line"], 4)
    sheet.box(MARGIN, SLIDER - 4, at - MARGIN, 8, colours["embedding"], 4)
    sheet.dot(at, SLIDER, 12, colours["back"])
    sheet.dot(at, SLIDER, 10, colours["embedding"])
    return sheet


def foot_height(caption: Sequence[str], width: int = WIDTH) -> int:
    """Pixels that a caption takes, an even number."""
    return 2 * ((LEADING * len(caption_lines(caption, width)) + 26) // 2)


def caption_lines(caption: Sequence[str], width: int = WIDTH) -> list[str]:
    return [line for each in caption for line in wrapped(each, SMALL, width - 2 * MARGIN)]


def foot(sheet: Sheet, caption: Sequence[str], theme: str) -> None:
    """The caption, at the sheet's lower edge."""
    lines = caption_lines(caption, sheet.width)
    for at, line in enumerate(lines):
        sheet.text(MARGIN, sheet.height - 14 - LEADING * (len(lines) - 1 - at), line, SMALL, look(theme)["quiet"])


def strip(
    walk: Walk,
    caption: Sequence[str],
    places: Sequence[tuple[float, float]],
    rows: Sequence[tuple[str, str]],
    draw: Callable[[Sheet, str, tuple[float, float], int, int], str],
) -> Sheet:
    """A filmstrip: a row for each (path, title), a column for each place. `draw(sheet, path, place, x, y)` draws a picture of TILE
    pixels a side and says what stands below it."""
    colours = look(walk.theme)
    width = MARGIN + SIDE + len(places) * (TILE + GAP) + MARGIN
    below = foot_height(caption, width)
    sheet = Sheet(width, 84 + len(rows) * (TILE + 30) + below, colours["back"])
    sheet.text(MARGIN, 38, f"{walk.a} to {walk.b}", 20, colours["text"], True)
    levels = bool(walk.levels) and len(set(walk.levels)) > 1
    for at, (gamma, level) in enumerate(places):
        words = f"{gamma:.2f}" + (f", level {level:.2f}" if levels else "")
        sheet.text(_column(at) + TILE / 2, 72, words if at else f"gamma {words}", 14, colours["text"], True, "m")
    for row, (path, title) in enumerate(rows):
        y = 84 + row * (TILE + 30)
        for at, line in enumerate(wrapped(title, 14, SIDE - 12)):
            sheet.text(MARGIN, y + TILE / 2 + 18 * at, line, 14, colours[path], True)
        for at, place in enumerate(places):
            below_it = draw(sheet, path, place, _column(at), y)
            sheet.text(_column(at) + TILE / 2, y + TILE + 18, below_it, SMALL, colours["text"], anchor="m")
    foot(sheet, caption, walk.theme)
    return sheet


def _column(at: int) -> int:
    return MARGIN + SIDE + at * (TILE + GAP)
