"""The soak: `python -m engine soak` loads an explorer of its own as a busy day would, and tells what that did to it.

An explorer is started on a free port of 127.0.0.1, over a workspace that is thrown away. First 1, 20 and 50 people drag and nothing
else happens. Then, for the rest of the time, all of it at once: 50 drag, browsers come and go ten at a time, a job trains, and each
minute its worker is killed. Nothing else is talked to, and everything that was started ends with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InvalidValue
from ..jobs.queue import Queue
from ..jobs.signs import pid_of
from .drag import Drags, questions
from .meter import Meter, started
from .sessions import Sessions
from .trains import Trains

SPACE = "netspace-digits"
MINUTES = (0.1, 120.0)
SOCKETS, SESSIONS = 200, 50  # at most
PERIOD = 60.0  # seconds between two kills


@dataclass(frozen=True)
class Plan:
    """`minutes` in all, of which `alone` seconds for each number of sockets; `sockets` is the last and largest of those numbers."""

    minutes: float = 10.0
    sockets: int = 50
    sessions: int = 10
    alone: float = 10.0
    period: float = PERIOD

    def __post_init__(self):
        if not MINUTES[0] <= self.minutes <= MINUTES[1]:
            raise InvalidValue(f"A soak takes {MINUTES[0]:g} to {MINUTES[1]:g} minutes; got {self.minutes:g}.")
        if not 1 <= self.sockets <= SOCKETS or not 0 <= self.sessions <= SESSIONS:
            raise InvalidValue(f"A soak has 1 to {SOCKETS} sockets and 0 to {SESSIONS} sessions; got {self.sockets} and {self.sessions}.")

    @property
    def steps(self) -> list[int]:
        return sorted({count for count in (1, 20, self.sockets) if count <= self.sockets})


def run(plan: Plan, say: Callable[[str], None] = lambda text: print(text, file=sys.stderr)) -> dict:
    """Soak, and the report: figures as `in_words` writes them, `errors` by kind with an example of each, and `ok`. Raises DataMissing,
    InvalidValue."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as (port, pid), worked(Path(folder)):
        asked = questions(port, SPACE)
        ends = time.monotonic() + 60 * plan.minutes  # from when it answers
        meter, errors = Meter(pid), {}
        alone = {}
        for count in plan.steps:
            say(f"{count} people drag, nothing else happens ...")
            with Drags(port, asked, count, errors) as drags:
                time.sleep(min(plan.alone, max(1.0, (ends - time.monotonic()) / 4)))
            alone[str(count)] = drags.summary()
        everything = f"{plan.sessions} sessions at a time come and go, a job trains and its worker is killed every {plan.period:g} s"
        say(f"{plan.sockets} people drag, {everything} ...")
        with contextlib.ExitStack() as load:
            meter.begin()
            drags = load.enter_context(Drags(port, asked, plan.sockets, errors))
            trains = load.enter_context(Trains(port, Path(folder), plan.period, errors))
            sessions = load.enter_context(Sessions(port, asked, plan.sessions, errors)) if plan.sessions else None
            while time.monotonic() < ends:
                time.sleep(min(1.0, max(0.0, ends - time.monotonic())))
                meter.look()
    held = meter.summary()
    return {
        "minutes": plan.minutes,
        "alone": alone,
        "loaded": {"sockets": plan.sockets, **drags.summary()},
        "sessions": sessions.summary() if sessions else {"kind": "none", "begun": 0, "count": 0, "rounds": 0},
        "job": trains.summary(),
        "held": held,
        "errors": errors,
        "ok": not errors and held["flat"],
    }


@contextlib.contextmanager
def worked(workspace: Path) -> Iterator[None]:
    """Ends the workers of a workspace behind the block: they would outlive the explorer that started them."""
    try:
        yield
    finally:
        for worker in Queue(workspace).workers().values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid_of(worker), signal.SIGTERM)


def in_words(report: dict) -> str:
    """The report for a person."""
    held, loaded = report["held"], report["loaded"]
    speeds = {f"{count} sockets alone": row for count, row in report["alone"].items()} | {f"{loaded['sockets']} sockets under load": loaded}
    lines = [f"{name}: p95 {row['p95']:.0f} ms, median {row['median']:.0f} ms ({row['answers']} answers)" for name, row in speeds.items()]
    lines += [
        f"Sessions: {report['sessions']['count']} of {report['sessions']['begun']} completed ({report['sessions']['kind']})",
        f"Job: {report['job']['kills']} workers killed, {report['job']['resumed']} resumed, {report['job']['done']} done",
    ]
    for name, unit in (("memory", "MB"), ("descriptors", ""), ("threads", "")):
        row = held[name]
        figures = f"{row['first']:.0f} at first; third quarter {row['third']:.0f}, last quarter {row['last']:.0f}, peak {row['most']:.0f}"
        lines.append(f"{name.capitalize()}{unit and f' in {unit}'}: {figures}")
    lines.append("Flat over the last half." if held["flat"] else "NOT flat over the last half.")
    lines += [f"{row['count']} x {kind}: {row['example']}" for kind, row in report["errors"].items()] or ["No errors."]
    return "\n".join(lines)
