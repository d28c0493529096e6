"""A process that forks: it has imported what a reader needs, so that the next one starts in milliseconds instead of seconds (torch).

`python -m engine.core.warm` is the parent of such forks. It gets a connection for each, over the socket that is its standard input:
a JSON line asks, the fork's process id and, when it has ended, its exit code answer. The parent does none of the work itself, so its
memory stays clean; it ends with the process that started it, and its forks with it. On Linux only: elsewhere a fork of a process
with torch in it may crash.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from . import settings
from .places import PACKAGES

USABLE = sys.platform == "linux"
FIRST = ("numpy", "torch", "safetensors.numpy")  # imported before the first question; what a question needs besides, on its way
PR_SET_PDEATHSIG = 1  # of Linux: the signal that comes when the parent dies
NUMBER = 16  # bytes of a number on a connection


@dataclass
class Forked:
    """A fork, with what `limited` needs of a subprocess.Popen."""

    connection: socket.socket
    pid: int
    returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, -N for signal N. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        if self.returncode is None:
            self.connection.settimeout(timeout)
            try:
                answer = self.connection.recv(NUMBER)
            except TimeoutError as error:
                raise subprocess.TimeoutExpired("a reader", timeout or 0) from error
            self.returncode = int(answer or -signal.SIGKILL)  # nothing: its parent is gone, and so is it
            self.connection.close()
        return self.returncode


@dataclass
class _Parent:
    """The forking process, as the one that uses it sees it."""

    process: subprocess.Popen
    control: socket.socket
    user: int  # process id: a fork of the user's own starts another

    def usable(self) -> bool:
        return self.user == os.getpid() and self.process.poll() is None

    def ask(self, question: dict) -> Forked:
        """Raises OSError where the forking process has ended."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self.control, [b"?"], [theirs.fileno()])
        ours.sendall(json.dumps(question).encode() + b"\n")
        pid = ours.recv(NUMBER)
        if not pid:
            raise ConnectionError("The process that forks has ended.")
        return Forked(ours, int(pid))

    def end(self) -> None:
        self.control.close()
        if self.user == os.getpid():
            self.process.kill()
            self.process.wait()


_lock = threading.Lock()
_parents: list[_Parent] = []  # at most one


def fork(module: str, arguments: list[str], needs: str, said: Path, told: Path, **environment: str) -> Forked:
    """A process that runs `main(*arguments)` of a module, with this one's environment and `environment`, its output going to the
    files `told` and `said` (errors). `needs` names the module that it will import, which is kept for the next one."""
    question = {
        "module": module, "arguments": arguments, "needs": needs,
        "said": str(said), "told": str(told), "environment": settings.environment(**environment),
    }  # fmt: skip
    parent = _running()
    try:
        return parent.ask(question)
    except OSError:  # somebody has ended it
        parent.end()
        return _running().ask(question)


def _running() -> _Parent:
    with _lock:
        if not (_parents and _parents[0].usable()):
            for each in _parents:
                each.end()
            _parents[:] = [_started()]
        return _parents[0]


def _unlocked() -> None:
    """In a fork of the user's own, where the thread that held the lock is not."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_unlocked)


def _started() -> _Parent:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = settings.environment(OMP_NUM_THREADS="1", MALLOC_ARENA_MAX="2", PYTHONPATH=str(PACKAGES))
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__], cwd=PACKAGES, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=environment,
            start_new_session=True,
        )  # fmt: skip
    parent = _Parent(process, ours, os.getpid())
    atexit.register(parent.end)
    return parent


def serve() -> None:
    """What the forking process does until the one that uses it ends."""
    control = socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps
    for name in FIRST:
        import_module(name)
    while True:
        asked, sockets, _, _ = socket.recv_fds(control, 1, 1)
        if not asked:
            return
        with socket.socket(fileno=sockets[0]) as connection:
            question = json.loads(connection.makefile("rb").readline() or "null")
            if question is None:  # it ended before it asked
                continue
            with contextlib.suppress(Exception):  # the fork meets it again, and says so
                import_module(question["needs"])
            _child(lambda: _watch(connection, question))


def _watch(connection: socket.socket, question: dict) -> int:
    """Forks once more and tells how that ends: the forking process itself waits for nobody."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = _child(lambda: _work(connection, question))
    with contextlib.suppress(OSError):  # nobody asks any more
        connection.sendall(f"{pid:{NUMBER}}".encode())
        connection.sendall(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):{NUMBER}}".encode())
    return 0


def _work(connection: socket.socket, question: dict) -> int:
    connection.close()
    os.setsid()
    for number, name, how in (
        (0, os.devnull, os.O_RDONLY),
        (1, question["told"], os.O_WRONLY | os.O_APPEND),
        (2, question["said"], os.O_WRONLY | os.O_CREAT),
    ):
        os.dup2(os.open(name, how, 0o600), number)
    settings.adopt(question["environment"])
    import_module(question["module"]).main(*question["arguments"])
    return 0


def _child(run: Callable[[], int]) -> int:
    """Process id of a fork that ends with this process, or earlier with what the function returns or raises, as Python itself would."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        die_with(parent)
        _exit(run)
    return pid


def _exit(run: Callable[[], int]) -> NoReturn:
    code = 1
    try:
        code = run()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def die_with(parent: int) -> None:
    """This process ends with its parent, even where that is killed. Where the system cannot do so, its limits end it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was already gone
        os._exit(1)


if __name__ == "__main__":
    serve()
