"""Accuracy at some places of the plane through three instances, and the architecture that lives at each."""

from __future__ import annotations

import math

from ...core.errors import InvalidValue
from ...kinds.netspace.plane import FARTHEST
from ...tasks.images.live import figure
from ..host import Host
from ..questions import Answer, line

PLACES_LIMIT = 64


def answer(host: Host, question: dict) -> Answer:
    place = line({**question, "a": "", "b": ""})
    places, images = checked(question.get("places")), question.get("images")
    steps = host.plane(place["space_id"], question.get("corners", []), place["path"], places, images)
    points = [
        {"u": u, "v": v, "architecture": found.network.arch.id, **(figure(found) if found.n else {"value": None})}
        for (u, v), found in zip(places, steps)
    ]
    return {"path": place["path"], "n": steps[0].n, "total": steps[0].total, "dtype": steps[0].dtype, "points": points}, {}


def checked(places: object) -> list[tuple[float, float]]:
    """Places (u, v) as a question names them. Raises InvalidValue."""

    def good(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) <= FARTHEST

    if isinstance(places, list) and 1 <= len(places) <= PLACES_LIMIT:
        if all(isinstance(each, list) and len(each) == 2 and all(map(good, each)) for each in places):
            return [(float(u), float(v)) for u, v in places]
    raise InvalidValue(
        f"places is a list of 1 to {PLACES_LIMIT} pairs [u, v] of numbers from {-FARTHEST:g} to {FARTHEST:g}; got {str(places)[:60]!r}."
    )
