"""Instances of a space that a query and filters find, best first, a page at a time: see `engine.host.search` for what a query is.

A question holds `space`, `of` (what is searched, of `engine.host.lists`; "instances"), `query`, `filters`, `sort` (a column's name, with a
minus before it the other way round), `offset` and `limit` (50). The answer: `total` rows of the space, `found` of them, `rows`, a page of
them, and `columns`, how each is called, what it holds and what one may choose from.
Where `all` is true the array "matches" holds the rows of all that was found, uint32 [M] in the order of the table, behind whose rows those
of placed shapes come, newest first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.errors import InvalidValue
from ..host import Host
from ..lists import list_of
from ..questions import Answer
from ..search import search

LIMIT, MOST = 50, 200  # rows of an answer
FARTHEST = 1 << 31


def answer(host: Host, question: dict) -> Answer:
    texts = {name: question.get(name, "") for name in ("space", "query", "sort")}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise InvalidValue(f"{name} must be text; got {str(value)[:40]!r}.")
    filters = question.get("filters") or {}
    if not isinstance(filters, dict):
        raise InvalidValue(f"filters must be an object of columns; got {str(filters)[:40]!r}.")
    offset, limit = whole(question, "offset", 0, 0, FARTHEST), whole(question, "limit", LIMIT, 0, MOST)
    columns = list_of(question.get("of", "instances")).columns(host, texts["space"])
    rows = search(columns, texts["query"], filters, texts["sort"].removeprefix("-"), texts["sort"].startswith("-"))
    header = {
        "total": columns.count,
        "found": len(rows),
        "offset": offset,
        "quality": columns.quality,
        "columns": columns.described,
        "rows": [columns.row(row) for row in rows[offset : offset + limit].tolist()],
    }
    return header, {"matches": np.sort(rows).astype(np.uint32)} if question.get("all") is True else {}


def whole(question: dict, name: str, default: int, low: int, high: int) -> int:
    value: Any = question.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidValue(f"{name} must be a whole number from {low} to {high}; got {str(value)[:40]!r}.")
    return value
