"""The bench that is kept: assets/records/bench.json, from which docs/speed.md is written."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "assets" / "records" / "bench.json"


def keep(names: Iterable[str] | None = None, file: Path = FILE) -> list[dict]:
    """Measure those rows, or all, and put them in the place of the kept ones of the same name; each with the load average (one
    minute) before it began and the date. All rows of the file are of one machine: those of another are dropped."""
    from . import ROWS, run

    kept = json.loads(file.read_text("utf-8")) if file.exists() else {}
    here = machine()
    rows = {row["name"]: row for row in kept.get("rows", ()) if all(kept.get(name) == value for name, value in here.items())}
    measured = []
    for name in names or ROWS:
        load = round(os.getloadavg()[0], 2)
        measured += [row | {"load": load} for row in run([name])]
    rows |= {row["name"]: row for row in measured}
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n ".join(map(json.dumps, rows.values()))  # a row a line
    file.write_text(f'{json.dumps(head() | here)[:-1]}, "rows": [\n {lines}\n]}}\n', "utf-8")
    return measured


def head() -> dict:
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=FILE.parent, capture_output=True, text=True, check=False)
    return {"when": datetime.now(UTC).date().isoformat(), "commit": said.stdout.strip() or "unknown"}


def machine() -> dict:
    """The processor's name and the cores that this process may use."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor() or "CPU")
    return {"cpu": name.replace("(R)", ""), "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()}
