"""The fields of a config tell what they are: a label, a sentence, a unit and bounds, in the dataclass itself. The forms, the
command line's sentences and the checks all read them from here.

    steps: int = told("Training steps", "Steps of gradient descent.", 1000, unit="steps", low=1, high=1_000_000)
"""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from .errors import InvalidValue

KEY = "told"  # in a field's metadata
TEXT = 500  # the longest text that a field takes, in characters
ITEMS = 16  # the longest tuple
CEILINGS = {  # of a unit, where its field gives none: far above any run that ends, far below what overflows or fills a memory by itself
    "steps": 10_000_000, "looks": 10_000_000, "images": 10_000_000, "points": 10_000_000, "kernels": 10_000_000, "columns": 10_000_000,
    "numbers": 65_536, "filters": 65_536, "units": 65_536, "rows": 4_096, "levels": 512, "pixels": 1_024, "weights": 31, "share": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What a field tells. Bounds hold for a number, and for each number of a tuple; `above` is a bound that is itself refused."""

    label: str
    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None

    @property
    def title(self) -> str:
        """Label and unit: 'Batch size (images)'."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def holds(self, number: float) -> bool:
        """Whether a number is finite and within the bounds."""
        return (
            is_finite(number)
            and (self.low is None or number >= self.low)
            and (self.high is None or number <= self.high)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )

    @property
    def range(self) -> str:
        """The bounds in words: 'at least 1 and at most 1,000 steps'."""
        named = (("at least", self.low), ("above", self.above), ("at most", self.high), ("below", self.below))
        words = " and ".join(f"{word} {written(bound)}" for word, bound in named if bound is not None)
        return f"{words or 'a finite number'} {self.unit}".rstrip()


def told(label: str, help: str, default=MISSING, *, unit: str = "", low=None, high=None, above=None, below=None) -> Any:
    """A dataclass field that tells what it is. Without a default it must be given, as any field; without `high` a number has its
    unit's ceiling."""
    high = CEILINGS.get(unit) if high is None and below is None else high
    return field(default=default, metadata={KEY: Told(label, help, unit, low, high, above, below)})


def tells(of) -> Told:
    """What a dataclass field tells; the field's name where it tells nothing."""
    return of.metadata.get(KEY) or Told(of.name.replace("_", " "), "")


@cache
def hints_of(kind: type) -> dict:
    """Field name -> type, resolved."""
    return get_type_hints(kind)


def check(config) -> None:
    """Refuse a config whose fields are not of their types, choices and bounds. Raises InvalidValue, naming the field."""
    hints = hints_of(type(config))
    for each in fields(config):
        check_value(each.name, tells(each), hints[each.name], getattr(config, each.name))


def check_value(name: str, tale: Told, hint: Any, value: Any) -> None:
    """Refuse a value that its field cannot hold. Raises InvalidValue."""
    said = f"{tale.label} ({name})"
    if get_origin(hint) is Literal:
        if not any(value is choice or type(value) is type(choice) and value == choice for choice in get_args(hint)):
            raise InvalidValue(f"{said} is one of {', '.join(map(str, get_args(hint)))}; got {shown(value)}.")
        return
    if value is None and type(None) in get_args(hint):
        return
    many = hint not in (int, float, bool, str)
    if many and (not isinstance(value, tuple) or len(value) > ITEMS):
        raise InvalidValue(f"{said} is a list of at most {ITEMS} values; got {shown(value)}.")
    kind = item_type(hint)
    items: Any = value if many else (value,)
    for item in items:
        if kind in (bool, str):
            if type(item) is not kind or isinstance(item, str) and len(item) > TEXT:
                wanted = "true or false" if kind is bool else f"text of at most {TEXT} characters"
                raise InvalidValue(f"{said} is {wanted}; got {shown(value)}.")
        elif type(item) not in (int, kind):
            raise InvalidValue(f"{said} is {'a whole number' if kind is int else 'a number'}; got {shown(value)}.")
        elif not tale.holds(item):
            raise InvalidValue(f"{said} is {tale.range}; got {shown(value)}.")


def item_type(hint) -> type:
    """The plain type of a field, or of what its tuple holds: bool, str, int or float."""
    return hint if hint in (int, float, bool, str) else next((kind for kind in (str, int) if f"tuple[{kind.__name__}" in str(hint)), float)


def is_finite(number: float) -> bool:
    """Whether a number is one that floats reach: no NaN, no infinity, no integer of 400 digits."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def written(number: float) -> str:
    """1000000 as '1,000,000', 0.001 as it is."""
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def shown(value) -> str:
    """A value for a sentence, cut short. Integers of thousands of digits have no text at all."""
    try:
        text = repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
