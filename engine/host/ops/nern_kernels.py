"""Kernels of some filters of a layer, of an original and of its NeRN: see `engine.host.nerns.kernels`."""

from __future__ import annotations

from .. import nerns as hosted
from ..host import Host
from ..nern_questions import found_of, look_of
from ..questions import Answer


def answer(host: Host, question: dict) -> Answer:
    asked = (question.get("layer"), question.get("first", 0), question.get("count", 8), question.get("order", "none"))
    return hosted.kernels(host, found_of(host, question), look_of(question), *asked)
