"""What a person sets in the environment: each variable is read here and nowhere else. docs/hosting.md lists them.

Nothing sets one to tell another part of the program something. The command line's --workspace is adopted with `working_in`, and a
process that is started gets it with `environment`.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

from .errors import InvalidValue, ReadOnly

CHECKPOINT_SECONDS = 20.0  # what a kill can cost
_showing: list[bool] = []
LOCKED = "This explorer is read-only. Run your own to train, upload and keep: `make run`."
_chosen: list[Path] = []  # workspaces named on a command line, the innermost last


def workspace() -> Path:
    """Folder of a person's own artifacts, jobs and data sets: --workspace, EXPLORER_WORKSPACE, or ./workspace."""
    return _chosen[-1] if _chosen else Path(os.environ.get("EXPLORER_WORKSPACE") or "workspace")


@contextlib.contextmanager
def working_in(folder: Path | str | None) -> Iterator[None]:
    """Inside, that is the workspace, in every thread of this process; None or "" changes nothing."""
    before = [*_chosen]
    if folder:
        _chosen.append(Path(folder))
    try:
        yield
    finally:
        _chosen[:] = before


def read_only() -> bool:
    """Whether this process only shows what there is (`python -m explorer --read-only`): no jobs, no uploads, no writes."""
    return bool(_showing)


@contextlib.contextmanager
def only_showing(wanted: bool = True) -> Iterator[None]:
    """Inside, `check_writable` refuses, in every thread of this process."""
    if wanted:
        _showing.append(True)
    try:
        yield
    finally:
        if wanted:
            _showing.pop()


def check_writable() -> None:
    """Raises ReadOnly where this process only shows."""
    if read_only():
        raise ReadOnly(LOCKED)


def data(of: Path | None = None) -> Path:
    """Folder of the prepared data sets: EXPLORER_DATA, or `datasets` in the workspace (in that of another program: `of`)."""
    return Path(os.environ.get("EXPLORER_DATA") or (of or workspace()) / "datasets")


def data_url() -> str:
    """EXPLORER_DATA_URL: a mirror of the official archives, a folder of them by their names; "" for none."""
    return os.environ.get("EXPLORER_DATA_URL", "")


def jobs() -> str:
    """EXPLORER_JOBS: where jobs run, "local" or "ray://HOST:PORT"; "" where that is not said."""
    return os.environ.get("EXPLORER_JOBS", "")


def checkpoint_seconds() -> float:
    """EXPLORER_CHECKPOINT_SECONDS: seconds between the checkpoints of a training. Raises InvalidValue."""
    text = os.environ.get("EXPLORER_CHECKPOINT_SECONDS") or str(CHECKPOINT_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise InvalidValue(f"EXPLORER_CHECKPOINT_SECONDS is a number of seconds, such as 20; got {text[:60]!r}.")
    return seconds


def allowed_hosts() -> list[str]:
    """EXPLORER_ALLOWED_HOSTS: host names that the server answers to, as they were typed."""
    return os.environ.get("EXPLORER_ALLOWED_HOSTS", "").split(",")


def base_path() -> str:
    """EXPLORER_BASE_PATH: the prefix that a proxy leaves in what it passes on, as it was typed."""
    return os.environ.get("EXPLORER_BASE_PATH", "")


def frame_ancestors() -> list[str]:
    """EXPLORER_FRAME_ANCESTORS: origins whose pages may show the explorer in a frame, as they were typed."""
    return os.environ.get("EXPLORER_FRAME_ANCESTORS", "").replace(",", " ").split()


def browser() -> str:
    """CHROMIUM: the browser that bench drives, a path or a name; "" for whichever is found."""
    return os.environ.get("CHROMIUM", "")


def environment(*without: str, **more: str) -> dict[str, str]:
    """The environment of a process of ours: this one's with the workspace in use, `without` some variables and with `more`."""
    found = {**os.environ, "EXPLORER_WORKSPACE": str(workspace().resolve()), **more}
    return {name: value for name, value in found.items() if name not in without}


def adopt(environment: dict[str, str]) -> None:
    """Makes an `environment` this process's own: for a fork, which has that of the day it was forked from."""
    os.environ.clear()
    os.environ.update(environment)
