"""What is said of the surface of one network: see `engine.host.shapes.measures`."""

from __future__ import annotations

from .. import shapes as viewing
from ..host import Host
from ..questions import Answer, view


def answer(host: Host, question: dict) -> Answer:
    asked = view(question)
    found = viewing.measures(host, asked)
    return {"gamma": asked.gamma, "path": asked.path, "resolution": asked.resolution, "level": asked.level, **found}, {}
