"""Jobs as JSON: what the routes answer, the command line prints and the pages show."""

from __future__ import annotations

import time

from ..core.artifacts import Store
from ..plan import check_free
from . import specs
from .folder import Folder
from .queue import Job, Queue

ALL = 1 << 40  # jobs
JUST_ENDED = 20.0  # seconds


def brief(queue: Queue, job: Job) -> dict:
    """A job in a list: {"id", "kind", "title", "state", "reason", "stage", "step", "total", "eta", "age", ...}."""
    status = Folder(queue.folder_of(job.id)).status()
    return {
        "id": job.id,
        "kind": job.spec["kind"],
        "title": job.title,
        "space": job.spec["config"]["space"] if job.spec["kind"] == "lso" else None,
        "state": "stopping" if job.state == "running" and job.stop else job.state,
        "reason": job.reason,
        "created": job.created,
        "started": job.started,
        "ended": job.ended,
        "restarts": job.deaths,
        "stage": status.get("stage"),
        "step": status.get("step", 0),
        "total": status.get("total"),
        "eta": status.get("eta") if job.state == "running" else None,
        "heartbeat_age": round(max(0.0, time.time() - status["heartbeat"]), 1) if status.get("heartbeat") else None,
        "pid": status.get("pid") if job.state == "running" else None,
    }


def submit(store: Store, raw: object) -> tuple[Job, bool]:
    """Queue what a stranger's JSON asks for, or attach to the live job of the same spec (True). Raises InvalidValue
    (also where the name is taken), UnknownId, and what its process would refuse it for."""
    from .checks import check  # it needs torch

    spec = specs.parse(raw)
    if spec["kind"] == "train":
        check_free(store, spec["preset"], specs.config_of(spec), spec["id"], spec.get("replace", False))
    check(store, spec)
    return Queue(store.workspace).submit(spec)


def listed(store: Store, limit: int = 200, kind: str | None = None, space: str | None = None) -> list[dict]:
    """Every job that waits or runs and the latest others (of a kind, of a space), newest first."""
    queue = Queue(store.workspace)
    jobs = queue.jobs(limit if space is None else ALL, kind)
    jobs = [job for job in jobs if space in (None, job.spec["config"].get("space"))]
    return [brief(queue, job) for at, job in enumerate(jobs) if job.live or at < limit]


def live(store: Store) -> list[dict]:
    """The jobs that wait or run, the one that runs first, and those that ended a moment ago."""
    queue, now = Queue(store.workspace), time.time()
    jobs = queue.live(now - JUST_ENDED)
    return [brief(queue, job) for job in sorted(jobs, key=lambda job: (not job.live, job.state != "running", job.number))]


def whole(store: Store, id_: str, since: int = -1, log: bool = False) -> dict:
    """A job with its spec, the metrics above step `since`, its result, and the end of its log where that is wanted."""
    queue = Queue(store.workspace)
    queue.sweep()
    job = queue.job(id_)
    folder = Folder(queue.folder_of(job.id))
    more = {"log": folder.log()} if log else {}
    return {
        **brief(queue, job),
        "spec": job.spec,
        "metrics": folder.metrics(since),
        "result": folder.result() if not job.live else {},
        **more,
    }
