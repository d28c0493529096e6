"""The one cache of what the host holds in memory: spaces, NeRNs, originals. Each is read again when it has changed on disk, and keeps
what was worked out of it once; the least recently used ones go when all of it takes more than a number of bytes.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

ONCE_LIMIT = 128  # values worked out once that are kept of one thing: colour ranges of pairs of anchors, meshes of targets

T = TypeVar("T")
H = TypeVar("H", bound="Held")
Key = tuple[str, str]  # what kind of thing is held, and its id


@dataclass
class Slot:
    """A value that is worked out once, and a lock for those who ask meanwhile."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    made: bool = False
    value: Any = None
    nbytes: int = 0


@dataclass(kw_only=True)
class Held:
    """Something in memory: `stamp` is what `stamp_now` said before it was read, `own_bytes` what it takes by itself."""

    stamp_now: Callable[[], Hashable]
    stamp: Hashable
    own_bytes: int
    _slots: OrderedDict[Hashable, Slot] = field(default_factory=OrderedDict, repr=False)
    _latest: dict[Hashable, tuple[object, Any, int]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)  # of both; held for moments
    _grown: Callable[[], None] = field(default=lambda: None, repr=False)  # the cache's, which makes room

    @property
    def nbytes(self) -> int:
        """Bytes of it and of what was worked out of it."""
        with self._lock:
            return self.own_bytes + sum(slot.nbytes for slot in self._slots.values()) + sum(each[2] for each in self._latest.values())

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make()` gives, worked out once for as long as it is among the last that were asked for; who asks meanwhile waits."""
        with self._lock:
            slot = self._slots.setdefault(key, Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > ONCE_LIMIT:
                self._slots.popitem(last=False)
        with slot.lock:
            new = not slot.made
            if new:
                value = make()
                slot.value, slot.nbytes, slot.made = value, nbytes_of(value), True
        if new:
            self._grown()
        return slot.value

    def known(self, key: Hashable) -> Any:
        """The value of a key that was worked out already, else None."""
        with self._lock:
            slot = self._slots.get(key)
        return slot.value if slot is not None and slot.made else None

    def latest(self, key: Hashable, of: object) -> Any:
        """What was last noted under a key, where it was of this very thing; else None."""
        with self._lock:
            known_of, value, _ = self._latest.get(key, (None, None, 0))
        return value if known_of == of else None

    def note(self, key: Hashable, of: object, value: Any) -> None:
        """Keep a value under a key, in the place of the last."""
        with self._lock:
            self._latest[key] = of, value, nbytes_of(value)
        self._grown()

    def forget(self) -> None:
        """Drop all that was worked out."""
        with self._lock:
            self._slots.clear()
            self._latest.clear()


class Cache:
    """What is held, by kind and id; the least recently used go when the bytes of all pass `bytes_limit`. The last one asked for stays."""

    def __init__(self, bytes_limit: int):
        self.bytes_limit = bytes_limit
        self._held: OrderedDict[Key, Held] = OrderedDict()
        self._lock = threading.Lock()  # of _held; held for moments
        self._reading = threading.Lock()  # one thing is read at a time

    def get(self, key: Key, read: Callable[[], H]) -> H:
        """What is held under a key; read where it is not in memory or has changed on disk. Raises what `read` does."""
        if (found := self._fresh(key)) is not None:
            return cast(H, found)
        with self._reading:
            if (found := self._fresh(key)) is not None:  # another thread has just read it
                return cast(H, found)
            made = read()
            made._grown = self._make_room
            with self._lock:
                self._held[key] = made
                self._held.move_to_end(key)
        self._make_room()
        return made

    def keys(self) -> list[Key]:
        """Of all that is held, least recently used first."""
        with self._lock:
            return list(self._held)

    def nbytes(self) -> int:
        """Bytes of all that is held."""
        with self._lock:
            return sum(each.nbytes for each in self._held.values())

    def _fresh(self, key: Key) -> Held | None:
        with self._lock:
            held = self._held.get(key)
        if held is None or held.stamp_now() != held.stamp:
            return None
        with self._lock:
            if self._held.get(key) is held:
                self._held.move_to_end(key)
        return held

    def _make_room(self) -> None:
        with self._lock:
            sizes = {key: each.nbytes for key, each in self._held.items()}
            total = sum(sizes.values())
            while len(self._held) > 1 and total > self.bytes_limit:
                key, _ = self._held.popitem(last=False)
                total -= sizes[key]


def stamp(path: Path) -> tuple | None:
    """What changes when an artifact or a prepared data set, a folder with a manifest.json, is written again; None where it is gone."""
    try:
        stat = os.stat(path / "manifest.json")
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


def nbytes_of(value: Any) -> int:
    """Bytes of the tensors and arrays in a value: itself, or in its items or fields. What is mapped from a file takes none."""
    return sum(_sizes(value, set()))


def _sizes(value: Any, seen: set[int]) -> Iterator[int]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(getattr(value, "nbytes", None), int):
        yield value.nbytes
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _sizes(each, seen)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _sizes(each, seen)
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from _sizes(getattr(value, each.name), seen)
