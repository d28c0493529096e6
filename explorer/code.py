"""What is on the screen as code: Python in the library's words, and a command. Each runs as it is copied."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import streamlit as st

from engine.core import settings
from engine.core.places import GALLERY
from engine.kinds.netspace import kept
from engine.kinds.netspace.space import Space
from explorer import services

PYTHON = """import engine

space = {opened}
{rest}"""


def python(space: Space, instances: Sequence[str], *lines: str) -> str:
    """Lines of Python about a space and some of its instances."""
    opened = call("engine.open", space.id, **({} if shipped(space, instances) else {"workspace": str(settings.workspace().resolve())}))
    return PYTHON.format(opened=opened, rest="\n".join(lines))


def shipped(space: Space, instances: Sequence[str]) -> bool:
    """Whether it is all in the gallery: what is found in whichever folder the code runs."""
    zoo = set(space.table["id"][~space.table["split"].isin(list(kept.FOUND))])
    return services.store().open(space.id).folder.parent == GALLERY and zoo.issuperset(instances)


def call(name: str, *positional: object, **named: object) -> str:
    """A call as Python spells it: call("space.at", "a", gamma=0.5)."""
    return f"{name}({', '.join([*map(repr, positional), *(f'{key}={value!r}' for key, value in named.items())])})"


def command(space: Space, instances: Sequence[str], *words: object) -> str:
    """A command line of the engine about a space and some of its instances, quoted for a shell."""
    where = [] if shipped(space, instances) else ["--workspace", settings.workspace().resolve()]
    return shlex.join(["python", "-m", "engine", *map(str, [*words, *where])])


def offer(lines: str, commands: Sequence[str] = ()) -> None:
    """A button that opens the code of what is on the screen."""
    with st.popover("Copy as code", icon=":material/code:", type="tertiary"):
        st.caption("Python: what is on the screen, in the library's words.")
        st.code(lines, language="python")
        for each in commands:
            st.caption("The same as a command.")
            st.code(each, language="bash")
