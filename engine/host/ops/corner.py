"""One network of the square of four instances, at x and y: what its task answers of it."""

from __future__ import annotations

from ...kinds.netspace.space import check_gamma
from ..host import Host
from ..questions import Answer, described, line, wanted


def answer(host: Host, question: dict) -> Answer:
    wants = wanted(question)
    space_id = line({**question, "a": "", "b": ""})["space_id"]
    x, y = check_gamma(question.get("x")), check_gamma(question.get("y"))
    found = host.square(space_id, question.get("corners", []), x, y)
    header, arrays = found.space.task.live(host, found, {**question, "want": wants})
    return {**described(found), **header, "x": question["x"], "y": question["y"]}, arrays
