"""Small pictures of some instances of a space, by their ids: see `engine.host.pictures`. `ids`: those, up to 64 of them; `of`: of what,
where not of instances (`engine.host.lists`)."""

from __future__ import annotations

from ...core.errors import InvalidValue
from ..host import Host
from ..lists import list_of
from ..pictures import check_ids
from ..questions import Answer

MOST = 64


def answer(host: Host, question: dict) -> Answer:
    if not isinstance(space_id := question.get("space"), str):
        raise InvalidValue(f"space must be text; got {str(space_id)[:40]!r}.")
    header, drawn = list_of(question.get("of", "instances")).pictures(host, space_id, check_ids(question.get("ids"), MOST))
    return {"pictures": header}, {"pictures": drawn}
