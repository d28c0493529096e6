"""Tasks on the screens: a file each, named as the task of the engine (see explorer/screens.py); they are collected here.

A task without a file has plain screens: its instances are on the map and can be looked at as PReps.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from engine.tasks import ids
from explorer.screens import Screens


@cache
def screens(task: str) -> Screens:
    """The screens of the task of that id; plain ones of a task that the engine does not know, whose spaces it refuses to open."""
    name = f"{__name__}.{task}"
    if task in ids() and find_spec(name) is not None:
        return import_module(name).SCREENS
    plain = Screens()
    plain.id = task
    return plain


def every_colour() -> set[str]:
    """What points of any task's map can be coloured by, as links spell it."""
    return {name for task in ids() for name in screens(task).colours}
