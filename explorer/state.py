"""What is selected <-> the URL. Every view is a link.

The selection is a handful of strings: `space`, `a`, `b`, `gamma`, `instance` and whatever else a page names. It lives in
the URL's query and, because Streamlit drops the query when the page changes, in the session too:

- at the start of a run `read()` takes the URL into the session (what the URL says wins; what it leaves out is kept);
- a page asks with `space()`, `instance()`, `gamma()`, `number()`, `choice()`; a value that cannot be used gives one message with a
  remedy and falls back, and what was fallen back to is in the URL when the run ends (`write()`);
- a widget is tied with `**bound(...)`; anything else that changes the selection calls `remember()`, or `mend()` where a page
  corrects it and no person did;
- what a person selected on a page is taken back step by step (`step()`); steps of the page before are forgotten.

`app.py` calls read() and write(); pages need only the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import streamlit as st

from engine.core.errors import closest

# What names something inside another selection, and so means nothing once a person selects another one there.
WITHIN = {
    "space": (
        "a", "b", "c", "u", "v", "c0", "c1", "c2", "c3", "instance", "xy", "only", "played",
        "objective", "target", "image", "range", "eye", "property", "across", "up",
        "find", "sort",
    ),  # fmt: skip
    "original": ("nern", "layer", "filter", "channel", "class"),
}
LONGEST = 200
LARGEST = 1e6  # of a number in a link

SEEN = ("eye", "range", "camera")  # where one looks from: no step
STEPS = 100  # kept at most
WORDS = {"a": "A", "b": "B", "c": "C", "way": "alignment", "find": "filter", "xy": "start on the map"}  # names in sentences

_SELECTION, _NOTICES, _SCREEN = "_selection", "_notices", "_screen"
_BEFORE, _AFTER = "_before", "_after"  # selections that step() goes back to, and forward to again


def _selection() -> dict[str, str]:
    return st.session_state.setdefault(_SELECTION, {})


def _notices() -> dict[str, str]:
    return st.session_state.setdefault(_NOTICES, {})


def _merge(changes: dict[str, str | None]) -> None:
    """Apply changes to the session's selection; another space, or original, forgets what named things in the old one."""
    selection = _selection()
    for name in forgotten(selection, changes):
        selection.pop(name, None)
        _notices().pop(name, None)
    for name, value in changes.items():
        if selection.get(name) != value:
            _notices().pop(name, None)
        if value is None:
            selection.pop(name, None)
        else:
            selection[name] = value


def forgotten(selection: dict[str, str], changes: dict) -> set[str]:
    """Names that mean nothing after the changes."""
    others = [name for name in WITHIN if name in changes and changes[name] != selection.get(name)]
    return {inner for name in others for inner in WITHIN[name]}


def read(screen: str) -> None:
    """Take the URL's query into the session's selection. Called once, before the screen of that name runs."""
    if st.session_state.get(_SCREEN) != screen:
        st.session_state[_SCREEN] = screen
        _notices().clear()
        st.session_state[_BEFORE], st.session_state[_AFTER] = [], []
    _merge({name: value[:LONGEST] for name, value in st.query_params.to_dict().items()})


def write() -> None:
    """Make the URL say what is selected, in one step of the browser's history. Called once, after the page. Home's says nothing."""
    if st.session_state.get(_SCREEN) and st.query_params.to_dict() != _selection():
        st.query_params.from_dict(_selection())


def remember(**values: object) -> None:
    """Select, e.g. remember(a="z017", gamma=0.25); None forgets. For callbacks, fragments and components' values."""
    before = _of_steps()
    mend(**values)
    if before != _of_steps():
        st.session_state[_BEFORE] = [*st.session_state.get(_BEFORE, []), before][-STEPS:]
        st.session_state[_AFTER] = []


def mend(**values: object) -> None:
    """The same where no person selects it: nobody will take it back."""
    _merge({name: None if value is None else text(value) for name, value in values.items()})
    write()


def _of_steps() -> dict[str, str]:
    return {name: value for name, value in _selection().items() if name not in SEEN}


def step(back: bool) -> str:
    """Take back what was selected last on this page, or select it again. What has changed, in words; "" where there is nothing."""
    here, there = (st.session_state.setdefault(name, []) for name in ((_BEFORE, _AFTER) if back else (_AFTER, _BEFORE)))
    now = _of_steps()
    wanted = next((found for found in iter(lambda: here.pop() if here else None, None) if found != now), None)
    if wanted is None:
        return ""
    there.append(now)
    changed = {name: wanted.get(name) for name in {**now, **wanted} if now.get(name) != wanted.get(name)}
    _merge(changed)
    _selection().update(wanted)  # another space has forgotten what is the same in both
    write()
    return ", ".join(f"{WORDS.get(name, name)} {'–' if value is None else quoted(value)}" for name, value in sorted(changed.items()))


def text(value: object) -> str:
    """A value as the URL spells it: numbers with at most four decimals and no trailing zeros."""
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def get(name: str) -> str | None:
    """What is selected under that name, unchecked; None where nothing is."""
    return _selection().get(name)


def choice(name: str, options: Sequence[str], default: str | None = None, what: str | None = None) -> str:
    """The selected one of `options` (not empty), else `default`, else the first. An unknown value is told once, then mended."""
    assert options, f"no options for {name}: the page must say so before it asks"
    value = get(name)
    if value is None or value not in options:
        fallback = default if default is not None and default in options else options[0]
        if value is not None:
            _fall_back(
                name, f"There is no {what or name} {quoted(value)} here.{closest(value, options)} Showing `{fallback}` instead.", fallback
            )
        value = fallback
        _selection()[name] = value
    _tell(name)
    return value


def space(spaces: Sequence[str]) -> str:
    """Id of the selected space."""
    return choice("space", spaces)


def instance(name: str, ids: Sequence[str], default: str | None = None) -> str:
    """Id of the instance selected under `name` ("a", "b" or "instance")."""
    return choice(name, ids, default, what="instance")


def gamma(default: float = 0.5) -> float:
    """The selected gamma: 0 at anchor A, 1 at anchor B."""
    value = get("gamma")
    try:
        number = default if value is None else float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        _fall_back(
            "gamma",
            f"Gamma {quoted(value)} is not a number from 0 (anchor A) to 1 (anchor B). Showing {text(default)} instead.",
            text(default),
        )
        number = default
    _selection()["gamma"] = text(float(number))
    _tell("gamma")
    return number


def number(name: str, default: float, low: float, high: float) -> float:
    """The selected number under that name, from `low` to `high`; what cannot be used is told once and falls back to `default`."""
    value = get(name)
    try:
        found = default if value is None else float(value)
    except ValueError:
        found = math.nan
    if not low <= found <= high:
        _fall_back(
            name,
            f"{name.capitalize()} {quoted(value)} is not a number from {text(low)} to {text(high)}. Showing {text(default)} instead.",
            text(default),
        )
        found = default
    _selection()[name] = text(float(found))
    _tell(name)
    return found


def numbers(name: str, count: int, what: str) -> str | None:
    """The selected text of `count` numbers with underscores between them, as it stands; None where nothing is selected. What cannot be
    used is told once and forgotten."""
    value = get(name)
    if value is None:
        return None
    try:
        found = [float(part) for part in value.split("_")]
    except ValueError:
        found = []
    if len(found) != count or not all(abs(part) <= LARGEST for part in found):
        _selection().pop(name)
        _notices()[name] = (
            f"The link's {name} {quoted(value)} is not {count} numbers separated by underscores. Showing the whole {what} instead."
        )
        value = None
    _tell(name)
    return value


def checked(name: str, usable: Callable[[str], bool], words: str) -> str | None:
    """The selected text under that name, as it stands; None where nothing is selected. What is not `usable` is told once, with `words` of
    what is done instead, and forgotten."""
    value = get(name)
    if value is not None and not usable(value):
        _selection().pop(name)
        _notices()[name] = f"The link's {name} {quoted(value)} cannot be used. {words}"
        value = None
    _tell(name)
    return value


def bound(name: str, options: Sequence[str], default: str | None = None, what: str | None = None) -> dict:
    """Arguments that tie a selectbox, radio or segmented control to the selection:

    space = st.selectbox("Space", ids, **state.bound("space", ids))
    """
    key = f"pick_{name}"
    st.session_state[key] = choice(name, options, default, what)
    return {"key": key, "on_change": lambda: remember(**{name: st.session_state[key]})}


def query(**changes: object) -> dict[str, str]:
    """The selection with changes, as the query of a link: st.page_link(page, query_params=state.query(a="z017"))."""
    merged = dict(_selection())
    for name in forgotten(merged, changes):
        merged.pop(name, None)
    merged.update({name: text(value) for name, value in changes.items() if value is not None})
    return {name: value for name, value in merged.items() if changes.get(name, "") is not None}


def quoted(value: object) -> str:
    """A stranger's text as inert Markdown code, at most 60 characters."""
    clean = "".join(char if char.isprintable() and char != "`" else "?" for char in str(value)[:60])
    return f"`{clean or ' '}`"


def _fall_back(name: str, notice: str, value: str) -> None:
    _notices()[name] = notice
    _selection()[name] = value


def _tell(name: str) -> None:
    """Show the message of that name, on every run of this screen until the person chooses something else."""
    if name in _notices():
        st.warning(_notices()[name], icon=":material/link_off:")
