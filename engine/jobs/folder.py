"""A job's folder: spec.json, status.json (how far, with a heartbeat), metrics.jsonl, log.txt, checkpoint, result.

One process writes, any number read at any moment: a torn last line of the metrics is no line yet, and what a killed process
had measured beyond its checkpoint is taken back when the next one measures it again.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ..errors import Stopped
from ..took import stopwatch

LOG_BYTES = 64 << 10  # of the end of a log that are shown


class Folder:
    """Readers' side."""

    def __init__(self, path: Path):
        self.path = path

    def status(self) -> dict:
        """{"stage", "step", "total", "seconds", "cpu_seconds", "heartbeat", "pid", "eta"} as far as the job has come; {} before it began."""
        return read_json(self.path / "status.json")

    def result(self) -> dict:
        """What the job found; {} before it ends."""
        return read_json(self.path / "result.json")

    def metrics(self, since: int = -1) -> list[dict]:
        """Measured points whose step is above `since`, in order."""
        points: list[dict] = []
        try:
            lines = (self.path / "metrics.jsonl").read_bytes().split(b"\n")[:-1]
        except OSError:
            return []
        for line in lines:
            try:
                point = json.loads(line)
            except ValueError:  # torn by a kill, then written on
                continue
            while points and points[-1]["step"] >= point["step"]:
                points.pop()
            points.append(point)
        return [point for point in points if point["step"] > since]

    def log(self, size: int = LOG_BYTES) -> str:
        """The end of the log."""
        try:
            with open(self.path / "log.txt", "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - size))
                return file.read().decode("utf-8", "replace")
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
        self.began = self.written = self.told = time.monotonic()
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
            if now - self.told >= 0.5 or step in (0, 1, total):
                (first, then) = begun[0]
                self.tell(stage=title, step=step, total=total, eta=(total - step) * (now - then) / (step - first) if step > first else None)
                self.told = now
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
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
