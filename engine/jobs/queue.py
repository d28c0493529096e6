"""The queue: one row a job in SQLite, beside a folder a job with everything else (folder.py). Any number of processes share it.

A job is queued, running, done, failed or stopped. Equal live specs are one job. A running job belongs to a worker, which sits
on a slot (a device of a machine) and gives signs of life (signs.py); a worker that is gone is noticed by whoever looks next
(`sweep`), and its job is queued again, once. The column `lease` counts a worker's beats: no clock is compared with another.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType

from ..core import settings
from ..core.errors import ExplorerError, InvalidValue, StorageError, UnknownId, closest
from ..core.manifests import SAFE_NAME
from . import specs
from .connections import lent
from .signs import birth, gone, identity  # noqa: F401 - a worker's, which the queue names

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
    """The queue of a workspace, in its folder .jobs. `shared`: several machines use it (default: where EXPLORER_JOBS is Ray's). Raises
    StorageError where that cannot be written."""

    def __init__(self, workspace: Path | str, shared: bool | None = None):
        self.folder = Path(workspace).resolve() / ".jobs"
        self.shared = settings.jobs().startswith("ray://") if shared is None else shared

    @property
    def exists(self) -> bool:
        """Whether anything was ever queued here."""
        return (self.folder / "queue.sqlite").is_file()

    def folder_of(self, id_: str) -> Path:
        """Where a job keeps its files."""
        return self.folder / (id_ if SAFE_NAME.fullmatch(id_) else ".damaged")

    def _connected(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """A connection for as long as a block runs."""
        return lent(self.folder / "queue.sqlite", self._opened)

    def _opened(self) -> sqlite3.Connection:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(self.folder / "lock", "a") as lock:  # two processes must not make the tables at once
                fcntl.flock(lock, fcntl.LOCK_EX)
                found = sqlite3.connect(self.folder / "queue.sqlite", timeout=30, isolation_level=None, check_same_thread=False)
                found.execute(f"PRAGMA journal_mode={'DELETE' if self.shared else 'WAL'}")  # WAL is for one machine only
                found.execute("PRAGMA synchronous=NORMAL")
                found.executescript(SCHEMA)
                return found
        except sqlite3.DatabaseError as error:
            raise self._problem(error, "opened", "Choose another folder with --workspace.") from error
        except OSError as error:
            raise StorageError(f"Cannot keep jobs in {self.folder} ({error}). Choose another folder with --workspace.") from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that no other process's comes between. Raises ReadOnly."""
        settings.check_writable()
        with self._connected() as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                with contextlib.suppress(sqlite3.Error):
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                raise self._problem(error, "written", "Free some space, then try again.") from error

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._connected() as connection:
            try:
                yield connection
            except sqlite3.Error as error:
                raise self._problem(error, "read", "Try again.") from error

    def _problem(self, error: sqlite3.Error, what: str, remedy: str) -> StorageError:
        """Of a queue that is busy or has no room, or whose file is damaged."""
        if not isinstance(error, sqlite3.OperationalError):
            remedy = f"The file is damaged: move {self.folder / 'queue.sqlite'} away and a new queue is started; artifacts are not touched."
        return StorageError(f"The queue in {self.folder} cannot be {what} ({error}). {remedy}")

    # ---- what people ask for

    def submit(self, spec: dict) -> tuple[Job, bool]:
        """Queue a checked spec; (job, False), or (the live job of the same spec, True)."""
        digest = specs.digest(spec)
        with self._writing() as db:
            row = db.execute(f"SELECT {COLUMNS} FROM jobs WHERE digest = ? AND state IN ('queued', 'running')", (digest,)).fetchone()
            if row is not None:
                return job_of(row), True
            self._check_alone(db, spec)
            number = db.execute(
                "INSERT INTO jobs (digest, spec, state, created) VALUES (?, ?, 'queued', ?)", (digest, json.dumps(spec), time.time())
            ).lastrowid
            db.execute("UPDATE jobs SET id = ? WHERE number = ?", (f"{spec['kind']}-{number:04d}", number))
            return job_of(db.execute(f"SELECT {COLUMNS} FROM jobs WHERE number = ?", (number,)).fetchone()), False

    def _check_alone(self, db: sqlite3.Connection, spec: dict) -> None:
        """Raises InvalidValue where a live job makes something else of the same name."""
        if spec["kind"] not in specs.MADE:
            return
        rows = db.execute(
            f"SELECT {COLUMNS} FROM jobs WHERE state IN ('queued', 'running') AND instr(spec, ?)", (json.dumps(spec["id"]),)
        ).fetchall()
        for other in map(job_of, rows):  # few: with hundreds that wait, to read each spec took longer than the rest
            if other.spec.get("id") == spec["id"] and other.spec["kind"] in specs.MADE:
                raise InvalidValue(
                    f"{other.id} is making {spec['id']} with other settings. Choose another name, or stop that job first."
                )

    def jobs(self, limit: int = 200, kind: str | None = None) -> list[Job]:
        """Every job that waits or runs, and the latest of the others (of a kind), newest first, `limit` in all if they are not more.
        Sweeps: what it says is running has a worker."""
        if not self.exists:
            return []
        self.sweep()
        of_kind = f"{kind}-" if kind else ""
        live = self._rows("state IN ('queued', 'running') AND substr(id, 1, ?) = ?", len(of_kind), of_kind)
        ended = self._rows(
            "state NOT IN ('queued', 'running') AND substr(id, 1, ?) = ?", len(of_kind), of_kind, limit=max(0, limit - len(live))
        )
        return sorted([*live, *ended], key=lambda job: -job.number)

    def live(self, ended_after: float) -> list[Job]:
        """The jobs that wait or run, and those that ended after a time (seconds since 1970), newest first. Sweeps."""
        if not self.exists:
            return []
        self.sweep()
        return self._rows("state IN ('queued', 'running') OR ended > ?", ended_after)

    def waits(self) -> bool:
        """Whether a job waits for a worker."""
        return self.exists and bool(self._rows("state = 'queued'", limit=1))

    def _rows(self, where: str, *values: object, limit: int = -1) -> list[Job]:
        with self._reading() as db:
            return [
                job_of(row)
                for row in db.execute(f"SELECT {COLUMNS} FROM jobs WHERE {where} ORDER BY number DESC LIMIT ?", (*values, limit)).fetchall()
            ]

    def job(self, id_: str) -> Job:
        """The job of that id. Raises UnknownId."""
        found = self._rows("id = ?", str(id_)) if self.exists else []
        if not found:
            raise UnknownId(f"There is no job {str(id_)[:60]!r}.{closest(str(id_), [job.id for job in self.jobs()])}")
        return found[0]

    def stop(self, id_: str) -> Job:
        """Ask a job to stop; what it made is kept. One that waits is stopped at once, one that has ended stays as it is."""
        self.job(id_)
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET state = 'stopped', ended = ?, reason = 'stopped before it began' WHERE id = ? AND state = 'queued'",
                (time.time(), id_),
            )
            db.execute("UPDATE jobs SET stop = 1 WHERE id = ? AND state = 'running'", (id_,))
        return self.job(id_)

    def resume(self, id_: str) -> Job:
        """Queue a stopped or failed job again; it is resumed from its checkpoint. Raises InvalidValue."""
        job = self.job(id_)
        if job.spec is specs.BROKEN:
            raise InvalidValue(f"{id_} cannot be resumed: {job.reason}.")
        if job.state not in ("stopped", "failed"):
            raise InvalidValue(f"{id_} is {job.state}; only a stopped or failed job can be resumed.")
        with self._writing() as db:
            twin = db.execute(
                "SELECT id FROM jobs WHERE digest = ? AND state IN ('queued', 'running')", (specs.digest(job.spec),)
            ).fetchone()
            if twin is not None:
                raise InvalidValue(f"{twin[0]} is an identical job that has not finished; follow that one.")
            self._check_alone(db, job.spec)
            db.execute("UPDATE jobs SET state = 'queued', stop = 0, deaths = 0, reason = '', ended = NULL WHERE id = ?", (id_,))
        return self.job(id_)

    def delete(self, id_: str) -> None:
        """Forget a job that has ended, with its folder; artifacts that it made stay. Raises InvalidValue."""
        job = self.job(id_)
        if job.live:
            raise InvalidValue(f"{id_} has not finished: stop it first.")
        ended = "1" if job.spec is specs.BROKEN else "state NOT IN ('queued', 'running')"  # a damaged row may say anything of its state
        aside, folder = self.folder / f".deleted-{id_}-{uuid.uuid4().hex[:8]}", self.folder_of(id_)
        try:
            with self._writing() as db:
                if not db.execute(f"DELETE FROM jobs WHERE id = ? AND {ended}", (id_,)).rowcount:
                    raise InvalidValue(f"{id_} was resumed or deleted in between: nothing was deleted now.")
                if folder.exists():
                    os.rename(folder, aside)  # while nobody can resume it: what a resumed job writes is never removed
        except (OSError, StorageError) as error:
            if aside.exists():
                os.rename(aside, folder)
            if isinstance(error, OSError):
                raise StorageError(f"Cannot delete {folder} ({error.strerror}). It is unchanged.") from error
            raise
        shutil.rmtree(aside, ignore_errors=True)

    # ---- what workers do

    def sit(self, names: list[str], worker: str) -> str | None:
        """Take the first free slot of some; None where each has a worker that lives."""
        with self._writing() as db:
            for name in names:
                row = db.execute("SELECT worker, lease FROM slots WHERE name = ?", (name,)).fetchone()
                if row is None or row[0] == worker or self._gone(row[0], row[1], name):
                    db.execute("INSERT OR REPLACE INTO slots VALUES (?, ?, 0)", (name, worker))
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
        with self._reading() as db:
            rows = db.execute("SELECT name, worker, lease FROM slots ORDER BY name").fetchall()
        return {str(name): str(worker) for name, worker, beat in rows if not self._gone(worker, beat, name)}

    def _gone(self, worker: str, beat: float, what: str) -> bool:
        return gone(worker, beat, f"{self.folder}:{what}")

    def claim(self, slot: str, worker: str) -> Job | None:
        """The oldest job that waits, now this worker's; None where none does, or where the slot is another's by now."""
        self.sweep()
        if not self.waits():
            return None
        with self._writing() as db:
            seat = db.execute("SELECT 1 FROM slots WHERE name = ? AND worker = ?", (slot, worker)).fetchone()
            row = db.execute("SELECT id FROM jobs WHERE state = 'queued' ORDER BY number LIMIT 1").fetchone()
            if seat is None or row is None:
                return None
            now = time.time()
            db.execute(
                "UPDATE jobs SET state = 'running', worker = ?, lease = 0, started = COALESCE(started, ?), stop = 0 WHERE id = ?",
                (worker, now, row[0]),
            )
        return self.job(row[0])

    def beat(self, worker: str, id_: str | None = None) -> tuple[bool, bool]:
        """A sign of life of a worker and its job: (whether slot and job are still its own, whether the job is to stop)."""
        with self._writing() as db:
            mine = db.execute("UPDATE slots SET lease = lease + 1 WHERE worker = ?", (worker,)).rowcount > 0
            if id_ is None:
                return mine, False
            mine &= (
                db.execute(
                    "UPDATE jobs SET lease = COALESCE(lease, 0) + 1 WHERE id = ? AND worker = ? AND state = 'running'", (id_, worker)
                ).rowcount
                > 0
            )
            row = db.execute("SELECT stop FROM jobs WHERE id = ?", (id_,)).fetchone()
            return mine, bool(row and row[0])

    def finish(self, id_: str, worker: str, state: str, reason: str = "") -> None:
        """A worker's job has ended."""
        assert state in ("done", "failed", "stopped")
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET state = ?, reason = ?, ended = ?, worker = NULL WHERE id = ? AND worker = ? AND state = 'running'",
                (state, reason, time.time(), id_, worker),
            )

    def died(self, id_: str, worker: str, reason: str) -> None:
        """The process that had a job is gone: the job is queued again, or has failed where that happened before."""
        with self._writing() as db:
            self._bury(db, id_, worker, reason)

    def _bury(self, db: sqlite3.Connection, id_: str, worker: str, reason: str) -> None:
        mine = (id_, worker)
        db.execute("UPDATE jobs SET deaths = deaths + 1 WHERE id = ? AND worker = ? AND state = 'running'", mine)
        db.execute(
            "UPDATE jobs SET state = 'stopped', reason = 'stopped', ended = ?, worker = NULL WHERE id = ? AND worker = ? AND state = "
            "'running' AND stop",
            (time.time(), *mine),
        )
        db.execute(
            "UPDATE jobs SET state = 'failed', reason = ?, ended = ?, worker = NULL WHERE id = ? AND worker = ? AND state = 'running' AND "
            f"deaths >= {LIVES}",
            (f"{reason}, for the second time. Its log may say why; Resume starts it from its checkpoint.", time.time(), *mine),
        )
        db.execute(
            "UPDATE jobs SET state = 'queued', reason = ?, worker = NULL WHERE id = ? AND worker = ? AND state = 'running'",
            (f"{reason}; it will be resumed from its checkpoint", *mine),
        )

    def sweep(self) -> int:
        """Queue again, or fail, what belongs to workers that are gone; how many jobs that were."""
        if not self.exists:
            return 0
        with self._reading() as db:
            rows = db.execute("SELECT id, worker, lease FROM jobs WHERE state = 'running'").fetchall()
        lost = [(id_, worker) for id_, worker, beat in rows if self._gone(worker, beat, id_)]
        if lost:
            with self._writing() as db:
                for id_, worker in lost:
                    self._bury(db, id_, worker, "its worker died")
        return len(lost)


def job_of(row: tuple) -> Job:
    """A row as a job. One that cannot be read is a failed job all the same, which can be listed and deleted."""
    number, id_, text, state, created, started, ended, worker, deaths, stop, reason = row
    try:
        spec = specs.stored(text)
    except ExplorerError:
        spec = specs.BROKEN
    timed = all(each is None or isinstance(each, float) and math.isfinite(each) for each in (created, started, ended))
    if (
        spec is specs.BROKEN
        or created is None
        or not timed
        or state not in STATES
        or not isinstance(worker, (str, NoneType))
        or not isinstance(deaths, int)
        or not isinstance(reason, str)
    ):
        return Job(
            number,
            str(id_),
            specs.BROKEN,
            "failed",
            0.0,
            None,
            0.0,
            None,
            0,
            False,
            "its row in the queue is damaged: delete it, and launch it again",
        )
    return Job(number, str(id_), spec, state, created, started, ended, worker, deaths, bool(stop), reason)
