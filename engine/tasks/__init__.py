"""Tasks: what networks answer and how well. A folder each (see `task.py`); they are collected here."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..core.errors import InvalidValue

if TYPE_CHECKING:
    from .task import Task


@cache
def ids() -> tuple[str, ...]:
    """The ids of all tasks: the names of their folders. Imports no torch."""
    rooms = [room.name for room in pkgutil.iter_modules(__path__) if room.ispkg]
    return tuple(name for name in rooms if find_spec(f"{__name__}.{name}.task") is not None)


@cache
def all_tasks() -> dict[str, Task]:
    """Id -> task."""
    found = {name: import_module(f"{__name__}.{name}.task").TASK for name in ids()}
    assert all(each.id == name for name, each in found.items()), "a task is called as its folder"
    return found


def task_of(id_: str) -> Task:
    """The task of that id. Raises InvalidValue."""
    if id_ not in all_tasks():
        raise InvalidValue(f"There is no task {str(id_)[:60]!r} here: it is one of {', '.join(all_tasks())}. Update the explorer.")
    return all_tasks()[id_]
