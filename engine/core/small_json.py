"""Small JSON files from outside: regular files of a bounded size, and values that every reader behind them can take."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path

LIMIT = 4 << 20  # bytes
DEPTH = 32  # lists and objects within each other
DIGITS = 18  # of an integer: what fits 64 bits


def read_bytes(path: Path, limit: int = LIMIT) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. A pipe or a device is never read, for it may have no end. Raises
    OSError, ValueError."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("it is not a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"it is over {limit >> 20} MiB")
    return data


def parse(data: bytes | str) -> object:
    """The value that JSON text means: finite numbers of at most 64 bits, text that is Unicode, at most DEPTH levels. Raises
    ValueError, RecursionError."""
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    value = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_no_constant)
    _check(value)
    return value


def read(path: Path, limit: int = LIMIT) -> object:
    """The value of a JSON file. Raises OSError, ValueError, RecursionError."""
    return parse(read_bytes(path, limit))


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > DIGITS:
        raise ValueError(f"it holds an integer of {len(text.lstrip('-'))} digits")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"it holds {text[:20]}, which is not a finite number")
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"it holds {name}, which is not a number")


def _check(value: object) -> None:
    """Without recursion: what is checked may be deep."""
    waiting = [(value, 1)]
    while waiting:
        each, depth = waiting.pop()
        if isinstance(each, str):
            each.encode("utf-8")  # a lone surrogate cannot be printed or sent
        elif isinstance(each, (list, dict)):
            if depth > DEPTH:
                raise ValueError(f"it has more than {DEPTH} levels")
            waiting += [(part, depth + 1) for part in (each if isinstance(each, list) else [*each, *each.values()])]
