"""A job that trains, whose worker is killed again and again."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from ..core.errors import ExplorerError
from ..jobs.queue import Queue
from ..jobs.signs import gone, pid_of
from .drag import Meanwhile, fetched, note

LOOK = 0.5  # seconds
TWICE = "worker died"  # of the reason of a job that failed because its worker died twice: that is what was done to it


class Trains(Meanwhile):
    """Keeps one job going while the block runs. Every `period` seconds its worker gets SIGKILL."""

    def __init__(self, port: int, workspace: Path, period: float, errors: dict):
        super().__init__("trains", self.keep, errors)
        self.port, self.period = port, period
        self.queue = Queue(workspace)
        self.kills = self.resumed = self.done = self.seed = 0
        self.job = ""
        self.struck = False  # whether the worker was killed since the job was last seen to run

    def keep(self) -> None:
        due = time.monotonic() + self.period
        while not self.ended.wait(LOOK):
            try:
                self.look()
                if time.monotonic() > due and self.kill():
                    due = time.monotonic() + self.period
            except (OSError, ValueError, KeyError, ExplorerError) as error:
                note(self.errors, "job", repr(error))

    def look(self) -> None:
        """Launch the next job where the last is done, resume one that lost two workers."""
        job = fetched(self.port, f"/api/jobs/{self.job}") if self.job else {"state": "none"}
        if job["state"] in ("none", "done"):
            self.done += job["state"] == "done"
            self.seed += 1
            spec = {"kind": "train", "preset": "zoo-digits", "id": f"soak-{self.seed}", "config": {"seed": self.seed}}
            self.job = fetched(self.port, "/api/jobs", spec)["job"]["id"]
        elif job["state"] == "running" and self.struck:
            self.struck = False
            self.resumed += 1
        elif job["state"] == "failed" and TWICE in job["reason"]:
            fetched(self.port, f"/api/jobs/{self.job}/resume", {})
        elif job["state"] in ("failed", "stopped"):
            note(self.errors, "job", job["reason"])
            self.job = ""

    def kill(self) -> bool:
        """Kill the worker that has the job; False where it has none just now."""
        worker = self.queue.job(self.job).worker if self.job else None
        if not worker or gone(worker, 0, "soak"):
            return False
        os.kill(pid_of(worker), signal.SIGKILL)
        self.kills += 1
        self.struck = True
        return True

    def summary(self) -> dict:
        return {"kills": self.kills, "resumed": self.resumed, "done": self.done}
