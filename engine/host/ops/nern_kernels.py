"""Kernels of some filters of a layer, of an original and of its NeRN: see `engine.host.nerns.kernels`. Without "layer" they are of the one
that a newcomer sees."""

from __future__ import annotations

from .. import nerns as hosted
from ..host import Host
from ..nern_questions import found_of, look_of
from ..questions import Answer


def answer(host: Host, question: dict) -> Answer:
    found = found_of(host, question)
    layer = question["layer"] if "layer" in question else hosted.shown_first(found)
    asked = (layer, question.get("first", 0), question.get("count", 8), question.get("order", "none"))
    return hosted.kernels(host, found, look_of(question), *asked)
