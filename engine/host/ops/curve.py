"""Accuracy at each of some gammas."""

from __future__ import annotations

from ...core.errors import InvalidValue
from ...tasks.images.live import figure
from ..host import Host
from ..questions import Answer, line

GAMMAS_LIMIT = 51


def answer(host: Host, question: dict) -> Answer:
    gammas = question.get("gammas")
    if not isinstance(gammas, list) or not 1 <= len(gammas) <= GAMMAS_LIMIT:
        raise InvalidValue(f"gammas must be a list of 1 to {GAMMAS_LIMIT} numbers from 0 to 1; got {str(gammas)[:60]!r}.")
    place, images = line(question), question.get("images")
    if images == "none":
        raise InvalidValue("A curve shows accuracies: images must be a number, 'all' or left out.")
    steps = [host.step(**place, gamma=gamma, images=images) for gamma in gammas]
    points = [{"gamma": found.gamma, **figure(found), "architecture": found.network.arch.id} for found in steps]
    return {"path": place["path"], "n": steps[0].n, "dtype": steps[0].dtype, "points": points}, {}
