"""One network between two ends: what its task answers of it, and its PRep where `want` says so."""

from __future__ import annotations

from ...core.frames import to_bytes
from ...kinds.netspace.space import check_gamma
from ..host import Host
from ..questions import Answer, described, line, wanted


def answer(host: Host, question: dict) -> Answer:
    wants, place = wanted(question), line(question)
    found = host.between(**place, gamma=check_gamma(question.get("gamma")))
    header, arrays = found.space.task.live(host, found, {**question, "want": wants})
    if "prep" in wants:
        high, prep = host.colour_range(place["space_id"], place["a"], place["b"]), found.prep
        header["prep"] = {"rows": prep.shape[0], "cols": prep.shape[1], "vmin": -high, "vmax": high}
        arrays["prep"] = to_bytes(prep, -high, high)
    return {**described(found), **header}, arrays
