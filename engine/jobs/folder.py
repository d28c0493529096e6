"""A job's folder: spec.json, status.json (how far, with a heartbeat), metrics.jsonl, log.txt, checkpoint, result.

One process writes, any number read at any moment: a torn last line of the metrics is no line yet, and what a killed process
had measured beyond its checkpoint is taken back when the next one measures it again.
"""

from __future__ import annotations

import json
import math
import os
import stat
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ..core import small_json
from ..core.clocks import stopwatch
from ..core.errors import Stopped
from ..core.manifests import is_number

METRICS_BYTES = 64 << 20  # of the points of a run, about 2 000 a stage
LOG_BYTES = 64 << 10  # of the end of a log that are shown


class Folder:
    """Readers' side."""

    def __init__(self, path: Path):
        self.path = path

    def status(self) -> dict:
        """{"stage", "step", "total", "seconds", "cpu_seconds", "heartbeat", "pid", "eta"} as far as the job has come; {} before it
        began."""
        found = read_json(self.path / "status.json")
        return {name: value for name, value in found.items() if is_number(value) or name == "stage" and isinstance(value, str)}

    def result(self) -> dict:
        """What the job found; {} before it ends."""
        return read_json(self.path / "result.json")

    def metrics(self, since: int = -1) -> list[dict]:
        """Measured points whose step is above `since`, in order."""
        points: list[dict] = []
        try:
            lines = small_json.read_bytes(self.path / "metrics.jsonl", METRICS_BYTES).split(b"\n")[:-1]
        except (OSError, ValueError):
            return []
        for line in lines:
            point = point_of(line)
            if point is None:
                continue
            while points and points[-1]["step"] >= point["step"]:
                points.pop()
            points.append(point)
        return [point for point in points if point["step"] > since]

    def log(self, size: int = LOG_BYTES) -> str:
        """The end of the log."""
        try:
            handle = os.open(self.path / "log.txt", os.O_RDONLY | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    return ""
                file.seek(max(0, file.seek(0, os.SEEK_END) - size))
                return file.read(size).decode("utf-8", "replace")
        except OSError:
            return ""


class Reporter(Folder):
    """The writer's side: `progress(title, total)` gives an on_step as engine.make wants it, which raises Stopped after `stop()`."""

    EVERY = 0.2  # seconds between points; a long run's points lie further apart, about 2 000 of them

    def __init__(self, path: Path, spec: dict, stop: Callable[[], bool] = lambda: False):
        super().__init__(path)
        self.stop = stop
        path.mkdir(parents=True, exist_ok=True)
        write_json(path / "spec.json", spec)
        self.began = self.written = self.reported = time.monotonic()
        self.took = stopwatch()

    def progress(self, title: str, total: int):
        """Points of a stage `title` of `total` steps. Steps are counted through all stages, so that a point is told by its step."""
        known = self.metrics()
        mine = [point for point in known if point["stage"] == title]
        offset = mine[0]["step"] - mine[0]["at"] if mine else known[-1]["step"] if known else 0
        begun: list[tuple[int, float]] = []

        def on_step(step: int, metrics: dict[str, float], **more) -> None:
            now = time.monotonic()
            if not begun:
                begun.append((step, now))
            due = now - self.written >= max(self.EVERY, (now - self.began) / 2000)
            if due or step in (0, 1, total) or any(name.startswith("val_") for name in metrics):
                self.point({"stage": title, "step": offset + step, "at": step, "total": total, **metrics, **more})
                self.written = now
            if now - self.reported >= 0.5 or step in (0, 1, total):
                (first, then) = begun[0]
                self.tell(stage=title, step=step, total=total, eta=(total - step) * (now - then) / (step - first) if step > first else None)
                self.reported = now
            if self.stop() and step < total:
                raise Stopped

        self.tell(stage=title, step=mine[-1]["at"] if mine else 0, total=total, eta=None)
        return on_step

    def point(self, point: dict) -> None:
        clean = {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in point.items()}
        with open(self.path / "metrics.jsonl", "ab", buffering=0) as file:
            lead = b"\n" if file.tell() and not self._whole() else b""
            file.write(lead + json.dumps(clean).encode() + b"\n")

    def _whole(self) -> bool:
        """Whether the last line of the metrics is one: a killed writer may have left half of it."""
        with open(self.path / "metrics.jsonl", "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def tell(self, **status) -> None:
        took = {name: round(seconds, 2) for name, seconds in asdict(self.took()).items()}
        write_json(self.path / "status.json", {**status, **took, "heartbeat": time.time(), "pid": os.getpid()})

    def conclude(self, result: dict) -> None:
        write_json(self.path / "result.json", result)


def write_json(path: Path, value: dict) -> None:
    """Whole or not at all; not worth a disk's fsync, for a crash of the machine loses no more than a moment."""
    temp = path.with_name(f".{path.name}.{os.getpid()}")
    temp.write_text(json.dumps(value, allow_nan=False))
    os.replace(temp, path)


def read_json(path: Path) -> dict:
    """The object in a JSON file; {} where there is none, or it cannot be read as one."""
    try:
        found = small_json.read(path)
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def point_of(line: bytes) -> dict | None:
    """A line of the metrics as a point; None where it is none: torn by a kill, then written on, or never one."""
    try:
        point = small_json.parse(line)
    except (ValueError, RecursionError):
        return None
    if (
        not isinstance(point, dict)
        or not isinstance(point.get("stage"), str)
        or not all(type(point.get(name)) is int for name in ("step", "at", "total"))
    ):
        return None
    return point
