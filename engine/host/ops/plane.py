"""What is measured at some places of the plane through three instances, the architecture that lives at each, and how one of them looks."""

from __future__ import annotations

import math

from ...core.errors import InvalidValue
from ...kinds.netspace.plane import FARTHEST
from .. import planes
from ..host import Host
from ..questions import Answer, line

PLACES_LIMIT = 64


def answer(host: Host, question: dict) -> Answer:
    """`look`: whether to show the network, too, of one place (see `Task.look`)."""
    place = line({**question, "a": "", "b": ""})
    places, look = checked(question.get("places")), question.get("look") is True
    if look and len(places) > 1:
        raise InvalidValue(f"Only one network is looked at: give one place, or leave out look; got {len(places)} places.")
    steps, basis, figures = planes.measured(host, place["space_id"], question.get("corners", []), place["path"], places, question)
    points = [
        {"u": u, "v": v, "architecture": found.network.arch.id, **figure} for (u, v), found, figure in zip(places, steps, figures)
    ]
    header, arrays = steps[0].space.task.look(host, steps[0], question) if look else ({}, {})
    return {"path": place["path"], **basis, "points": points, **header}, arrays


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
