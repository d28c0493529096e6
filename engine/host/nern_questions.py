"""What live questions about NeRNs have in common."""

from __future__ import annotations

from ..core.errors import InvalidValue
from . import nerns as hosted
from .host import Host


def look_of(question: dict) -> hosted.Look:
    return hosted.Look(question.get("prune", 0.0), question.get("bits", 32))


def found_of(host: Host, question: dict, needs_nern: bool = False) -> hosted.Hosted:
    """What a question is about: `nern`, or an `original` that has none."""
    nern, original = question.get("nern"), question.get("original")
    if isinstance(nern, str):
        return hosted.hosted(host, nern=nern)
    if needs_nern or not isinstance(original, str):
        raise InvalidValue('Name one: {"nern": "<id>"}' + ("." if needs_nern else ' or {"original": "<id>"}.'))
    return hosted.hosted(host, original=original)
