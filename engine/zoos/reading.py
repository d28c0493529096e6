"""The limited processes that read somebody's zoo, a core each: they stream its files into rows on disk. `survey` and `stream` run in them
(engine.core.limits), `surveyed`, `streamed` and `part_read` are their callers' side.

A file that ends a process costs that one member: the next process goes on behind it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..archs import architecture
from ..core.artifacts import write_atomic
from ..core.boundary import readable, untrusted
from ..core.errors import InvalidValue, ReaderDied, Stopped, StorageError
from ..core.limits import Limits, limited, tell
from .members import SIZE, Asked, Survey
from .partial import DIGEST, Part, Partial, Writer

MEMORY = 2 << 30  # bytes of the reader's own; the files that it maps do not count
SECONDS = 120  # of processor time for a member, and twice that of the clock
SURVEY = 1800  # seconds for a survey, of either
DEATHS = 50  # of the process that reads, after which an import gives up
TELL = 0.2  # seconds between words of how far it is
FOR_EVER = 10_000_000  # seconds: what ends a stream is a member that takes too long
NOT_FINITE = "It holds NaN or infinity."
DIED, SLOW = "It crashed the process that read it.", f"It took longer than {2 * SECONDS} s to read."
FREE = "The disk is full: free some space, or choose another folder with --workspace. What was read is kept: the same command resumes."


def surveyed(partial: Partial, asked: Asked, stop: Callable[[], bool]) -> tuple[str, Survey]:
    """(layout, survey) of what lies there, kept in the import's folder. Raises InvalidValue, Stopped."""
    given = {"folder": str(partial.folder.resolve()), "path": str(asked.path.resolve()), "split": asked.split}
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


def survey(folder: str, path: str, table: str, split: str) -> tuple[dict, dict]:
    """What the limited process does first."""
    from .layout import recognised

    partial, where = Partial(Path(folder)), Path(path)
    chosen = recognised(where)
    with untrusted(f"{readable(where.name)}, {chosen.id}", InvalidValue, "Is it complete? docs/zoos.md shows its layout."):
        found = chosen.survey(Asked(where, Path(table) if table else None, split))
    said = {"layout": chosen.id, "seen": found.seen, "notes": found.notes, "whole": found.whole, "left": found.left}
    with enough_room():
        found.table.to_parquet(partial.members, index=False)
        write_atomic(partial.survey, json.dumps(said).encode())
    return {}, {}


Fan = Callable[["Work", Callable[[int], None], Callable[[], bool]], tuple[str, ...]]


@dataclass(frozen=True)
class Work:
    """What is left to be read: `parts`, by their numbers. Plain, so that another machine on the same folders can do some of it."""

    folder: str
    path: str
    layout: str
    arch: str
    width: int
    members: int
    whole: bool
    largest: int  # bytes of a file
    parts: tuple[int, ...]
    omega: tuple[float, ...] = ()  # of SIRENs of another frequency than ours
    levels: tuple[float, ...] = ()  # of SIRENs of other levels of black and white

    @property
    def partial(self) -> Partial:
        return Partial(Path(self.folder))

    def every_part(self) -> list[Part]:
        return self.partial.parts(self.members, self.whole)

    def split(self, count: int) -> list[Work]:
        """The same as at most so many pieces of work."""
        return [replace(self, parts=each) for at in range(count) if (each := self.parts[at::count])]

    def done(self) -> int:
        """Members of these parts that were looked at by now."""
        parts = self.every_part()
        return sum(parts[number].done()[0] for number in self.parts)


def streamed(
    partial: Partial, path: Path, layout: str, arch_id: str, on_members: Callable[[int], None], stop: Callable[[], bool],
    fan: Fan | None = None, omega: tuple[float, ...] = (), levels: tuple[float, ...] = (),
) -> tuple[list[Part], tuple[str, ...]]:  # fmt: skip
    """Read all members that are not read yet; (the parts, what is to be told of how). `on_members` hears how many were looked at by now;
    `fan` shares the work out (None: among the cores of this machine). Raises InvalidValue, StorageError, Stopped."""
    _, found = survey_of(partial)
    width, members, whole = architecture(arch_id).parameters, len(found.table), bool(found.whole)
    parts = partial.parts(members, whole)
    largest = 0 if whole else max(map(int, found.table[SIZE]), default=0)
    open_ = tuple(number for number, part in enumerate(parts) if not part.ended)
    done = members - sum(parts[number].last - parts[number].first for number in open_)
    folder = str(partial.folder.resolve())
    work = Work(folder, str(path.resolve()), layout, arch_id, width, members, whole, largest, open_, omega, levels)
    notes = (fan or on_cores)(work, lambda count: on_members(done + count), stop) if open_ else ()
    with enough_room():
        partial.join(parts, width)
    return parts, notes


def cores() -> int:
    """How many processes read at once."""
    return max(1, len(os.sched_getaffinity(0)))


def on_cores(work: Work, on_members: Callable[[int], None], stop: Callable[[], bool]) -> tuple[str, ...]:
    """Reads on the cores of this machine, a process each."""
    pieces, ending = work.split(cores()), threading.Event()
    told = [0] * len(pieces)

    def one(at: int) -> tuple[str, ...]:
        def hear(count: int) -> None:
            told[at] = count

        try:
            return part_read(pieces[at], hear, lambda: stop() or ending.is_set())
        except BaseException:
            ending.set()
            raise

    if len(pieces) == 1:
        return part_read(work, on_members, stop)
    with ThreadPoolExecutor(len(pieces)) as pool:
        running = [pool.submit(one, at) for at in range(len(pieces))]
        while wait(running, TELL).not_done:
            on_members(sum(told))
        on_members(sum(told))
        return tuple(sorted({note for each in in_order(running) for note in each}))


def in_order(running: Sequence[Future]) -> list:
    """The results. Raises what went wrong first: that of the others is that they were stopped for it."""
    problems = [error for each in running if (error := each.exception())]
    if problems:
        raise next((error for error in problems if not isinstance(error, Stopped)), problems[0])
    return [each.result() for each in running]


def part_read(work: Work, on_members: Callable[[int], None], stop: Callable[[], bool]) -> tuple[str, ...]:
    """Read some parts in one limited process; what is to be told. Raises InvalidValue, StorageError, Stopped."""
    name, partial = Path(work.path).name, work.partial
    given = {name: getattr(work, name) for name in ("folder", "path", "layout", "arch", "parts", "omega", "levels")}
    limits = Limits(MEMORY + 8 * work.largest, FOR_EVER, FOR_EVER, max(MEMORY, 8 * work.width * work.members))
    at = at_file(partial, work.parts)
    for _ in range(DEATHS):
        at.unlink(missing_ok=True)
        heard = [time.monotonic()]

        def hear(value: object) -> None:
            heard[0] = time.monotonic()
            if isinstance(value, int):
                on_members(value)

        def stalled() -> bool:
            return time.monotonic() - heard[0] > 2 * SECONDS

        try:
            said, _ = limited(f"{__name__}:stream", given, name, limits, lambda: stop() or stalled(), hear)
            return tuple(said["notes"]) if isinstance(said, dict) else ()
        except (Stopped, ReaderDied) as error:
            slow = isinstance(error, Stopped)
            if slow and stop() or work.whole:
                raise
            member = died_at(at)
            if member is None:
                raise InvalidValue(f"The process that reads {readable(name)} cannot run: {error}") from error
            leave_out(partial, member, SLOW if slow else DIED)
    raise InvalidValue(f"{DEATHS} files of {readable(name)} crashed the process that read them. Is this a zoo?")


def died_at(at: Path) -> int | None:
    """The member that was being read when the process ended."""
    data = at.read_bytes() if at.is_file() else b""
    return int.from_bytes(data[:8], "little") if len(data) >= 8 else None


def leave_out(partial: Partial, member: int, reason: str) -> None:
    """Say of the member that was being read why it is not there. Those before it that no commit knows are read again."""
    with open(bad_file(partial), "a", encoding="utf-8") as file:
        file.write(json.dumps([member, reason]) + "\n")


def at_file(partial: Partial, parts: Sequence[int]) -> Path:
    """Where the process that reads these parts says which member it is at."""
    return partial.folder / f"at-{parts[0]}"


def bad_file(partial: Partial) -> Path:
    return partial.folder / "bad.jsonl"


def bad_of(partial: Partial) -> dict[int, str]:
    """Member -> reason of those that ended a process."""
    path = bad_file(partial)
    return dict(json.loads(line) for line in path.read_text("utf-8").splitlines()) if path.is_file() else {}


def stream(
    folder: str, path: str, layout: str, arch: str, parts: list[int], omega: Sequence[float] = (), levels: Sequence[float] = ()
) -> tuple[dict, dict]:
    """What the limited process does then. Raises InvalidValue, StorageError."""
    from .fitting import Fitter
    from .layout import layouts

    partial, where = Partial(Path(folder)), Path(path)
    fitter, survey = Fitter(architecture(arch), omega, levels), survey_of(partial)[1]
    every, done = partial.parts(len(survey.table), bool(survey.whole)), 0
    at = os.open(at_file(partial, parts), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with untrusted(f"{readable(where.name)}, {layout},", InvalidValue, "Is it complete? Import it again."), enough_room():
            for number in parts:
                writer = Writer(every[number], fitter.arch.parameters)
                try:
                    read(Reader(where, layouts()[layout], survey, fitter, bad_of(partial), at, done), every[number], writer)
                    writer.commit()
                finally:
                    writer.close()
                done += writer.members
    finally:
        os.close(at)
    tell(done)
    return {"notes": sorted(fitter.notes)}, {}


@dataclass
class Reader:
    """What a process reads with. `bad`: members that ended others; `at`: where it says which member it is at."""

    where: Path
    layout: Any
    survey: Survey
    fitter: Any
    bad: dict[int, str]
    at: int
    done: int  # members of the parts before
    told: float = 0.0


def read(reader: Reader, part: Part, writer: Writer) -> None:
    """Members of a part from the writer's place on."""
    while (first := part.first + writer.members) < part.last:
        if first in reader.bad:
            writer.leave_out(writer.members, reader.bad[first])
            writer.looked_at(writer.members + 1)
            continue
        begin(reader.at, first)
        members = until(reader.survey, min((each for each in reader.bad if first < each < part.last), default=part.last))
        for member, got in reader.layout.rows(reader.where, members, first, reader.fitter):
            if isinstance(got, str):
                writer.leave_out(member - part.first, got)
                writer.looked_at(member - part.first + 1)
            else:
                keep(writer, member - part.first, reader.fitter.ours(got))
            begin(reader.at, part.first + writer.members)
            if time.monotonic() - reader.told > TELL:
                tell(reader.done + writer.members)
                reader.told = time.monotonic()


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
