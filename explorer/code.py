"""What is on the screen as code: Python in the library's words, and a command. Each runs as it is copied."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from engine.core import settings
from engine.core.places import GALLERY
from explorer import services

if TYPE_CHECKING:
    from engine.kinds.netspace.space import Space

PYTHON = """import engine

{name} = {opened}
{rest}"""


def python(space: Space, instances: Sequence[str], *lines: str) -> str:
    """Lines of Python about a space and some of its instances."""
    return script("space", space.id, shipped(space, instances), *lines)


def script(name: str, id_: str, ships: bool, *lines: str) -> str:
    """Lines of Python about an artifact, opened under that name; what does not ship with the explorer is looked for in this workspace."""
    opened = call("engine.open", id_, **({} if ships else {"workspace": str(settings.workspace().resolve())}))
    return PYTHON.format(name=name, opened=opened, rest="\n".join(lines))


def in_gallery(id_: str) -> bool:
    """Whether an artifact ships: it is found in whichever folder the code runs."""
    return services.store().open(id_).folder.parent == GALLERY


def shipped(space: Space, instances: Sequence[str]) -> bool:
    """Whether a space and those of its instances all ship."""
    from engine.kinds.netspace import kept

    zoo = set(space.table["id"][~space.table["split"].isin(list(kept.FOUND))])
    return in_gallery(space.id) and zoo.issuperset(instances)


def call(name: str, *positional: object, **named: object) -> str:
    """A call as Python spells it: call("space.at", "a", gamma=0.5)."""
    return f"{name}({', '.join([*map(repr, positional), *(f'{key}={value!r}' for key, value in named.items())])})"


def command(space: Space, instances: Sequence[str], *words: object) -> str:
    """A command line of the engine about a space and some of its instances, quoted for a shell."""
    return line(shipped(space, instances), *words)


def line(ships: bool, *words: object) -> str:
    """A command line of the engine; of what does not ship, in this workspace."""
    where = [] if ships else ["--workspace", settings.workspace().resolve()]
    return shlex.join(["python", "-m", "engine", *map(str, [*words, *where])])


def flags(**values: object) -> list[str]:
    """Options as the command line takes them: flags(gamma=0.5, validate_every=5)."""
    named = {f"--{name.replace('_', '-')}": value for name, value in values.items()}
    return [str(word) for name, value in named.items() for word in (name, *(value if isinstance(value, list | tuple) else [value]))]


def offer(lines: str, commands: Sequence[str] = ()) -> None:
    """A button that opens the code of what is on the screen."""
    with st.popover("Copy as code", icon=":material/code:", type="tertiary"):
        st.caption("Python: what is on the screen, in the library's words.")
        st.code(lines, language="python")
        for each in commands:
            st.caption("The same as a command.")
            st.code(each, language="bash")
