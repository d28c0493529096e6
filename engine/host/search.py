"""What a search finds among the rows of a space, and in which order.

A query is terms with spaces between them; all of them must hold. A term is

- a text: part of an id or of any other column of texts, or a number as it stands in a column;
- `column:value`: that value (of a text, one that begins so where none is just so), or for numbers what rounds to it, or `0.8..0.9`;
- `column>value`, `>=`, `<`, `<=`: numbers; `90%` is 0.9.

Quotes keep spaces: `architecture:"resnet 8"`. A column may be named by a part that only one has; `accuracy`, or whatever a task calls its
quality, is the column of that.

Rows that fit the texts better come first: an id that is the text, one that begins with it, one that holds it, then other columns alike.
Ties stay in the table's order.

Legend: N rows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.errors import InvalidValue, closest
from .columns import EXACT, PLACES, PREFIX, Columns, Numbers, Texts

TERM = re.compile(r'(?:([\w.\-]+)(>=|<=|>|<|=|:))?(?:"([^"]*)"?|(\S+))')
RANGE = re.compile(r"(.+)\.\.(.+)")
OWN = 3  # what an id's fit counts more than another column's
COMPARED = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}
TERMS_LIMIT = 32


def search(
    columns: Columns, query: str = "", filters: Mapping[str, Any] | None = None, sort: str = "", descending: bool = False
) -> np.ndarray:
    """The rows that hold all terms and filters, best first, or by the column `sort`; int64 [M].

    `filters`: by column either a list of texts, one of which it must be, or {"from", "to"}, numbers or None: both ends count.
    Raises InvalidValue."""
    terms = [found.groups() for found in TERM.finditer(query)]
    if len(terms) > TERMS_LIMIT:
        raise InvalidValue(f"A search has at most {TERMS_LIMIT} terms; this one has {len(terms)}.")
    fits_N, score_N = np.ones(columns.count, bool), np.zeros(columns.count, np.int16)
    for name, way, quoted, bare in terms:
        value = bare if quoted is None else quoted
        if name is not None and way is not None:
            fits_N &= holds(columns, name, way, value)
        elif value:
            score = fit(columns, value.lower())
            fits_N &= score > 0
            score_N += score
    for name, wanted in (filters or {}).items():
        fits_N &= filtered(columns, str(name), wanted)
    if sort:
        order = column(columns, sort)[1].order
        rows = order[fits_N[order]]
        return turned(columns, sort, rows) if descending else rows
    rows = np.flatnonzero(fits_N)
    return rows[np.argsort(-score_N[rows], kind="stable")] if score_N.any() else rows


def turned(columns: Columns, sort: str, rows: np.ndarray) -> np.ndarray:
    """Sorted rows the other way round; those without a value stay last."""
    of = column(columns, sort)[1]
    none = of.codes_N[rows] < 0 if isinstance(of, Texts) else np.isnan(of.values_N[rows].astype(np.float64))
    return np.concatenate([rows[~none][::-1], rows[none]])


def fit(columns: Columns, wanted: str) -> np.ndarray:
    """How well each row fits a text in lower case, uint8 [N]; 0: not at all."""
    found_N = np.zeros(columns.count, np.uint8)
    for name, each in columns.texts.items():
        fit_N = each.fit(wanted)
        own = name in ("id", "name")
        found_N = np.maximum(found_N, np.where(fit_N > 0, fit_N + OWN, 0) if own else fit_N)
    number = number_of(wanted)
    if number is not None:
        for each in columns.numbers.values():  # a whole number is meant as such: 1 is no accuracy from a half on
            found_N = np.maximum(found_N, near(each, wanted, number) if "." in wanted else each.values_N == number)
    return found_N


def column(columns: Columns, name: str) -> tuple[str, Texts | Numbers]:
    """The column that a person means by a name, under its own. Raises InvalidValue."""
    known = columns.by_name
    wanted, own = spelled(name), {spelled(each): each for each in known}
    if name in known or wanted in own:
        found = name if name in known else own[wanted]
        return found, known[found]
    if columns.quality and (wanted == "quality" or wanted in columns.quality.lower().split("_")[1:]):
        return columns.quality, known[columns.quality]
    like = [each for each in known if wanted in spelled(each) and each not in PLACES]
    if len(like) == 1:
        return like[0], known[like[0]]
    if like:
        raise InvalidValue(f"Several columns have {name[:40]!r} in their names: {', '.join(like[:8])}. Write one of them.")
    raise InvalidValue(f"There is no column {name[:40]!r}.{closest(wanted, [each for each in known if each not in PLACES])}")


def spelled(name: str) -> str:
    """A column's name as a query can spell it: in lower case, with an underscore for what is no letter, digit or dot."""
    return re.sub(r"[^\w.]+", "_", name.lower())


def holds(columns: Columns, name: str, way: str, value: str) -> np.ndarray:
    """Which rows hold a term about a column, bool [N]. Raises InvalidValue."""
    name, of = column(columns, name)
    if isinstance(of, Texts):
        if way not in (":", "="):
            raise InvalidValue(f"{name} holds texts, which {way} does not compare: write {name}:{value[:40]}.")
        fit_N = of.fit(value.lower())
        return fit_N == EXACT if (fit_N == EXACT).any() else fit_N >= PREFIX
    ends = RANGE.fullmatch(value) if way in (":", "=") else None
    low, high = (number_of(end) for end in ends.groups()) if ends else (number_of(value), None)
    if low is None or (ends and high is None):
        raise InvalidValue(f"{name} holds numbers, and {value[:40]!r} is none: write {name}>0.5, {name}:0.5 or {name}:0.5..0.9.")
    if ends:
        return between(of, low, high)
    return COMPARED[way](of.values_N, rounded(of, low)) if way in COMPARED else near(of, value, low) > 0


def rounded(of: Numbers, value: float) -> float:
    """A number as the column has it: in single precision 0.95 is another one."""
    return of.values_N.dtype.type(value) if of.values_N.dtype.kind == "f" else value


def between(of: Numbers, low: float | None, high: float | None) -> np.ndarray:
    """Which rows lie between two numbers, both included; None is no end. Bool [N], False where there is no number."""
    low, high = (rounded(of, default if end is None else end) for end, default in ((low, -math.inf), (high, math.inf)))
    return (of.values_N >= low) & (of.values_N <= high)


def number_of(text: str) -> float | None:
    """A number as a person writes it, '0.9', '90%' or '1e-3'; None where it is none."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def near(of: Numbers, text: str, value: float) -> np.ndarray:
    """1 where a number is the given one in as many digits as were written, uint8 [N]."""
    digits = len(text.removesuffix("%").partition(".")[2]) if "e" not in text else 12
    away = 0.5 * 10.0 ** -(digits + 2 * text.endswith("%"))
    whole = of.values_N.dtype.kind != "f"
    return np.asarray(of.values_N == value if whole else np.abs(of.values_N - value) <= away * 1.000001, np.uint8)


def filtered(columns: Columns, name: str, wanted: Any) -> np.ndarray:
    """Which rows pass a filter, bool [N]. Raises InvalidValue."""
    name, of = column(columns, name)
    if isinstance(of, Texts) and isinstance(wanted, list) and all(isinstance(each, str) for each in wanted):
        names = set(wanted)
        passes_D = np.array([*(each in names for each in of.names_D.to_pylist()), False], bool)
        return passes_D[of.codes_N]
    if isinstance(of, Numbers) and isinstance(wanted, dict) and wanted.keys() <= {"from", "to"}:
        low, high = wanted.get("from"), wanted.get("to")
        if all(end is None or (isinstance(end, int | float) and not isinstance(end, bool) and math.isfinite(end)) for end in (low, high)):
            return between(of, low, high)
    form = "a list of texts" if isinstance(of, Texts) else '{"from", "to"}, numbers or null'
    raise InvalidValue(f"A filter of {name} is {form}; got {str(wanted)[:60]!r}.")
