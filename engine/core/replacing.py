"""What may be written over, and where it stays: nothing that a person made is lost to a name that was taken.

What was replaced lies in `.replaced/ID` of the workspace, the last one of each id.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .manifests import Manifest

FOLDER = ".replaced"
ABSENT = "nothing"
AT_FDCWD, RENAME_EXCHANGE = -100, 2

Look = Callable[[Manifest, str], Manifest | None]  # (a manifest, id of one of its inputs) -> that input's, in the version it was made from


Defaults = Callable[[str], dict]  # type of config -> what its fields are where nobody says


def no_defaults(config_type: str) -> dict:
    return {}


def difference(old: Manifest, new: Manifest, look: Look, defaults: Defaults = no_defaults) -> str:
    """Why `new` is not the same work made again as `old`, in a few words; "" where it is."""
    if old.kind != new.kind:
        return f"it is a {old.kind}, not a {new.kind}"
    if changed := changed_fields(old, new, defaults):
        shown = ", ".join(f"{name} {_short(was)} instead of {_short(now)}" for name, was, now in changed[:2])
        return f"it has {shown}{f' and {len(changed) - 2} more other settings' if len(changed) > 2 else ''}"
    if other := _other_input(old, new, look, defaults):
        return f"it was made from {other}"
    return ""


def changed_fields(old: Manifest, new: Manifest, defaults: Defaults = no_defaults) -> list[tuple[str, object, object]]:
    """(name, old value, new value) of each setting that differs. One that a manifest does not know, being older, has its default."""
    was, now = ({**defaults(each.config_type), **_plain(each.config)} for each in (old, new))
    names = sorted(was.keys() | now.keys())
    return [(name, was.get(name, ABSENT), now.get(name, ABSENT)) for name in names if was.get(name, ABSENT) != now.get(name, ABSENT)]


def _other_input(old: Manifest, new: Manifest, look: Look, defaults: Defaults) -> str:
    if old.inputs.keys() != new.inputs.keys():
        return f"{', '.join(old.inputs) or 'nothing'}, not {', '.join(new.inputs) or 'nothing'}"
    for id_ in old.inputs:
        if old.inputs[id_].get("sha256") == new.inputs[id_].get("sha256"):
            continue
        was, now = look(old, id_), look(new, id_)
        if was is None or now is None or not was.config_type or difference(was, now, look, defaults):
            return f"another version of {id_}"
    return ""


def _plain(config: dict) -> dict:
    """As JSON has it: a tuple is a list."""
    return json.loads(json.dumps(config))


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Nobody else moves artifacts of this workspace meanwhile. Raises OSError."""
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def put(temp: Path, target: Path, keep: bool) -> None:
    """Put a finished folder in its place at once; the one that was there is kept aside, or removed. Call it `alone`. Raises OSError."""
    if not target.exists():
        os.rename(temp, target)
        return
    exchange(temp, target)  # temp is the old one now
    if keep:
        try:
            set_aside(temp, target)
        except BaseException:
            exchange(temp, target)  # whoever called removes temp: that must not be the old one
            raise
    else:
        remove(temp)


def remove(path: Path) -> None:
    """A folder with all in it, or whatever has its name."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def set_aside(folder: Path, of: Path) -> None:
    """Move a folder to where the replaced one of `of` is kept; the one kept before goes. Raises OSError."""
    place = of.parent / FOLDER / of.name
    place.parent.mkdir(exist_ok=True)
    if not place.exists():
        os.rename(folder, place)
    else:
        exchange(folder, place)
        remove(folder)


def exchange(one: Path, other: Path) -> None:
    """Two folders change their names, in one step where the file system can: no reader finds neither. Raises OSError."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is not None and rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return
    aside = Path(tempfile.mkdtemp(prefix=f".old-{other.name}-", dir=other.parent))
    os.rename(other, aside / "old")
    os.rename(one, other)
    os.rename(aside / "old", one)
    aside.rmdir()
