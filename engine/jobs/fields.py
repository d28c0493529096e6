"""A config dataclass as the fields of a form: their types, values and help; and back, checked. Needs no torch."""

from __future__ import annotations

import inspect
import math
import re
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Literal, get_args, get_origin, get_type_hints

from ..errors import InvalidValue, closest

COMMENTED = re.compile(r"^    (\w+): [^#\n]+?#\s*(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Field:
    """One field: `type` is int, float, bool, str or tuple; `choices` where only some values are good; `help` is its comment."""

    name: str
    type: type
    value: object
    choices: tuple[str, ...] = ()
    help: str = ""
    of: type = float  # what a tuple holds: str, int or float


@cache
def comments(kind: type) -> dict[str, str]:
    """Field name -> the comment behind it in the source of the class, or of the class that it comes from."""
    found = {}
    for part in reversed(kind.__mro__[:-1]):
        found |= dict(COMMENTED.findall(inspect.getsource(part)))
    return found


def fields_of(config) -> list[Field]:
    """The fields of a config with its values."""
    hints, notes = get_type_hints(type(config)), comments(type(config))
    rows = []
    for field in fields(config):
        hint, value = hints[field.name], getattr(config, field.name)
        choices = get_args(hint) if get_origin(hint) is Literal else ()
        plain = hint if hint in (int, float, bool, str) else str if choices else tuple
        held = next((kind for kind in (str, int) if f"tuple[{kind.__name__}" in str(hint)), float)
        rows.append(Field(field.name, plain, value, choices, notes.get(field.name, ""), held))
    return rows


def changed(config, values: dict):
    """The config with other values, as JSON gives them. Raises InvalidValue, with the field's name."""
    known = {field.name: field for field in fields_of(config)}
    clean = {}
    for name, value in values.items():
        if name not in known:
            raise InvalidValue(f"There is no field {str(name)[:60]!r}.{closest(str(name), known)}")
        clean[name] = read(known[name], value)
    return replace(config, **clean)


def read(field: Field, value):
    """A JSON value as the field's type. Raises InvalidValue."""
    if field.choices:
        if value not in field.choices:
            raise InvalidValue(f"{field.name} is one of {', '.join(field.choices)}; got {str(value)[:60]!r}.")
        return value
    if field.type is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if field.type is tuple:
        if value is None and field.value is None:
            return None
        kinds = (int, float) if field.of is float else (field.of,)
        if not isinstance(value, (list, tuple)) or len(value) > 16 or not all(type(each) in kinds and good(each) for each in value):
            raise InvalidValue(f"{field.name} is a short list of {'words' if field.of is str else 'numbers'}; got {str(value)[:60]!r}.")
        return tuple(value)
    if type(value) is not field.type or not good(value):
        raise InvalidValue(f"{field.name} is {'a' if field.type is not int else 'an'} {field.type.__name__}; got {str(value)[:60]!r}.")
    return value


def good(value) -> bool:
    """A finite number, or a text of sane length."""
    return len(value) <= 500 if isinstance(value, str) else math.isfinite(value)
