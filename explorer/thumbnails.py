"""A space as a small picture, without the space in memory: its map, or some of the shapes on its contact sheet."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import streamlit as st

from engine.core.artifacts import Manifest
from engine.core.errors import ExplorerError
from explorer import charts, services, theme
from explorer.tasks import screens

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

WIDE, HIGH = 560, 132  # pixels, of which a screen shows half or all
FINER = 2  # drawn so much larger, for smooth edges
DOT, EDGE = 4, 10  # radius of a point, ground around the map
SHAPES = 4  # of a contact sheet, side by side
MOST = 4000  # points of a map: a fair sample of more looks the same so small
KEPT = 256  # pictures in memory, some 15 KB each
DARK = (128, 128, 128)  # of a value that is not known


def thumbnail(space: Manifest) -> str:
    """The picture as an address (data:image/webp), in this person's theme; "" where the space holds nothing to draw."""
    return drawn(space.id, space.created, st.context.theme.type == "dark")


def instances(space: Manifest) -> int | None:
    """How many networks its map shows; None where it cannot be told."""
    return counted(space.id, space.created)


@st.cache_data(max_entries=KEPT, show_spinner=False)
def counted(space: str, created: str) -> int | None:
    import pyarrow.parquet

    try:
        return pyarrow.parquet.read_metadata(services.store().open(space, "netspace").path("instances.parquet")).num_rows
    except (ExplorerError, OSError, pyarrow.ArrowException):
        return None


@st.cache_data(max_entries=KEPT, show_spinner=False)
def drawn(space: str, created: str, dark: bool) -> str:
    """`created` tells a space from one that was made again under its name."""
    try:
        found = services.store().open(space, "netspace")
        shown = screens(found.manifest.task)
        picture = sheet(found) if shown.pictures == "sheet" else scatter(found.table("instances.parquet"), shown, dark)
    except (ExplorerError, KeyError, OSError):
        return ""
    return charts.inline(picture, "webp", quality=80)


def scatter(table: pd.DataFrame, shown, dark: bool) -> Image.Image:
    """The map of a table, a point an instance, by the first of its task's colours. Raises KeyError where it has no places."""
    from PIL import Image, ImageDraw

    if len(table) > MOST:
        table = table.sample(MOST, random_state=0)
    places = table[["x2", "y2"]].to_numpy()
    low, high = places.min(0), places.max(0)
    size = (FINER * WIDE, FINER * HIGH)
    at = FINER * EDGE + (places - low) / (high - low).clip(1e-9) * [side - 2 * FINER * EDGE for side in size]
    picture = Image.new("RGBA", size, (0, 0, 0, 0))
    pen, radius = ImageDraw.Draw(picture), FINER * DOT
    for (x, y), colour in zip(at, colours(table, next(iter(shown.colours.values())), theme.tokens("dark" if dark else "light"))):
        pen.ellipse((x - radius, size[1] - y - radius, x + radius, size[1] - y + radius), fill=colour)
    return picture.resize((WIDE, HIGH), Image.Resampling.LANCZOS)


def colours(table: pd.DataFrame, column, tokens: dict) -> list:
    """A colour a row: of the scale from the lowest to the highest value, or of its category."""
    values = table[column.name]
    if column.form == "names":
        return [tokens["chartCategoricalColors"][i % len(tokens["chartCategoricalColors"])] for i in values.factorize()[0]]
    stops, known = tokens["chartSequentialColors"], values.dropna()
    low, span = known.min(), max(known.max() - known.min(), 1e-9)
    return [DARK if value != value else stops[round((len(stops) - 1) * (value - low) / span)] for value in values]


def sheet(space) -> Image.Image:
    """Some shapes of the contact sheet side by side. Raises MissingFile where it was not drawn."""
    from PIL import Image

    from engine.tasks.distances.sheet import FILE

    found = space.arrays(FILE)
    columns, side, count = (int(each) for each in found["grid"])
    atlas = Image.open(io.BytesIO(found["webp"].tobytes())).convert("RGBA")
    wide = side * WIDE // HIGH
    picture = Image.new("RGBA", (wide, side), (0, 0, 0, 0))
    for i in range(min(SHAPES, count)):
        at = i * count // SHAPES
        left, top = at % columns * side, at // columns * side
        picture.paste(atlas.crop((left, top, left + side, top + side)), (i * (wide - side) // (SHAPES - 1), 0))
    return picture
