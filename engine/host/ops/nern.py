"""Accuracy and size of a NeRN's network, its predictor pruned and quantised."""

from __future__ import annotations

from .. import nerns as hosted
from ..host import Host
from ..nern_questions import found_of, look_of
from ..questions import Answer


def answer(host: Host, question: dict) -> Answer:
    found_of(host, question, needs_nern=True)
    return hosted.measure(host, question["nern"], look_of(question), question.get("images")), {}
