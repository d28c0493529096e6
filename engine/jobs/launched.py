"""A job that was launched: watched to its end by whoever launched it, and kept running where nobody does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..core.artifacts import Store
from ..core.errors import ExplorerError
from . import views
from .backends import backend
from .queue import Queue

LOOK = 0.2  # seconds between looks


@dataclass(frozen=True)
class Launched:
    """A job by its id. It is the queue's: it keeps running when this process ends."""

    store: Store
    id: str

    @property
    def queue(self) -> Queue:
        return Queue(self.store.workspace)

    @property
    def state(self) -> str:
        """"queued", "running", "done", "failed" or "stopped"."""
        return self.queue.job(self.id).state

    def stop(self) -> None:
        """Ask it to stop; what it made is kept."""
        self.queue.stop(self.id)

    def follow(self, on_step: Callable[[int], None] = lambda step: None) -> dict:
        """Its result, once it has ended; until then `on_step` is told of the steps. A worker is started where there is none. Interrupted
        (Ctrl+C), the job is stopped. Raises ExplorerError where it failed."""
        queue, last = self.queue, 0
        try:
            if not queue.workers():
                backend(self.store).start()
            while (job := queue.job(self.id)).live:
                queue.sweep()
                step = views.brief(queue, job)["step"]
                if step > last:
                    last = step
                    on_step(step)
                time.sleep(LOOK)
        except KeyboardInterrupt:
            self.stop()
            raise
        if job.state == "failed":
            raise ExplorerError(f"{self.id}: {job.reason}")
        return views.whole(self.store, self.id)["result"]


def launch(store: Store, spec: dict) -> Launched:
    """Queue a job, or attach to the one that does the same. Raises what `views.submit` raises."""
    return Launched(store, views.submit(store, spec)[0].id)
