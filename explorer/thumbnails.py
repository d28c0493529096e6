"""A space as a small picture, without the space in memory: its map, or some of the shapes on its contact sheet.

A page holds the picture's address. It is drawn when a browser asks for it, so that no page waits for pictures.
"""

from __future__ import annotations

import asyncio
import io
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import numpy as np
import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.api.answers import refused
from engine.core.artifacts import Artifact, Manifest
from engine.core.boundary import untrusted
from engine.core.errors import CorruptArtifact, ExplorerError
from engine.core.manifests import AGAIN
from engine.core.tables import columns, count
from explorer import services, theme
from explorer.screens import Column
from explorer.tasks import screens

if TYPE_CHECKING:
    from PIL import Image

PATH = "api/static/thumbnails"
TABLE, SHEET = "instances.parquet", "sheet.safetensors"  # the latter as engine.tasks.distances.sheet has it, which needs torch
LONG = "private, max-age=86400"  # an address has in it when the space was made
WIDE, HIGH = 560, 132  # pixels, of which a screen shows half or all
FINER = 2  # drawn so much larger, for smooth edges
DOT, EDGE = 4, 10  # radius of a point, ground around the map
SHAPES = 4  # of a contact sheet, side by side
MOST = 4000  # points of a map: a fair sample of more looks the same so small
LOOK, PATIENCE = 0.05, 2.0  # seconds between looks at whether a space is in memory, and at most: what can be dragged comes first
KEPT = 256  # pictures in memory, some 15 KB each
DARK = (128, 128, 128)  # of a value that is not known


def thumbnail(space: Manifest) -> str:
    """The picture's address, in this person's theme; "" where the space holds nothing to draw."""
    if (SHEET if screens(space.task).pictures == "sheet" else TABLE) not in space.files:
        return ""
    look = "dark" if st.context.theme.type == "dark" else "light"
    return f"{PATH}/{quote(space.id)}?{urlencode({'theme': look, 'made': space.created})}"


def instances(space: Manifest) -> int | None:
    """How many networks its map shows; None where it cannot be told."""
    return counted(space.id, space.created)


@lru_cache(maxsize=KEPT)
def counted(space: str, created: str) -> int | None:
    try:
        return count(services.store().open(space, "netspace"), TABLE)
    except ExplorerError:
        return None


async def answer(request: Request) -> Response:
    """The picture as WebP; `theme` is "dark" or else light."""
    waited = 0.0
    while waited < PATIENCE and not services.host().loaded():
        await asyncio.sleep(LOOK)
        waited += LOOK
    try:
        data = await run_in_threadpool(picture_of, request.path_params["id"], request.query_params.get("theme") == "dark")
    except ExplorerError as error:
        return refused(error)
    return Response(data, media_type="image/webp", headers={"Cache-Control": LONG})


def routes() -> list[Route]:
    """Where the pictures are served."""
    return [Route(f"/{PATH}/{{id}}", answer)]


def picture_of(space: str, dark: bool) -> bytes:
    """A WebP file. Raises UnknownId, InvalidValue, CorruptArtifact."""
    return drawn(space, services.store().open(space, "netspace").manifest.created, dark)


@lru_cache(maxsize=KEPT)
def drawn(space: str, created: str, dark: bool) -> bytes:
    """`created` tells a space from one that was made again under its name."""
    found = services.store().open(space, "netspace")
    shown = screens(found.manifest.task)
    with untrusted(f"{space}: its picture", CorruptArtifact, AGAIN):
        picture = sheet(found) if shown.pictures == "sheet" else scatter(found, next(iter(shown.colours.values())), dark)
        file = io.BytesIO()
        picture.save(file, "webp", quality=80)
        return file.getvalue()


def scatter(space: Artifact, colour: Column, dark: bool) -> Image.Image:
    """The map of a space, a point an instance, coloured by a column. Raises CorruptArtifact where its table has no places."""
    from PIL import Image, ImageDraw

    table = columns(space, TABLE, ("x2", "y2", colour.name))
    if len(table) < 3:
        raise CorruptArtifact(f"{space.id}: its table has no {colour.name}, or no places on a map. Make it again.")
    if (rows := len(table["x2"])) > MOST:
        some = np.random.default_rng(0).choice(rows, MOST, replace=False)
        table = {name: column[some] for name, column in table.items()}
    places = np.stack([table["x2"], table["y2"]], 1)
    low, high = places.min(0), places.max(0)
    size = (FINER * WIDE, FINER * HIGH)
    at = FINER * EDGE + (places - low) / (high - low).clip(1e-9) * [side - 2 * FINER * EDGE for side in size]
    picture = Image.new("RGBA", size, (0, 0, 0, 0))
    pen, radius = ImageDraw.Draw(picture), FINER * DOT
    for (x, y), fill in zip(at, colours(table[colour.name], colour.form, theme.tokens("dark" if dark else "light"))):
        pen.ellipse((x - radius, size[1] - y - radius, x + radius, size[1] - y + radius), fill=fill)
    return picture.resize((WIDE, HIGH), Image.Resampling.LANCZOS)


def colours(values_N: np.ndarray, form: str, tokens: dict) -> list:
    """A colour a row: of the scale from the lowest to the highest value, or of its category."""
    if form == "names":
        found, of_name = tokens["chartCategoricalColors"], {name: at for at, name in enumerate(dict.fromkeys(values_N.tolist()))}
        return [found[of_name[name] % len(found)] for name in values_N.tolist()]
    stops, known = tokens["chartSequentialColors"], values_N[~np.isnan(values_N)]
    low, span = known.min(initial=np.inf), max(np.ptp(known) if len(known) else 0, 1e-9)
    return [DARK if value != value else stops[round((len(stops) - 1) * (value - low) / span)] for value in values_N]


def sheet(space: Artifact) -> Image.Image:
    """Some shapes of the contact sheet side by side. Raises CorruptArtifact where it was not drawn."""
    from PIL import Image

    found = space.arrays(SHEET)
    across, side, shapes = (int(each) for each in found["grid"])
    atlas = Image.open(io.BytesIO(found["webp"].tobytes())).convert("RGBA")
    wide = side * WIDE // HIGH
    picture = Image.new("RGBA", (wide, side), (0, 0, 0, 0))
    for i in range(min(SHAPES, shapes)):
        at = i * shapes // SHAPES
        left, top = at % across * side, at // across * side
        picture.paste(atlas.crop((left, top, left + side, top + side)), (i * (wide - side) // (SHAPES - 1), 0))
    return picture
