"""A config dataclass as the fields of a form: their types, values and help; and back, checked. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal, get_args, get_origin

from ..core.told import Told, check_value, held, hints_of, tells
from ..errors import InvalidValue, closest


@dataclass(frozen=True)
class Field:
    """One field: `type` is int, float, bool, str or tuple; `choices` where only some values are good; `told` is what it tells."""

    name: str
    type: type
    value: object
    choices: tuple[str, ...] = ()
    told: Told = Told("", "")
    of: type = float  # what a tuple holds: str, int or float
    hint: object = float


def fields_of(config) -> list[Field]:
    """The fields of a config with its values."""
    hints = hints_of(type(config))
    rows = []
    for field in fields(config):
        hint = hints[field.name]
        choices = get_args(hint) if get_origin(hint) is Literal else ()
        plain = hint if hint in (int, float, bool, str) else str if choices else tuple
        rows.append(Field(field.name, plain, getattr(config, field.name), choices, tells(field), held(hint), hint))
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
    if field.type is float and type(value) is int and field.told.holds(value):
        value = float(value)
    value = tuple(value) if field.type is tuple and isinstance(value, list) else value
    check_value(field.name, field.told, field.hint, value)
    return value
