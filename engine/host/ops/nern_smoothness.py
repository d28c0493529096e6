"""Smoothness of each layer in each order (NeRN, eq. 6), and the bits of each kind of permutation."""

from __future__ import annotations

from .. import nerns as hosted
from ..host import Host
from ..nern_questions import found_of
from ..questions import Answer


def answer(host: Host, question: dict) -> Answer:
    return hosted.smooth(host, found_of(host, question)), {}
