"""Columns of a space's table as arrays, for the map: 4 bytes a number and instance, 1 a name."""

from __future__ import annotations

from ...core.errors import InvalidValue
from .. import table
from ..host import Host
from ..questions import Answer

LIMIT = 16  # columns of one question


def answer(host: Host, question: dict) -> Answer:
    """`numbers` and `names` are the columns that are wanted. The header says of each its `array` and, of names, what its codes are
    (`names`; none where they are too many); an array that is left out is the same name everywhere. `hollow` is no column of the table: who
    lies outside of the zoo; left out while that is worked out."""
    loaded = host.loaded_space(str(question.get("space"))[:200])
    wanted = {kind: listed(question, kind) for kind in ("numbers", "names")}
    space = loaded.space
    header: dict = {"count": len(space.table), "version": table.version(loaded), "known": list(map(str, space.table.columns))}
    header["columns"], arrays = [], {}
    for name in wanted["numbers"]:
        if name == "hollow" and (codes := table.hollow(loaded)) is None:
            continue
        arrays[f"c{len(arrays)}"] = codes if name == "hollow" else table.numbers(space, name)
        header["columns"].append({"name": name, "array": f"c{len(arrays) - 1}"})
    for name in wanted["names"]:
        codes, known = table.names(space, name)
        if known is not None and len(known) == 1 and not codes.any():
            header["columns"].append({"name": name, "names": known})
            continue
        arrays[f"c{len(arrays)}"] = codes
        header["columns"].append({"name": name, "array": f"c{len(arrays) - 1}", "names": known})
    return header, arrays


def listed(question: dict, kind: str) -> list[str]:
    found = question.get(kind, [])
    if not isinstance(found, list) or len(found) > LIMIT or not all(isinstance(name, str) for name in found):
        raise InvalidValue(f"{kind} must be a list of at most {LIMIT} names of columns; got {str(found)[:60]!r}.")
    return found
