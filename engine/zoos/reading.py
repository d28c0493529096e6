"""The limited process that reads somebody's zoo: one for all of its files, which it streams into rows on disk. `survey` and `stream` run in
it (engine.core.limits), `surveyed` and `streamed` are its callers' side.

A file that ends the process costs that one member: the next process goes on behind it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ..archs import architecture
from ..core.artifacts import write_atomic
from ..core.boundary import readable, untrusted
from ..core.errors import InvalidValue, ReaderDied, Stopped, StorageError
from ..core.limits import Limits, limited, tell
from .members import SIZE, Asked, Survey
from .partial import DIGEST, Partial, Writer

MEMORY = 2 << 30  # bytes of the reader's own; the files that it maps do not count
SECONDS = 120  # of processor time for a member, and twice that of the clock
SURVEY = 1800  # seconds for a survey, of either
DEATHS = 50  # of the process that reads, after which an import gives up
TELL = 0.2  # seconds between words of how far it is
FOR_EVER = 10_000_000  # seconds: what ends a stream is a member that takes too long
NOT_FINITE = "It holds NaN or infinity."
DIED, SLOW = "It ended the process that read it.", f"It took longer than {2 * SECONDS} s to read."
FREE = "The disk is full: free some space, or choose another folder with --workspace. What was read is kept: the same command resumes."


def surveyed(partial: Partial, asked: Asked, layout: str, stop: Callable[[], bool]) -> tuple[str, Survey]:
    """(layout, survey) of what lies there, kept in the import's folder. Raises InvalidValue, Stopped."""
    given = {"folder": str(partial.folder.resolve()), "path": str(asked.path.resolve()), "split": asked.split, "layout": layout}
    given["table"] = str(asked.table.resolve()) if asked.table else ""
    limits = Limits(memory=MEMORY, cpu=SURVEY, wall=SURVEY, output=MEMORY)
    limited(f"{__name__}:survey", given, asked.path.name, limits, stop)
    return survey_of(partial)


def survey_of(partial: Partial) -> tuple[str, Survey]:
    """What a survey found."""
    said = json.loads(partial.survey.read_text("utf-8"))
    table = pd.read_parquet(partial.members)
    found = Survey(said["seen"], table, tuple(said["notes"]), tuple(said["whole"]), tuple(map(tuple, said["left"])))
    return said["layout"], found


def survey(folder: str, path: str, table: str, split: str, layout: str) -> tuple[dict, dict]:
    """What the limited process does first."""
    from .layout import layouts, recognised

    partial, where = Partial(Path(folder)), Path(path)
    chosen = layouts()[layout] if layout else recognised(where)
    with untrusted(f"{readable(where.name)}, {chosen.id}", InvalidValue, "Is it complete? docs/zoos.md shows its layout."):
        found = chosen.survey(Asked(where, Path(table) if table else None, split))
    said = {"layout": chosen.id, "seen": found.seen, "notes": found.notes, "whole": found.whole, "left": found.left}
    with enough_room():
        found.table.to_parquet(partial.members, index=False)
        write_atomic(partial.survey, json.dumps(said).encode())
    return {}, {}


def streamed(
    partial: Partial, path: Path, layout: str, arch_id: str, on_members: Callable[[int], None], stop: Callable[[], bool]
) -> tuple[str, ...]:
    """Read all members that are not read yet; what is to be told of how. `on_members` hears how many were looked at by now. Raises
    InvalidValue, StorageError, Stopped."""
    given = {"folder": str(partial.folder.resolve()), "path": str(path.resolve()), "layout": layout, "arch": arch_id}
    size = 4 * architecture(arch_id).parameters
    _, found = survey_of(partial)
    largest = 0 if found.whole else max(map(int, found.table[SIZE]), default=0)
    limits = Limits(MEMORY + 8 * largest, FOR_EVER, FOR_EVER, max(MEMORY, 2 * size * len(found.table)))
    for _ in range(DEATHS):
        at_file(partial).unlink(missing_ok=True)
        heard = [time.monotonic()]

        def hear(value: object) -> None:
            heard[0] = time.monotonic()
            if isinstance(value, int):
                on_members(value)

        def stalled() -> bool:
            return time.monotonic() - heard[0] > 2 * SECONDS

        try:
            said, _ = limited(f"{__name__}:stream", given, path.name, limits, lambda: stop() or stalled(), hear)
            return tuple(said["notes"]) if isinstance(said, dict) else ()
        except (Stopped, ReaderDied) as error:
            slow = isinstance(error, Stopped)
            if slow and stop() or found.whole:
                raise
            if died_at(partial) is None:
                raise InvalidValue(f"The process that reads {readable(path.name)} cannot run: {error}") from error
            leave_out(partial, SLOW if slow else DIED)
    raise InvalidValue(f"{DEATHS} files of {readable(path.name)} ended the process that read them. Is this a zoo?")


def died_at(partial: Partial) -> int | None:
    """The member that was being read when the process ended."""
    data = at_file(partial).read_bytes() if at_file(partial).is_file() else b""
    return int.from_bytes(data[:8], "little") if len(data) >= 8 else None


def leave_out(partial: Partial, reason: str) -> None:
    """Say of the member that was being read why it is not there. Those before it that no commit knows are read again."""
    with open(bad_file(partial), "a", encoding="utf-8") as file:
        file.write(json.dumps([died_at(partial), reason]) + "\n")


def at_file(partial: Partial) -> Path:
    return partial.folder / "at"


def bad_file(partial: Partial) -> Path:
    return partial.folder / "bad.jsonl"


def bad_of(partial: Partial) -> dict[int, str]:
    """Member -> reason of those that ended a process."""
    path = bad_file(partial)
    return dict(json.loads(line) for line in path.read_text("utf-8").splitlines()) if path.is_file() else {}


def stream(folder: str, path: str, layout: str, arch: str) -> tuple[dict, dict]:
    """What the limited process does then. Raises InvalidValue, StorageError."""
    from .fitting import Fitter
    from .layout import layouts

    partial, where = Partial(Path(folder)), Path(path)
    fitter = Fitter(architecture(arch))
    with untrusted(f"{readable(where.name)}, {layout},", InvalidValue, "Is it complete? Import it again."), enough_room():
        writer = Writer(partial, fitter.arch.parameters)
        try:
            read(partial, where, layouts()[layout], survey_of(partial)[1], fitter, writer)
            writer.commit()
            writer.rows.finish("parameters")
        finally:
            writer.close()
    tell(writer.members)
    return {"notes": sorted(fitter.notes)}, {}


def read(partial: Partial, where: Path, layout, survey: Survey, fitter, writer: Writer) -> None:
    """Members from the writer's place on."""
    bad, count, told = bad_of(partial), len(survey.table), 0.0
    at = os.open(at_file(partial), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while writer.members < count:
            first = writer.members
            if first in bad:
                writer.leave_out(first, bad[first])
                writer.looked_at(first + 1)
                continue
            begin(at, first)
            for member, got in layout.rows(where, until(survey, min((each for each in bad if each > first), default=count)), first, fitter):
                if isinstance(got, str):
                    writer.leave_out(member, got)
                    writer.looked_at(member + 1)
                else:
                    keep(writer, member, got)
                begin(at, writer.members)
                if time.monotonic() - told > TELL:
                    tell(writer.members)
                    told = time.monotonic()
    finally:
        os.close(at)


def until(survey: Survey, member: int) -> Survey:
    """The members before that one."""
    if member == len(survey.table):
        return survey
    return Survey(survey.seen, survey.table.iloc[:member], survey.notes, survey.whole)


def begin(at: int, member: int) -> None:
    """Member is read next: what it does to this process is told of it."""
    os.pwrite(at, member.to_bytes(8, "little"), 0)
    give_time()


def give_time() -> None:
    """From now on this process may take SECONDS."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + SECONDS, hard))


def keep(writer: Writer, member: int, rows_NP: np.ndarray) -> None:
    """The finite ones of some rows; the others are left out."""
    rows_NP = np.ascontiguousarray(rows_NP, np.float32)
    finite_N = np.isfinite(rows_NP).all(1)
    for at in np.flatnonzero(~finite_N).tolist():
        writer.leave_out(member + at, NOT_FINITE)
    kept_NP = rows_NP if finite_N.all() else rows_NP[finite_N]
    writer.keep(kept_NP, [hashlib.blake2b(row_P, digest_size=DIGEST).digest() for row_P in kept_NP])
    writer.looked_at(member + len(rows_NP))


@contextlib.contextmanager
def enough_room():
    """A full disk is said to be one. Raises StorageError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageError(FREE) from error
        raise
