"""Imports of zoos that are killed, that fill the disk, or whose folder changes meanwhile."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from engine.core.artifacts import Store
from engine.core.errors import Stopped, StorageError
from engine.jobs import specs, work
from engine.jobs.folder import Folder
from engine.kinds.zoo.loading import load_zoo
from engine.zoos import partial
from engine.zoos.config import ImportConfig
from engine.zoos.importing import import_zoo
from tests.tiny_zoos import ARCH, checkpoints, reading_here, rows_of

N = 6


@pytest.fixture(autouse=True)
def read_here(one_thread, monkeypatch):
    monkeypatch.setattr(partial, "COMMIT", -1.0)  # each member is committed
    with reading_here():
        yield


def take_in(store, path, on_step=lambda step, metrics: None):
    return import_zoo(store, ImportConfig(str(path), ARCH), "zoo-x", "cpu", lambda title, total: on_step, True)


def test_a_killed_import_resumes_with_the_same_bits(tmp_path, capsys, monkeypatch):
    from engine.zoos import reading

    rows_NP = rows_of(N)
    checkpoints(tmp_path / "zoo", rows_NP, lambda member: f"n{member}.pt")
    store, kept = Store(tmp_path / "workspace", tmp_path / "gallery"), reading.keep

    def killed(writer, member, rows):
        if member == 4:
            raise KeyboardInterrupt
        kept(writer, member, rows)

    monkeypatch.setattr(reading, "keep", killed)
    with pytest.raises(KeyboardInterrupt):
        take_in(store, tmp_path / "zoo")
    assert not store.has("zoo-x")
    monkeypatch.setattr(reading, "keep", kept)
    _, report = take_in(store, tmp_path / "zoo")
    assert f"after 4 of {N} networks" in capsys.readouterr().err
    assert np.array_equal(load_zoo(store, "zoo-x").parameters_NP.numpy(), rows_NP) and report.kept == N
    assert not (store.workspace / ".importing" / "zoo-x").exists()


def test_a_job_that_is_stopped_resumes_with_the_same_bits(tmp_path):
    rows_NP = rows_of(N)
    checkpoints(tmp_path / "zoo", rows_NP, lambda member: f"n{member}.pt")
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    spec = specs.parse({"kind": "import", "id": "zoo-x", "config": {"path": str(tmp_path / "zoo"), "architecture": ARCH, "dataset": "digits"}})
    folder, looks = tmp_path / "job", iter([False])
    with pytest.raises(Stopped):
        work.carry_out(store, spec, folder, lambda: next(looks, True), "cpu", 1)
    assert not store.has("zoo-x") and (store.workspace / ".importing" / "zoo-x").is_dir()
    found = work.carry_out(store, spec, folder, lambda: False, "cpu", 1)
    assert found["import"]["kept"] == N and Folder(folder).result() == found
    assert np.array_equal(load_zoo(store, "zoo-x").parameters_NP.numpy(), rows_NP)


def test_a_full_disk_is_said_and_what_was_read_stays(tmp_path, monkeypatch):
    rows_NP = rows_of(N)
    checkpoints(tmp_path / "zoo", rows_NP, lambda member: f"n{member}.pt")
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    append = partial.Rows.append

    def full(self, rows):
        if self.count == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(partial.Rows, "append", full)
        with pytest.raises(StorageError, match="disk is full"):
            take_in(store, tmp_path / "zoo")
    take_in(store, tmp_path / "zoo")
    assert np.array_equal(load_zoo(store, "zoo-x").parameters_NP.numpy(), rows_NP)


def test_a_file_that_changes_or_goes_meanwhile_is_left_out(tmp_path, monkeypatch):
    from engine.zoos import importing

    rows_NP, surveyed = rows_of(N), importing.surveyed
    paths = checkpoints(tmp_path / "zoo", rows_NP, lambda member: f"n{member}.pt")

    def meddled(*given):
        found = surveyed(*given)
        os.utime(paths[2], (1, 1))
        paths[3].unlink()
        return found

    monkeypatch.setattr(importing, "surveyed", meddled)
    _, report = take_in(Store(tmp_path / "workspace", tmp_path / "gallery"), tmp_path / "zoo")
    assert [name for name, _ in report.left] == ["n2.pt", "n3.pt"] and "changed" in report.left[0][1]
    assert report.kept == N - 2
