"""Configs as values from elsewhere: manifests, command lines, jobs, forms and tests all make them here, by one rule. Needs no torch.

JSON has no tuples, and people write 1 for 1.0: a list is a tuple where its field is one, a whole number a float where its field is
one (not inside a tuple: the digests of runs that are under way would change).
Types, choices and bounds are the config's own to check, when it is made (`engine.core.told`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin

from .errors import InvalidValue, closest
from .told import Told, check_value, hints_of, item_type, tells


def require(condition: object, message: str) -> None:
    """Raises InvalidValue with that message unless `condition` holds."""
    if not condition:
        raise InvalidValue(message)


@dataclass(frozen=True)
class Reference:
    """What a config names that it is made from: a preset, or an artifact of that kind."""

    name: str
    kind: str
    seed: int | None = None  # that a preset is made with; None: its own
    version: Literal["same", "any", "current"] = "same"  # which artifact serves where a preset is named: only one of the very config
    # that is whole; any; or any that was made from the current version of its own inputs
    recorded: bool = True  # whether the manifest names it among its inputs
    optional: bool = False  # whether the name may stand for no artifact of that kind, and the reference for nothing then
    missing: str = ""  # what is said where nothing has that name


def added_architectures(*ids: str) -> tuple[Reference, ...]:
    """References to architectures: to those that are artifacts, for built-ins are none."""
    return tuple(Reference(id_, "architecture", version="any", optional=True) for id_ in dict.fromkeys(ids) if id_)


@dataclass(frozen=True)
class Field:
    """One field of a config: `type` is int, float, bool, str or tuple; `choices` where only some values are allowed."""

    name: str
    type: type
    value: Any  # of that type
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
        rows.append(Field(field.name, plain_type(hint), getattr(config, field.name), choices, tells(field), item_type(hint), hint))
    return rows


def plain_type(hint: Any) -> type:
    """int, float, bool, str (choices, too) or tuple."""
    return hint if hint in (int, float, bool, str) else str if get_origin(hint) is Literal else tuple


def coerced(hint: Any, value: object) -> Any:
    """A value as a field of that type holds it: a list is a tuple, and a whole number is a float, where the field's are. What does
    not fit is returned as it is, for `check` to refuse."""
    if plain_type(hint) is tuple:
        return tuple(value) if isinstance(value, list) else value
    if hint is float and type(value) is int and abs(value) < 1 << 53:
        return float(value)
    return value


def from_fields(of: type, values: Mapping[str, object]):
    """The dataclass `of` with these values of its fields. Raises InvalidValue for unknown, missing and unfit ones."""
    known = {field.name: field for field in fields(of)}
    if unknown := [name for name in values if name not in known]:
        raise InvalidValue(f"There is no field {str(unknown[0])[:60]!r}.{closest(str(unknown[0]), known)}")
    needed = [name for name, field in known.items() if field.default is MISSING and field.default_factory is MISSING]
    if missing := [name for name in needed if name not in values]:
        raise InvalidValue(f"The field {missing[0]} is missing.")
    hints = hints_of(of)
    return of(**{name: coerced(hints[name], value) for name, value in values.items()})


def changed(config, values: Mapping[str, object]):
    """The config with other values of some fields. Raises InvalidValue, with the field's name."""
    hints, known = hints_of(type(config)), {field.name: field for field in fields(config)}
    clean = {}
    for name, value in values.items():
        if name not in known:
            raise InvalidValue(f"There is no field {str(name)[:60]!r}.{closest(str(name), known)}")
        clean[name] = coerced(hints[name], value)
        check_value(name, tells(known[name]), hints[name], clean[name])  # names the field before the config's own rules do
    return replace(config, **clean)


def plain(config) -> dict:
    """A config as JSON has it."""
    return json.loads(json.dumps(asdict(config)))


def digest(config, *inputs: str) -> str:
    """Short hash of a config (its type's name and its fields) and of what its run reads (manifest hashes). Two runs with the same
    one are the same run: a checkpoint is resumed by it, so that types of configs keep their names."""
    text = json.dumps([type(config).__name__, asdict(config), *inputs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
