"""An import that is under way, as it lies in the workspace: the rows that are read, and how far it is. A killed import goes on from here.

It is read in parts of PART members, each in a folder of its own, so that several processes or machines can read at once. Rows are on
the disk before a part's log says so; what the log does not say is taken back.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..core.rows import Rows, open_rows

PART = 500  # members; the same however many processes read, so that any number of them can go on
BLOCK = 16 << 20  # bytes of rows that are in memory at once
COMMIT = 2.0  # seconds of reading that a kill can cost
REASON = 300  # characters of why a member is left out
DIGEST = 16  # bytes that tell a member's parameters


class Part:
    """The members [first, last) of an import: how far they are read."""

    def __init__(self, folder: Path, first: int, last: int):
        self.folder, self.first, self.last = folder, first, last
        self.rows, self.digests, self.log = folder / "rows.safetensors", folder / "digests.bin", folder / "log.jsonl"

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

    @property
    def ended(self) -> bool:
        return self.done()[0] == self.last - self.first

    def left(self) -> list[tuple[int, str]]:
        """(member of the whole import, why it is left out), in order."""
        return [(self.first + member, reason) for entry in self.entries() for member, reason in entry["left"]]


class Partial:
    """The folder of an import."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.members, self.survey = folder / "members.parquet", folder / "survey.json"
        self.rows, self.measured = folder / "rows.safetensors", folder / "measured.f32"

    def begin(self, tag: str) -> bool:
        """Make the folder ready for the import of that tag; whether there is something of it that goes on. Raises OSError."""
        place = self.folder / "tag"
        if place.is_file() and place.read_text("utf-8") == tag:
            return self.rows.exists() or any(self.folder.glob("part-*/log.jsonl"))
        place.unlink(missing_ok=True)
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path not in (self.members, self.survey):
                path.unlink()
        place.write_text(tag, "utf-8")
        return False

    def parts(self, members: int, whole: bool) -> list[Part]:
        """The parts of an import of so many members; `whole`: one file holds all, and is read from its beginning on."""
        size = members if whole else PART
        firsts = range(0, members, max(1, size))
        return [Part(self.folder / f"part-{first:07d}", first, min(first + size, members)) for first in firsts]

    def join(self, parts: Sequence[Part], width: int) -> None:
        """The rows [N, P] of all parts as one file. Raises OSError."""
        if self.rows.exists():
            return
        joining = self.folder / "joining.safetensors"
        joining.unlink(missing_ok=True)
        whole = Rows(joining, width)
        try:
            for part in parts:
                for first in range(0, len(rows_NP := open_rows(part.rows, width)), step := max(1, BLOCK // (4 * width))):
                    whole.append(rows_NP[first : first + step])
            whole.finish("parameters")
        finally:
            whole.close()
        os.replace(joining, self.rows)
        for part in parts:
            part.rows.unlink()

    def same(self, parts: Sequence[Part]) -> np.ndarray:
        """The digest of each row, bytes [N]."""
        return np.concatenate([np.fromfile(part.digests, f"S{DIGEST}") for part in parts if part.digests.is_file()])

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class Writer:
    """Writes the rows of a part, and its log every two seconds. Members count from the part's first. Raises OSError where the disk is
    full."""

    def __init__(self, part: Part, width: int):
        self.part = part
        part.folder.mkdir(exist_ok=True)
        self.members, count = part.done()
        self._cut_log()
        self.rows = Rows(part.rows, width, count)
        self._digests = open(part.digests, "r+b" if part.digests.exists() else "w+b")  # noqa: SIM115 - closed in `close`
        self._digests.truncate(DIGEST * count)
        self._digests.seek(0, os.SEEK_END)
        self._left: list[tuple[int, str]] = []
        self._committed = time.monotonic()

    def _cut_log(self) -> None:
        """What was torn off a last line goes, so that the next one is a line of its own."""
        if self.part.log.is_file():
            data = self.part.log.read_bytes()
            with open(self.part.log, "r+b") as file:
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
        with open(self.part.log, "a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._left, self._committed = [], time.monotonic()

    def close(self) -> None:
        self.rows.close()
        self._digests.close()
