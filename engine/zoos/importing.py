"""Somebody's zoo as an artifact: surveyed, streamed into rows on disk, split, measured where its data set is at hand, written.

Legend: N instances, P parameters.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from .. import datasets
from ..archs import Architecture, architecture
from ..core.artifacts import Artifact, Store, manifest_of, safe_name
from ..core.boundary import readable
from ..core.clocks import stopwatch
from ..core.errors import InvalidValue, StorageError
from ..core.provenance import provenance
from ..core.rows import open_rows
from ..core.slugs import slug, unused
from ..kinds.zoo.loading import FILE as PARAMETERS_FILE
from ..kinds.zoo.loading import TABLE
from ..nets.networks import recording
from ..plan import inputs_of, recorded
from ..tasks.config import ImportedZooConfig
from ..tasks.zoo import title, zoos_of
from .config import ImportConfig
from .copying import copy_zoo, is_artifact
from .drawing import splits
from .fitting import check_form
from .measuring import Crew, Measure, measured
from .members import CHANGED, FILE, ROW, SIZE, Survey
from .partial import Part, Partial
from .reading import FREE, streamed, surveyed
from .telling import Report, left_table, same_as

FOLDER = ".importing"
ASKED = frozenset({"omega", "pixels", "levels"})  # fields of an import that some tasks alone ask for
Progress = Callable[[str, int], Callable[[int, dict[str, float]], None]]


def check(store: Store, wanted: ImportConfig, id_: str, replacing: bool) -> None:
    """What can be refused before anything is read. Raises InvalidValue, UnknownId, DataMissing."""
    wanted.check_named()
    store.check_new(id_, replacing)
    if is_artifact(wanted.asked.path):
        return
    if not wanted.architecture:
        raise InvalidValue("Name the architecture of its networks: --architecture ID (`python -m engine architecture` lists them).")
    arch = architecture(wanted.architecture)
    zoos = zoos_of(arch.task)
    if zoos.imported is None:
        raise InvalidValue(f"{arch.id} is of the task {arch.task}, whose zoos cannot be imported yet.")
    for name in sorted(ASKED - set(zoos.asks)):
        if getattr(wanted, name) != getattr(ImportConfig(), name):
            raise InvalidValue(f"--{name} is not for {zoos.holds}, which networks of {arch.id} are: leave it out.")
    zoos.check_import(wanted.dataset, wanted.omega, wanted.levels)
    check_form(arch)
    if wanted.dataset:
        datasets.load(wanted.dataset).suited(arch)


def import_zoo(
    store: Store, wanted: ImportConfig, id_: str | None, device: str, progress: Progress, replacing: bool = False,
    stop: Callable[[], bool] = lambda: False, crew: Crew | None = None,
) -> tuple[Artifact, Report | None]:  # fmt: skip
    """The zoo at a path as an artifact of kind zoo, and what is to be told of it (None: it is another explorer's, taken as it is). An
    import that was stopped or killed goes on where it was, with the same bits. `crew`: who reads and measures; None: this machine. Raises
    UnknownId, InvalidValue, CheckpointMismatch, DataMissing, StorageError, Stopped."""
    took, asked, crew = stopwatch(), wanted.asked, crew or Crew()
    if is_artifact(asked.path):
        return copy_zoo(store, asked.path, id_, replacing), None
    id_ = safe_name(id_ or wanted.own_name)
    check(store, wanted, id_, replacing)
    arch = architecture(wanted.architecture)
    zoos = zoos_of(arch.task)
    assert zoos.imported is not None
    config = zoos.imported(
        arch.id, readable(asked.path.resolve().name), "?", wanted.dataset, splits=asked.split, measured=wanted.measured, seed=wanted.seed,
        **{name: getattr(wanted, name) for name in zoos.asks},
    )  # fmt: skip
    with locked(store, id_) as partial:
        measure = Measure(str(partial.rows.resolve()), config, wanted.normalise, device)
        data = measure.data()
        layout, survey = surveyed(partial, asked, stop)
        config = replace(config, layout=layout)
        if partial.begin(tag_of(config, arch, survey, wanted)):
            done = sum(part.done()[0] for part in partial.parts(len(survey.table), bool(survey.whole)))
            print(f"{id_}: resuming its import after {done:,} of {len(survey.table):,} networks.", file=sys.stderr)
        check_room(partial, arch, survey)
        on_read = progress(id_, len(survey.table))
        parts, told = streamed(partial, asked.path, layout, arch.id, heard(on_read), stop, crew.read, wanted.omega, wanted.levels)
        notes = (*survey.notes, *told)
        table, left = rows_kept(parts, survey)
        if not len(table):
            raise InvalidValue(f"No network of {readable(asked.path.name)} could be read. The first: {left[0][0]}: {left[0][1]}")
        same_N = partial.same(parts)
        given, told = splits(table, same_N, config.seed)
        counts = {split: given.count(split) for split in ("train", "val", "test")}
        config = replace(config, **counts)
        parameters_NP = open_rows(partial.rows, arch.parameters)
        on_measured = progress(f"{id_}: measuring", len(table)) if data else lambda step, metrics: None
        columns = measured(partial, crew, measure, data, on_measured, stop)
        table = table_of(table, arch, given, columns)
        beside = zoos.beside_stated(config, parameters_NP, table, data)
        read = len(survey.table) + len(survey.left)
        report = Report(layout, survey.seen, read, counts, tuple(left), same_as(table, same_N), (*notes, *told, *beside))
        named = title((arch,), data.title if data else readable(asked.path.resolve().name))
        manifest = manifest_of(
            config, id_, named, "", inputs=recorded(store, inputs_of(store, config)), metrics=zoos.imported_metrics(config, table, data),
            provenance=recording(
                provenance(took(), device, ["zoo", "import", *replace(wanted, path=asked.path.name).arguments(id_)]) | report.recorded(),
                measure.preprocessing or getattr(data, "preprocessing", None),
            ),
        )  # fmt: skip
        tables = {TABLE: table, **left_table(left)}
        artifact = store.write(manifest, {}, tables, replace=replacing, new=True, written={PARAMETERS_FILE: partial.rows})
        partial.remove()
    return artifact, report


@contextlib.contextmanager
def locked(store: Store, id_: str) -> Iterator[Partial]:
    """The folder of an import, which nobody else works on meanwhile. Raises StorageError, InvalidValue."""
    folder = store.workspace / FOLDER / id_
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StorageError(f"Cannot write to {store.workspace} ({error.strerror}). Choose another folder with --workspace.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise InvalidValue(f"{id_} is already being imported. Wait for that to end, or name this one with --id.") from error
    try:
        yield Partial(folder)
    finally:
        os.close(handle)


def tag_of(config: ImportedZooConfig, arch: Architecture, survey: Survey, wanted: ImportConfig) -> str:
    """Tells an import from every other: what was read, how, and for which architecture."""
    hashed = hashlib.sha256(repr((config.layout, config.source, config.dataset, config.measured, arch.id, arch.version)).encode())
    if wanted.omega or wanted.levels:
        hashed.update(repr((wanted.omega, wanted.levels)).encode())
    columns = [column for column in (FILE, SIZE, CHANGED, ROW) if column in survey.table]
    hashed.update(str(survey.table[columns].to_csv(index=False)).encode())
    return hashed.hexdigest()


def check_room(partial: Partial, arch: Architecture, survey: Survey) -> None:
    """Raises StorageError where the disk cannot hold what is read: the parts, and the file that they become."""
    needed = 8 * arch.parameters * len(survey.table) - sum(path.stat().st_size for path in partial.folder.rglob("*") if path.is_file())
    if shutil.disk_usage(partial.folder).free < needed:
        raise StorageError(f"{needed / 1e9:.1f} GB are needed in {partial.folder.parents[1]}. {FREE}")


def heard(on_step: Callable[[int, dict[str, float]], None]) -> Callable[[int], None]:
    return lambda members: on_step(members, {}) if members else None


def rows_kept(parts: Sequence[Part], survey: Survey) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """The survey's rows of the members that were kept, and the others with why they are left out."""
    out = {member: reason for part in parts for member, reason in part.left()}
    mask_N = np.ones(len(survey.table), bool)
    mask_N[list(out)] = False
    names = survey.table[FILE].tolist()
    rows = survey.table[ROW].tolist() if ROW in survey.table else names
    left = [(names[member] or f"row {rows[member]}", reason) for member, reason in out.items()]
    return survey.table.loc[mask_N].reset_index(drop=True), [*survey.left, *left]


def table_of(table: pd.DataFrame, arch: Architecture, given: list[str], columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """A zoo's table of what a survey found: id, split and architecture first, then what is measured, then the source's properties."""
    first = {"id": ids_of(table), "split": given, "architecture": arch.id, **columns}
    rest = table.drop(columns=[name for name in (SIZE, CHANGED, "split") if name in table])
    if not any(rest[FILE]):
        rest = rest.drop(columns=[FILE])
    rest = rest[[name for name in rest if name not in first]]
    return pd.concat([pd.DataFrame(first, index=table.index), rest], axis=1)


def ids_of(table: pd.DataFrame) -> list[str]:
    """Names of the instances: of their files, or of their places in the file that holds all."""
    if not any(table[FILE]):
        width = len(str(max(table[ROW])))
        return [f"{row:0{width}d}" for row in table[ROW]]
    found: dict[str, None] = {}
    for name in table[FILE]:
        stem = name.rsplit(".", 1)[0] if "." in name.rpartition("/")[2] else name
        found[unused(slug(stem) or "network", found)] = None
    return list(found)
