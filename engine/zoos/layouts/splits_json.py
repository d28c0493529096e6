"""A JSON of splits with the paths of one state dict each, as Neural Graphs' CNN Wild Park and DWSNets' INRs have it:
{"train": [{"path": ..., "score": ...}, ...]} or {"train": {"path": [...], "score": [...]}}. The JSON is named, or its folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ...core.boundary import readable
from ..layout import Files
from ..members import FILE, SPLIT, Asked, Survey
from ..surveying import WORDS, finish, stamped
from ..tables import flat, loads

LIMIT = 512 << 20  # bytes of the JSON
PATHS = ("path", "file", "filename", "checkpoint")


class SplitsJson(Files):
    id, rank = "splits-json", 30

    def sees(self, path: Path) -> bool:
        return self._file(path) is not None

    def _file(self, path: Path) -> Path | None:
        files = sorted(path.glob("*.json")) if path.is_dir() else [path] if path.suffix.lower() == ".json" else []
        return next((each for each in files if each.is_file() and records(each)), None)

    def survey(self, asked: Asked) -> Survey:
        file = self._file(asked.path)
        assert file is not None
        root, told = file.parent.resolve(), records(file)
        rows, left, notes = [], [], list[str]()
        for split, record in told:
            name = within(root, str(record.pop(next(each for each in PATHS if each in record))))
            if name is None:
                left.append(record)
            else:
                rows.append((name, split, record))
        if left:
            notes.append(f"Paths that leave {readable(root.name)} or lead to no file: {len(left):,}.")
        members = stamped(root, [name for name, _, _ in rows]).assign(**{SPLIT: [split for _, split, _ in rows]})
        twice = int(members[FILE].duplicated().sum())
        notes += [f"Networks that are named twice: {twice:,}."] if twice else []
        seen = f"splits in {readable(file.name)} with a file for each of {len(rows):,} networks"
        return finish(asked, seen, members, pd.DataFrame.from_records([record for _, _, record in rows]), notes)


def records(path: Path) -> list[tuple[str, dict]]:
    """(split, record with a path) of each network of a JSON of splits; [] where it is none."""
    try:
        held = loads(path.read_bytes()) if path.stat().st_size <= LIMIT else None
    except (OSError, ValueError, RecursionError):
        return []
    found = []
    for split, part in held.items() if isinstance(held, dict) else ():
        if split.lower() not in WORDS:
            continue
        if isinstance(part, dict):
            columns = {name: values for name, values in part.items() if isinstance(values, list)}
            part = [dict(zip(columns, values)) for values in zip(*columns.values())]
        for each in part if isinstance(part, list) else ():
            record = flat({"path": each} if isinstance(each, str) else each) if isinstance(each, (str, dict)) else {}
            if any(name in record for name in PATHS):
                found.append((split, record))
    return found


def within(root: Path, said: str) -> str | None:
    """A path that a JSON names, relative to its folder: as it is said, or by its last parts where it was another machine's. None where
    there is no such file below the folder."""
    parts = Path(said.replace("\\", "/")).parts
    for first in range(len(parts)):
        path = root.joinpath(*[part for part in parts[first:] if part != "/"])
        if ".." not in parts[first:] and path.is_file() and path.resolve().is_relative_to(root):
            return path.relative_to(root).as_posix()
    return None


LAYOUT = SplitsJson()
