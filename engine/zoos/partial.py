"""An import that is under way, as it lies in the workspace: the rows that are read, and how far it is. A killed import goes on from here.

Rows are on the disk before the log says so; what the log does not say is taken back.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..core.rows import Rows

COMMIT = 2.0  # seconds of reading that a kill can cost
REASON = 300  # characters of why a member is left out
DIGEST = 16  # bytes that tell a member's parameters


class Partial:
    """The folder of an import."""

    def __init__(self, folder: Path):
        self.folder = folder

    @property
    def members(self) -> Path:
        return self.folder / "members.parquet"

    @property
    def survey(self) -> Path:
        return self.folder / "survey.json"

    @property
    def rows(self) -> Path:
        return self.folder / "rows.safetensors"

    @property
    def measured(self) -> Path:
        return self.folder / "measured.f32"

    @property
    def digests(self) -> Path:
        return self.folder / "digests.bin"

    @property
    def log(self) -> Path:
        return self.folder / "log.jsonl"

    def begin(self, tag: str) -> bool:
        """Make the folder ready for the import of that tag; whether there is something of it that goes on. Raises OSError."""
        place = self.folder / "tag"
        if place.is_file() and place.read_text("utf-8") == tag:
            return self.log.is_file()
        for path in (self.rows, self.measured, self.digests, self.log, self.folder / "bad.jsonl"):
            path.unlink(missing_ok=True)
        place.write_text(tag, "utf-8")
        return False

    def entries(self) -> Iterator[dict]:
        """What the log says, line by line; a torn last line is none."""
        if self.log.is_file():
            with open(self.log, encoding="utf-8") as file:
                for line in file:
                    if line.endswith("\n"):
                        yield json.loads(line)

    def done(self) -> tuple[int, int]:
        """(members that were looked at, rows that were kept)."""
        members = rows = 0
        for entry in self.entries():
            members, rows = entry["members"], entry["rows"]
        return members, rows

    def left(self) -> list[tuple[int, str]]:
        """(member, why it is left out), in order."""
        return [(member, reason) for entry in self.entries() for member, reason in entry["left"]]

    def same(self) -> np.ndarray:
        """The digest of each row, bytes [N]."""
        return np.fromfile(self.digests, f"S{DIGEST}") if self.digests.is_file() else np.zeros(0, f"S{DIGEST}")

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class Writer:
    """Writes the rows of an import, and its log every two seconds. Raises OSError where the disk is full."""

    def __init__(self, partial: Partial, width: int):
        self.partial = partial
        self.members, count = partial.done()
        self._cut_log()
        self.rows = Rows(partial.rows, width, count)
        self._digests = open(partial.digests, "r+b" if partial.digests.exists() else "w+b")  # noqa: SIM115 - closed in `close`
        self._digests.truncate(DIGEST * count)
        self._digests.seek(0, os.SEEK_END)
        self._left: list[tuple[int, str]] = []
        self._committed = time.monotonic()

    def _cut_log(self) -> None:
        """What was torn off a last line goes, so that the next one is a line of its own."""
        if self.partial.log.is_file():
            data = self.partial.log.read_bytes()
            with open(self.partial.log, "r+b") as file:
                file.truncate(data.rfind(b"\n") + 1)

    def keep(self, rows_NP: np.ndarray, digests: list[bytes]) -> None:
        """The next members, of which these rows are kept."""
        self.rows.append(rows_NP)
        self._digests.write(b"".join(digests))

    def leave_out(self, member: int, reason: str) -> None:
        self._left.append((member, reason[:REASON]))

    def looked_at(self, members: int) -> None:
        """So many members were looked at by now; a commit, where it is time."""
        self.members = members
        if time.monotonic() - self._committed > COMMIT:
            self.commit()

    def commit(self) -> None:
        self.rows.commit()
        self._digests.flush()
        os.fsync(self._digests.fileno())
        line = json.dumps({"members": self.members, "rows": self.rows.count, "left": self._left}) + "\n"
        with open(self.partial.log, "a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._left, self._committed = [], time.monotonic()

    def close(self) -> None:
        self.rows.close()
        self._digests.close()
