"""SQLite connections that are lent: a thread has one while it reads or writes, and a few wait for the next.

A connection costs three descriptors. Kept by threads, or by queues that a page's closures keep, they pile up with every visit.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

IDLE = 4  # connections of this process that wait, to whatever files


@dataclass(frozen=True)
class Waiting:
    """An idle connection, and the file that it was opened on: one of that name may be another by now."""

    path: Path
    file: tuple[int, int]
    pid: int
    connection: sqlite3.Connection


_lock = threading.Lock()
_idle: list[Waiting] = []  # the longest idle first
_inherited: list[Waiting] = []  # of the process that forked this one: to use or to close them would be its harm


@contextlib.contextmanager
def lent(path: Path, make: Callable[[], sqlite3.Connection]) -> Iterator[sqlite3.Connection]:
    """A connection to `path` for as long as the block runs; `make` opens one (check_same_thread=False) where none waits. Behind an
    error it is closed, so that nothing half done is lent again."""
    connection = take(path) or make()
    file = identity(path)
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    give(path, file, connection)


def take(path: Path) -> sqlite3.Connection | None:
    file, pid, stale = identity(path), os.getpid(), []
    with _lock:
        _inherited.extend(each for each in _idle if each.pid != pid)
        stale = [each for each in _idle if each.pid == pid and each.path == path and each.file != file]
        _idle[:] = [each for each in _idle if each.pid == pid and each not in stale]
        found = next((each for each in reversed(_idle) if each.path == path), None)
        if found is not None:
            _idle.remove(found)
    for each in stale:
        each.connection.close()
    return found and found.connection


def give(path: Path, file: tuple[int, int] | None, connection: sqlite3.Connection) -> None:
    now = identity(path)
    spare: sqlite3.Connection | None = connection
    with _lock:
        if file is not None and file == now and not connection.in_transaction:
            _idle.append(Waiting(path, file, os.getpid(), connection))
            spare = _idle.pop(0).connection if len(_idle) > IDLE else None
    if spare is not None:
        spare.close()


def identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
