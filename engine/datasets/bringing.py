"""Data sets on their way: a thread each in the server's process, which any page may start, watch and stop."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from ..core import settings
from ..core.errors import ExplorerError, Stopped
from . import preparing

log = logging.getLogger(__name__)
_lock = threading.Lock()
_all: dict[str, Bringing] = {}


@dataclass
class Bringing:
    """A data set that is fetched or prepared: what is done just now, and how much of it; `problem` is why it failed."""

    name: str
    what: str = "starting"
    done: int = 0
    total: int = 1
    problem: str = ""
    broken: dict[str, str] = field(default_factory=dict)  # images that could not be read
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def report(self, what: str, total: int):
        self.what, self.done, self.total = what, 0, max(1, total)

        def on(done: int) -> None:
            self.done = done
            if self.stop.is_set():
                raise Stopped

        return on

    def work(self, path: str | None, size: int | None) -> None:
        try:
            if path is None:
                _, self.broken = preparing.get(self.name, self.report, self.stop.is_set)
            else:
                _, self.broken = preparing.add(self.name, path, size, self.report, stop=self.stop.is_set)
        except Stopped:
            self.problem = "Stopped. A partial download is kept: the same button resumes it."
        except ExplorerError as error:
            self.problem = str(error)
        except Exception as error:  # ours: the log gets all of it, the page a sentence
            log.exception("Bringing %s failed", self.name)
            self.problem = f"The explorer failed ({type(error).__name__}); see its log."


def bring(name: str, path: str | None = None, size: int | None = None) -> Bringing:
    """Start to fetch a data set, or (with `path`) to prepare a folder or archive of this machine; the one on its way where there is.
    Raises ReadOnly."""
    settings.check_writable()
    with _lock:
        found = _all.get(name)
        if found is None or not found.running:
            found = _all[name] = Bringing(name)
            found.thread = threading.Thread(target=found.work, args=(path, size), name=f"bring-{name}", daemon=True)
            found.thread.start()
        return found


def of(name: str) -> Bringing | None:
    """What is known of a data set's coming; None where nobody asked for it."""
    return _all.get(name)
