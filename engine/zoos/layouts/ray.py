"""Experiments of Ray Tune, and so the raw Model Zoos: a folder a run with params.json, result.json (a JSON line an epoch), and a folder
checkpoint_000007 or checkpoint_7 for each epoch that was saved. The line of a checkpoint is found by its training_iteration."""

from __future__ import annotations

import re
from pathlib import Path

from ...core.boundary import readable
from ...core.errors import InvalidValue
from ...nets.sniffing import SUFFIXES
from ..layout import Files, walk
from ..members import RUN, STEP, Asked, Survey
from ..surveying import finish, one_table, stamped
from ..tables import MACHINE, beside, flat, frame, loads

CHECKPOINT = re.compile(r"(?P<run>.*?)/?checkpoint_(?P<step>\d{1,9})/(?P<file>[^/]+)")
NAMES = ("checkpoints", "checkpoint", "model", "state_dict")  # of the file in a checkpoint's folder, without its suffix
RESULTS = 256 << 20  # bytes of a result.json


class Ray(Files):
    id, rank = "ray", 20

    def sees(self, path: Path) -> bool:
        if not path.is_dir():
            return False
        runs = [path, *(each for each in path.iterdir() if each.is_dir())]
        runs += [inner for each in runs[1:] for inner in each.iterdir() if inner.is_dir() and not inner.name.startswith("checkpoint_")]
        return any((run / "params.json").is_file() or (run / "result.json").is_file() for run in runs) and any(
            CHECKPOINT.fullmatch(name) for name in walk(path)
        )

    def survey(self, asked: Asked) -> Survey:
        found: dict[tuple[str, int], str] = {}
        for name in walk(asked.path):
            match = CHECKPOINT.fullmatch(name)
            if match and is_weights(match["file"]):
                key = (match["run"], int(match["step"]))
                found[key] = min(name, found.get(key, name), key=lambda each: rank_of(each.rpartition("/")[2]))
        members, properties, notes = sorted(found), [], list[str]()
        lines: dict[str, dict[int, dict]] = {}
        params: dict[str, dict] = {}
        for run, step in members:
            if run not in lines:
                lines[run], params[run] = results(asked.path / run / "result.json"), beside(asked.path / run / "params.json")
            properties.append({**params[run], **lines[run].get(step, {})})
        without = sum(step not in lines[run] for run, step in members)
        notes += [f"Checkpoints without a result for their epoch: {without:,}."] if without else []
        table = stamped(asked.path, [found[key] for key in members])
        table = table.assign(**{RUN: [readable(run) for run, _ in members], STEP: [step for _, step in members]})
        seen = f"Ray Tune's runs in the layout of the Model Zoos ({len(lines):,} runs, {len(members):,} checkpoints)"
        named = one_table(asked, asked.path, notes, ("params.json", "result.json", "progress.csv"))
        if named and named.name.startswith(("experiment_state", "basic-variant-state", "searcher-state", "trial")):
            named = None
        return finish(asked, seen, table, frame(properties), notes, (), named)


def is_weights(name: str) -> bool:
    """Whether a file in a checkpoint's folder may be the network's."""
    return not name.startswith(".") and (name.split(".")[0] in NAMES or Path(name).suffix.lower() in SUFFIXES)


def rank_of(name: str) -> tuple[bool, str]:
    return name.split(".")[0] not in NAMES, name


def results(path: Path) -> dict[int, dict]:
    """Number of an epoch -> what is told of it: the scalars, without those of the machine. A line that is torn is none. Raises
    InvalidValue."""
    found: dict[int, dict] = {}
    try:
        if path.stat().st_size > RESULTS:
            raise InvalidValue(f"{readable(path.parent.name)}: its result.json is over {RESULTS >> 20} MiB.")
        with open(path, "rb") as file:
            for line in file:
                try:
                    held = loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(held, dict) and isinstance(held.get("training_iteration"), int):
                    scalars = flat({name: value for name, value in held.items() if name not in MACHINE})
                    found[held["training_iteration"]] = {name: value for name, value in scalars.items() if name != "training_iteration"}
    except OSError:
        return found
    return found


LAYOUT = Ray()
