"""Readers of strangers' files, each in a throw-away process with limits: `python -m engine.core.limits MODULE:FUNCTION FOLDER`, or
a fork of a process that has imported already what they need (`warm`).

A file made to harm (a zip bomb, a parser's worst case, a crash in C) can end that process and nothing else; a slow one holds
nobody's lock. What goes in is JSON, what comes out is JSON and arrays (safetensors): nothing is pickled.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from . import errors, settings, warm
from .boundary import readable
from .errors import ExplorerError, InvalidValue, ReaderDied, Stopped
from .places import PACKAGES

if TYPE_CHECKING:
    import numpy as np

ARRAYS, SAID, ERROR, LIMITS, LOG, TOLD = "arrays.safetensors", "said.json", "error.json", "limits.json", "log", "told"
POLL = 0.02  # seconds between looks at whether the work is to stop
REFUSED = 2  # exit code: the reader said what is wrong
log = logging.getLogger(__name__)
Process = subprocess.Popen | warm.Forked


@dataclass(frozen=True)
class Limits:
    """What a reader may take. `memory` and `output` are bytes, the rest is seconds."""

    memory: int = 4 << 30  # of memory of its own (files mapped from disk do not count), the imports' included (torch: under 1 GiB)
    cpu: int = 60  # of processor time, all threads together
    wall: int = 120  # of the clock
    output: int = 2 << 30  # of each file that it writes
    nice: int = 5  # who drags comes first


def limited(
    call: str,
    given: dict,
    what: str,
    limits: Limits = Limits(),
    stop: Callable[[], bool] = lambda: False,
    hear: Callable[[object], None] | None = None,
) -> tuple[Any, dict[str, np.ndarray]]:
    """What the function `call` ("engine.module:function") returns for the keyword arguments `given`, run within `limits`.

    The function returns (said, arrays): a JSON value, and a dict of numpy arrays. `given` is JSON; large inputs are paths of
    files. What the function passes to `tell` (see there) reaches `hear`. `what` names the file in sentences.

    Raises what the function raises where that is an ExplorerError (the same class, the same sentence); InvalidValue where it
    ran into a limit or died; Stopped soon after `stop()` is true.
    """
    from safetensors.numpy import load_file

    what = readable(what)
    with tempfile.TemporaryDirectory(prefix="reading-") as name:
        folder = Path(name)
        (folder / LIMITS).write_text(json.dumps({"limits": asdict(limits), "given": given}))
        (folder / TOLD).touch()
        with (folder / TOLD).open("rb") as heard:
            process = _started(call, folder)
            try:
                ended = _wait(process, limits, stop, heard, hear)
            finally:
                _end(process)
        if ended == "stopped":
            raise Stopped(f"Reading {what} was stopped.")
        if ended == "wall":
            raise InvalidValue(f"{what} took longer than {limits.wall} s to read. Make it smaller or simpler.")
        if (folder / ERROR).is_file():
            problem = json.loads((folder / ERROR).read_text("utf-8"))
            raise getattr(errors, problem["kind"], InvalidValue)(readable(problem["message"]))
        if process.returncode or not (folder / SAID).is_file():
            tail = (folder / LOG).read_text("utf-8", "replace")[-2000:]
            log.warning("The reader of %s ended with %s: %s", what, process.returncode, tail)
            raise ReaderDied(_died(what, process.wait(), limits, tail))
        arrays = load_file(folder / ARRAYS) if (folder / ARRAYS).is_file() else {}
        return json.loads((folder / SAID).read_text("utf-8")), arrays


def tell(value: object) -> None:
    """Called by a function that runs in `limited`: gives a JSON value to its `hear`, such as how far it is."""
    print(json.dumps(value), flush=True)


def _started(call: str, folder: Path) -> Process:
    """A fork where there are such, else a process that imports everything anew."""
    few = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    if warm.USABLE:
        return warm.fork(__name__, [call, str(folder)], call.partition(":")[0], folder / LOG, folder / TOLD, **few)
    command = [sys.executable, "-m", __name__, call, str(folder), str(os.getpid())]
    with (folder / LOG).open("wb") as said, (folder / TOLD).open("wb") as told:
        return subprocess.Popen(
            command, cwd=PACKAGES, stdin=subprocess.DEVNULL, stdout=told, stderr=said, start_new_session=True,
            env=settings.environment(PYTHONPATH=str(PACKAGES), **few),
        )  # fmt: skip


def _wait(process: Process, limits: Limits, stop: Callable[[], bool], heard: IO[bytes], hear) -> str:
    """ "ended", "stopped" or "wall"."""
    until, rest = time.monotonic() + limits.wall, b""

    def listen() -> None:
        nonlocal rest
        *lines, rest = (rest + heard.read()).split(b"\n")
        for line in filter(None, lines if hear else []):
            hear(json.loads(line))

    while not stop():
        try:
            process.wait(POLL)
            listen()
            return "ended"
        except subprocess.TimeoutExpired:
            listen()
        if time.monotonic() > until:
            return "wall"
    return "stopped"


def _end(process: Process) -> None:
    """Ends a process and what it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _died(what: str, code: int, limits: Limits, tail: str) -> str:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"{what} took more than {limits.cpu} s of processor time to read. Make it smaller or simpler."
    if "MemoryError" in tail or "bad_alloc" in tail or "not enough memory" in tail or "Cannot allocate" in tail:
        return f"{what} needs more than {limits.memory / 2**30:.0f} GiB of memory to read. Make it smaller or simpler."
    return f"The reader of {what} stopped unexpectedly. Export or save the file again."


def _set(limits: Limits) -> None:
    """Limits of this process from here on; where the system has no such limit, the clock still has one."""
    with contextlib.suppress(ImportError):
        import resource

        wanted = {"RLIMIT_DATA": limits.memory, "RLIMIT_FSIZE": limits.output, "RLIMIT_CORE": 0}
        for name, value in wanted.items():
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (value, value))
        resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu + 1))
    with contextlib.suppress(OSError, AttributeError):
        os.nice(limits.nice)


@contextlib.contextmanager
def _refusing(folder: Path) -> Iterator[None]:
    """An ExplorerError is written down for the parent."""
    try:
        yield
    except ExplorerError as error:
        kind = next((each.__name__ for each in type(error).__mro__ if getattr(errors, each.__name__, None) is each), "InvalidValue")
        (folder / ERROR).write_text(json.dumps({"kind": kind, "message": str(error)}))
        sys.exit(REFUSED)


def main(call: str, name: str, parent: str = "") -> None:
    """What the throw-away process does. `parent`: the process id of the one that it must not outlive; a fork has seen to that."""
    if parent:
        warm.die_with(int(parent))
    folder = Path(name)
    asked = json.loads((folder / LIMITS).read_text("utf-8"))
    module, _, function = call.partition(":")
    _set(Limits(**asked["limits"]))
    with _refusing(folder):
        said, arrays = getattr(import_module(module), function)(**asked["given"])
    if arrays:
        from .tensors import to_file

        to_file(arrays, folder / ARRAYS)
    (folder / SAID).write_text(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
