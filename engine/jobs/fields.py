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
        rows.append(Field(field.name, plain, value, choices, notes.get(field.name, "")))
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
        good = isinstance(value, (list, tuple)) and all(isinstance(each, (int, float)) and not isinstance(each, bool) and math.isfinite(each) for each in value)
        if not good or len(value) > 8:
            raise InvalidValue(f"{field.name} is a short list of numbers; got {str(value)[:60]!r}.")
        return tuple(value)
    if type(value) is not field.type or isinstance(value, float) and not math.isfinite(value):
        raise InvalidValue(f"{field.name} is {'a' if field.type is not int else 'an'} {field.type.__name__}; got {str(value)[:60]!r}.")
    if isinstance(value, str) and len(value) > 500:
        raise InvalidValue(f"{field.name} is at most 500 characters long.")
    return value
