"""Where workers run: as processes of this machine, or on a Ray cluster (EXPLORER_JOBS=ray://ADDRESS, or chosen on the page)."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

from ..core import settings
from ..core.artifacts import Store
from ..core.errors import ExplorerError, InvalidValue
from ..core.places import PACKAGES
from .queue import Queue

LOOK = 2.0  # seconds between the keeper's looks
SECONDS_TO_START = 60.0  # for which a worker that was started is waited for before another is
CHOICE = "backend"  # file of .jobs with the address that was chosen on the page


class Local:
    """Workers of this machine, in sessions of their own: they outlive whoever started them."""

    name = "this machine"

    def __init__(self, store: Store):
        self.store, self.started = store, []

    def start(self) -> None:
        queue = Queue(self.store.workspace)
        queue.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "engine", "worker", "--workspace", str(self.store.workspace.resolve())]
        environment = settings.environment()
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PACKAGES), environment.get("PYTHONPATH")]))
        with open(queue.folder / "worker.log", "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment)
        self.started.append(process)

    def reap(self) -> None:
        """Take leave of workers that have ended."""
        self.started = [process for process in self.started if process.poll() is None]


class Ray:
    """The same worker, submitted through Ray's Jobs API. The workspace is a folder that all machines see."""

    def __init__(self, store: Store, address: str):
        self.store, self.address, self.name = store, address, f"Ray at {address}"

    def start(self) -> None:
        try:
            jobs = import_module("ray.job_submission")  # an extra: neither installed with the rest nor known to pyright
        except ImportError as error:
            raise InvalidValue("Ray is not installed: pip install -r requirements-cluster.txt.") from error
        workspace = str(self.store.workspace.resolve())
        command = [sys.executable, "-m", "engine", "worker", "--ray", "--workspace", workspace]
        data = str(settings.data(self.store.workspace).resolve())  # as it is set here: the tasks read data sets on other machines
        variables = {"PYTHONPATH": str(PACKAGES), "EXPLORER_WORKSPACE": workspace, "EXPLORER_DATA": data}
        try:
            client = jobs.JobSubmissionClient(f"http://{self.address}")
            client.submit_job(entrypoint=shlex.join(command), runtime_env={"env_vars": variables})
        except (ConnectionError, RuntimeError) as error:
            raise InvalidValue(
                f"Ray does not answer at {self.address} ({str(error)[:120]}). Start its head with its dashboard, or unset EXPLORER_JOBS."
            ) from error

    def reap(self) -> None:
        pass


def address_of(text: str) -> str:
    """HOST:PORT of ray://HOST:PORT, or "" for "local". Raises InvalidValue."""
    if text in ("", "local"):
        return ""
    host, _, port = text.removeprefix("ray://").partition(":")
    if not text.startswith("ray://") or not host or not all(c.isalnum() or c in ".-_" for c in host) or not (port or "8265").isdigit():
        raise InvalidValue(f"Jobs run on 'local' or on 'ray://HOST:PORT' (of Ray's dashboard, 8265); got {text[:60]!r}.")
    return f"{host}:{port or 8265}"


def chosen(store: Store) -> str:
    """"local" or "ray://ADDRESS": EXPLORER_JOBS, else what was chosen on the page."""
    try:
        said = settings.jobs() or (Queue(store.workspace).folder / CHOICE).read_text("utf-8").strip()
    except OSError:
        said = ""
    return said or "local"


def choose(store: Store, text: str) -> None:
    """Choose where jobs run from now on. Raises InvalidValue."""
    address_of(text)
    folder = Queue(store.workspace).folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CHOICE).write_text(text, "utf-8")


def backend(store: Store) -> Local | Ray:
    """The backend that is chosen. Raises InvalidValue."""
    address = address_of(chosen(store))
    return Ray(store, address) if address else Local(store)


class Keeper:
    """A thread that looks after the queue for as long as this process lives: it notices dead workers and starts new ones."""

    def __init__(self, store: Store):
        self.store, self.queue = store, Queue(store.workspace)
        self.problem = ""  # why no worker could be started
        self._wanted = threading.Event()  # somebody is about to launch something: have a worker ready
        self._ended = threading.Event()
        self._started_at = -SECONDS_TO_START
        self._backend: Local | Ray | None = None
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def warm(self) -> None:
        """Have a worker ready soon."""
        self._wanted.set()

    def close(self) -> None:
        """Stop looking; workers go on."""
        self._ended.set()
        self._wanted.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._ended.is_set():
            wanted = self._wanted.wait(LOOK)
            self._wanted.clear()
            try:
                self.look(wanted)
                self.problem = ""
            except (ExplorerError, OSError) as error:
                self.problem = str(error)

    def look(self, wanted: bool = False) -> None:
        """Sweep; start a worker where there is none, and one is wanted or a job waits."""
        if self._ended.is_set() or not (self.queue.exists or wanted):
            return
        if self._backend is not None:
            self._backend.reap()
        self.queue.sweep()
        waits = self.queue.waits()
        if self.queue.workers():
            self._started_at = -SECONDS_TO_START
        elif (waits or wanted) and (time.monotonic() - self._started_at > SECONDS_TO_START or not self._starting()):
            self._backend = backend(self.store)
            self._backend.start()
            self._started_at = time.monotonic()

    def _starting(self) -> bool:
        """Whether a worker that this process started is still coming up."""
        return isinstance(self._backend, Ray) or bool(self._backend and self._backend.started)


_keepers: dict[Path, Keeper] = {}
_lock = threading.Lock()


def keeper(store: Store) -> Keeper:
    """The process's keeper of a workspace, started at the first call."""
    with _lock:
        place = store.workspace.resolve()
        if place not in _keepers:
            _keepers[place] = Keeper(store)
        return _keepers[place]


def retire(store: Store) -> None:
    """End the keeper of a workspace, if there is one."""
    with _lock:
        found = _keepers.pop(store.workspace.resolve(), None)
    if found is not None:
        found.close()
