"""Colours and letters of a film: the page's own theme (.streamlit/config.toml), DejaVu's letters, which come with matplotlib."""

from __future__ import annotations

import functools
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.places import STREAMLIT

if TYPE_CHECKING:
    from PIL import ImageFont


@functools.cache
def look(theme: str) -> dict[str, str]:
    """Colours of the "light" or "dark" theme, '#rrggbb' by what they are for."""
    tokens = tomllib.loads(STREAMLIT.read_text("utf-8"))["theme"][theme]
    kinds = tokens["chartCategoricalColors"]
    return {
        "back": tokens["backgroundColor"],
        "panel": tokens["secondaryBackgroundColor"],
        "text": tokens["textColor"],
        "quiet": tokens["grayColor"],
        "line": tokens["borderColor"],
        "embedding": tokens["linkColor"],
        "aligned": kinds[1],
        "weights": tokens["grayColor"],
        "right": tokens["greenColor"],
        "wrong": tokens["redColor"],
    }


@functools.cache
def signed() -> np.ndarray:
    """Colours of -1 to 1 by their byte, uint8 [256, 3], zero (127 and 128) in the middle, as colours.js makes them."""
    stops = tomllib.loads(STREAMLIT.read_text("utf-8"))["theme"]["chartDivergingColors"]
    stops = [stop for at, stop in enumerate(stops) if not at or stop != stops[at - 1]]
    colours = np.array([rgb(stop) for stop in stops], float)
    half = (len(stops) - 1) / 2
    places = [half * (byte / 127 if byte < 128 else 1 + (byte - 128) / 127) for byte in range(256)]
    return np.stack([np.interp(places, range(len(stops)), colours[:, channel]) for channel in range(3)], 1).round().astype(np.uint8)


def rgb(colour: str) -> tuple[int, int, int]:
    """'#0b6e8f' as (11, 110, 143)."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@functools.cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Letters of so many pixels."""
    from PIL import ImageFont

    spec = find_spec("matplotlib")
    assert spec is not None and spec.origin is not None, "matplotlib is a requirement"
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    return ImageFont.truetype(folder / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), size)
