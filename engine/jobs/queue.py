"""The queue: one row a job in SQLite, beside a folder a job with everything else (folder.py). Any number of processes share it.

A job is queued, running, done, failed or stopped. Equal live specs are one job. A running job belongs to a worker, which sits
on a slot (a device of a machine) and renews a lease; a worker that is gone is noticed by whoever looks next (`sweep`), and its
job is queued again, once.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import InvalidValue, StorageError, UnknownId, closest
from . import specs

LEASE = 10.0  # seconds without a sign of life after which a worker of another machine counts as gone
FROZEN = 60.0  # the same for a process that is still there on this machine, but does nothing
LIVES = 2  # how often a job may be begun because a worker died under it, the first time included
STATES = ("queued", "running", "done", "failed", "stopped")
LIVE = ("queued", "running")
SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, digest TEXT NOT NULL, spec TEXT NOT NULL, state TEXT NOT NULL,
    created REAL NOT NULL, started REAL, ended REAL, worker TEXT, lease REAL, deaths INTEGER NOT NULL DEFAULT 0,
    stop INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX IF NOT EXISTS live ON jobs (digest) WHERE state IN ('queued', 'running');
CREATE TABLE IF NOT EXISTS slots (name TEXT PRIMARY KEY, worker TEXT NOT NULL, lease REAL NOT NULL);
"""
COLUMNS = "number, id, spec, state, created, started, ended, worker, deaths, stop, reason"


@dataclass(frozen=True)
class Job:
    """A row of the queue. Times are seconds since 1970; `worker` is "machine:pid:birth" of whoever has it."""

    number: int
    id: str
    spec: dict
    state: str
    created: float
    started: float | None
    ended: float | None
    worker: str | None
    deaths: int
    stop: bool
    reason: str

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def title(self) -> str:
        return specs.title(self.spec)


class Queue:
    """The queue of a workspace, in its folder .jobs. Raises StorageError where that cannot be written."""

    def __init__(self, workspace: Path | str):
        self.folder = Path(workspace).resolve() / ".jobs"
        self._local = threading.local()

    @property
    def exists(self) -> bool:
        """Whether anything was ever queued here."""
        return (self.folder / "queue.sqlite").is_file()

    def folder_of(self, id_: str) -> Path:
        """Where a job keeps its files."""
        return self.folder / id_

    def _connection(self) -> sqlite3.Connection:
        """One per thread and process: SQLite's do not survive a fork."""
        if getattr(self._local, "pid", None) != os.getpid():
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                with open(self.folder / "lock", "a") as lock:  # two processes must not make the tables at once
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    found = sqlite3.connect(self.folder / "queue.sqlite", timeout=30, isolation_level=None)
                    shared = os.environ.get("EXPLORER_JOBS", "").startswith("ray://")  # WAL is for one machine only
                    found.execute(f"PRAGMA journal_mode={'DELETE' if shared else 'WAL'}")
                    found.execute("PRAGMA synchronous=NORMAL")
                    found.executescript(SCHEMA)
            except (OSError, sqlite3.Error) as error:
                raise StorageError(f"Cannot keep jobs in {self.folder} ({error}). Choose another folder with --workspace.") from error
            self._local.connection, self._local.pid = found, os.getpid()
        return self._local.connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that no other process's comes between."""
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise StorageError(f"The queue in {self.folder} cannot be written ({error}). Free some space, then try again.") from error

    # ---- what people ask for

    def submit(self, spec: dict) -> tuple[Job, bool]:
        """Queue a checked spec; (job, False), or (the live job of the same spec, True)."""
        digest = specs.digest(spec)
        with self._writing() as db:
            row = db.execute(f"SELECT {COLUMNS} FROM jobs WHERE digest = ? AND state IN ('queued', 'running')", (digest,)).fetchone()
            if row is not None:
                return job_of(row), True
            number = db.execute("INSERT INTO jobs (digest, spec, state, created) VALUES (?, ?, 'queued', ?)", (digest, json.dumps(spec), time.time())).lastrowid
            db.execute("UPDATE jobs SET id = ? WHERE number = ?", (f"{spec['kind']}-{number:04d}", number))
            return job_of(db.execute(f"SELECT {COLUMNS} FROM jobs WHERE number = ?", (number,)).fetchone()), False

    def jobs(self, limit: int = 200) -> list[Job]:
        """The latest jobs, newest first. Sweeps: what it says is running has a worker."""
        if not self.exists:
            return []
        self.sweep()
        return [job_of(row) for row in self._connection().execute(f"SELECT {COLUMNS} FROM jobs ORDER BY number DESC LIMIT ?", (limit,))]

    def job(self, id_: str) -> Job:
        """The job of that id. Raises UnknownId."""
        row = self._connection().execute(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (str(id_),)).fetchone() if self.exists else None
        if row is None:
            raise UnknownId(f"There is no job {str(id_)[:60]!r}.{closest(str(id_), [job.id for job in self.jobs()])}")
        return job_of(row)

    def stop(self, id_: str) -> Job:
        """Ask a job to stop; what it made is kept. One that waits is stopped at once, one that has ended stays as it is."""
        self.job(id_)
        with self._writing() as db:
            db.execute("UPDATE jobs SET state = 'stopped', ended = ?, reason = 'stopped before it began' WHERE id = ? AND state = 'queued'", (time.time(), id_))
            db.execute("UPDATE jobs SET stop = 1 WHERE id = ? AND state = 'running'", (id_,))
        return self.job(id_)

    def resume(self, id_: str) -> Job:
        """Queue a stopped or failed job again; it goes on from its checkpoint. Raises InvalidValue."""
        job = self.job(id_)
        if job.state not in ("stopped", "failed"):
            raise InvalidValue(f"{id_} is {job.state}; only a stopped or failed job can go on.")
        with self._writing() as db:
            twin = db.execute("SELECT id FROM jobs WHERE digest = ? AND state IN ('queued', 'running')", (specs.digest(job.spec),)).fetchone()
            if twin is not None:
                raise InvalidValue(f"{twin[0]} does the same and is not done yet; watch that one.")
            db.execute("UPDATE jobs SET state = 'queued', stop = 0, deaths = 0, reason = '', ended = NULL WHERE id = ?", (id_,))
        return self.job(id_)

    def delete(self, id_: str) -> None:
        """Forget a job that has ended, with its folder; artifacts that it made stay. Raises InvalidValue."""
        if self.job(id_).live:
            raise InvalidValue(f"{id_} is not done yet: stop it first.")
        with self._writing() as db:
            db.execute("DELETE FROM jobs WHERE id = ? AND state NOT IN ('queued', 'running')", (id_,))
        shutil.rmtree(self.folder_of(id_), ignore_errors=True)

    # ---- what workers do

    def sit(self, names: list[str], worker: str) -> str | None:
        """Take the first free slot of some; None where each has a worker that lives."""
        with self._writing() as db:
            for name in names:
                row = db.execute("SELECT worker, lease FROM slots WHERE name = ?", (name,)).fetchone()
                if row is None or row[0] == worker or gone(*row):
                    db.execute("INSERT OR REPLACE INTO slots VALUES (?, ?, ?)", (name, worker, time.time() + LEASE))
                    return name
        return None

    def leave(self, worker: str) -> None:
        """Free a worker's slot, and queue its job again without blaming it."""
        with self._writing() as db:
            db.execute("DELETE FROM slots WHERE worker = ?", (worker,))
            db.execute("UPDATE jobs SET state = 'queued', worker = NULL WHERE worker = ? AND state = 'running'", (worker,))

    def workers(self) -> dict[str, str]:
        """Slot -> worker, of those that live."""
        if not self.exists:
            return {}
        return {name: worker for name, worker, lease in self._connection().execute("SELECT name, worker, lease FROM slots ORDER BY name") if not gone(worker, lease)}

    def claim(self, slot: str, worker: str) -> Job | None:
        """The oldest job that waits, now this worker's; None where none does, or where the slot is another's by now."""
        self.sweep()
        if self._connection().execute("SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1").fetchone() is None:
            return None
        with self._writing() as db:
            seat = db.execute("SELECT 1 FROM slots WHERE name = ? AND worker = ?", (slot, worker)).fetchone()
            row = db.execute("SELECT id FROM jobs WHERE state = 'queued' ORDER BY number LIMIT 1").fetchone()
            if seat is None or row is None:
                return None
            now = time.time()
            db.execute("UPDATE jobs SET state = 'running', worker = ?, lease = ?, started = COALESCE(started, ?), stop = 0 WHERE id = ?", (worker, now + LEASE, now, row[0]))
        return self.job(row[0])

    def beat(self, worker: str, id_: str | None = None) -> tuple[bool, bool]:
        """Renew the leases of a worker and its job: (whether slot and job are still its own, whether the job is to stop)."""
        with self._writing() as db:
            lease = time.time() + LEASE
            mine = db.execute("UPDATE slots SET lease = ? WHERE worker = ?", (lease, worker)).rowcount > 0
            if id_ is None:
                return mine, False
            mine &= db.execute("UPDATE jobs SET lease = ? WHERE id = ? AND worker = ? AND state = 'running'", (lease, id_, worker)).rowcount > 0
            row = db.execute("SELECT stop FROM jobs WHERE id = ?", (id_,)).fetchone()
            return mine, bool(row and row[0])

    def finish(self, id_: str, worker: str, state: str, reason: str = "") -> None:
        """A worker's job has ended."""
        assert state in ("done", "failed", "stopped")
        with self._writing() as db:
            db.execute("UPDATE jobs SET state = ?, reason = ?, ended = ?, worker = NULL WHERE id = ? AND worker = ? AND state = 'running'", (state, reason, time.time(), id_, worker))

    def died(self, id_: str, worker: str, reason: str) -> None:
        """The process that had a job is gone: the job is queued again, or has failed where that happened before."""
        with self._writing() as db:
            self._bury(db, id_, worker, reason)

    def _bury(self, db: sqlite3.Connection, id_: str, worker: str, reason: str) -> None:
        mine = (id_, worker)
        db.execute("UPDATE jobs SET deaths = deaths + 1 WHERE id = ? AND worker = ? AND state = 'running'", mine)
        db.execute("UPDATE jobs SET state = 'stopped', reason = 'stopped', ended = ?, worker = NULL WHERE id = ? AND worker = ? AND state = 'running' AND stop", (time.time(), *mine))
        db.execute(f"UPDATE jobs SET state = 'failed', reason = ?, ended = ?, worker = NULL WHERE id = ? AND worker = ? AND state = 'running' AND deaths >= {LIVES}", (f"{reason}, for the second time. Its log may say why; Resume goes on from its checkpoint.", time.time(), *mine))
        db.execute("UPDATE jobs SET state = 'queued', reason = ?, worker = NULL WHERE id = ? AND worker = ? AND state = 'running'", (f"{reason}; it goes on from its checkpoint", *mine))

    def sweep(self) -> int:
        """Queue again, or fail, what belongs to workers that are gone; how many jobs that were."""
        if not self.exists:
            return 0
        rows = self._connection().execute("SELECT id, worker, lease FROM jobs WHERE state = 'running'").fetchall()
        lost = [(id_, worker) for id_, worker, lease in rows if gone(worker, lease)]
        if lost:
            with self._writing() as db:
                for id_, worker in lost:
                    self._bury(db, id_, worker, "its worker died")
        return len(lost)


def job_of(row: tuple) -> Job:
    number, id_, spec, *rest, stop, reason = row
    return Job(number, id_, json.loads(spec), *rest, bool(stop), reason)


def identity() -> str:
    """This process, told from any other on any machine: a pid alone comes back."""
    return f"{socket.gethostname()}:{os.getpid()}:{birth(os.getpid())}"


def birth(pid: int) -> str | None:
    """When a process of this machine was started, in the kernel's ticks; None where there is none, or it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def gone(worker: str, lease: float) -> bool:
    """Whether a worker no longer lives: on this machine the kernel knows, on others the lease has run out."""
    host, pid, born = worker.rsplit(":", 2)
    late = time.time() - lease
    if host != socket.gethostname():
        return late > 0
    return birth(int(pid)) != born or late > FROZEN

