"""Some instances of a space as their rows of the table say."""

from __future__ import annotations

from ...core.errors import InvalidValue, UnknownId
from .. import table
from ..host import Host
from ..questions import Answer

LIMIT = 50  # instances of one question


def answer(host: Host, question: dict) -> Answer:
    """`rows` (numbers) or `ids` say which; unknown ids are left out. Of each there is its `row`, what the columns say, and how far outside
    of the zoo it lies."""
    loaded = host.loaded_space(str(question.get("space"))[:200])
    rows, ids = question.get("rows", []), question.get("ids", [])
    if not isinstance(rows, list) or not isinstance(ids, list) or len(rows) + len(ids) > LIMIT:
        raise InvalidValue(f"rows and ids must be lists of at most {LIMIT}; got {str([rows, ids])[:60]!r}.")
    for row in rows:
        if isinstance(row, bool) or not isinstance(row, int) or not 0 <= row < len(loaded.rows):
            raise UnknownId(f"There is no row {str(row)[:20]} in {loaded.space.id}: it has {len(loaded.rows):,}.")
    found = [*rows, *(loaded.rows[each] for each in ids if isinstance(each, str) and each in loaded.rows)]
    return {"version": table.version(loaded), "instances": [table.facts(loaded.space, row) for row in found]}, {}
