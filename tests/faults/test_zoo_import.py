"""Imports of zoos that are killed, that fill the disk, or whose folder changes meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.artifacts import Store
from engine.core.errors import ReaderDied, Stopped, StorageError
from engine.jobs import specs, work
from engine.jobs.folder import Folder
from engine.kinds.zoo.loading import load_zoo
from engine.zoos import partial, reading
from engine.zoos.config import ImportConfig
from engine.zoos.importing import import_zoo
from tests.tiny_zoos import ARCH, checkpoints, reading_here, rows_of, state_of

N = 6


@pytest.fixture(autouse=True)
def read_here(one_thread, monkeypatch):
    monkeypatch.setattr(partial, "COMMIT", -1.0)  # each member is committed
    with reading_here():
        yield


def take_in(store, path, on_step=lambda step, metrics: None):
    return import_zoo(store, ImportConfig(str(path), ARCH), "zoo-x", "cpu", lambda title, total: on_step, True)


def killed_at(member: int, call) -> bool:
    """Whether a child that runs `call` and kills itself (SIGKILL) at that member ended so."""
    pid = os.fork()
    if pid == 0:
        kept = reading.keep

        def keep(writer, at, rows):
            if writer.part.first + at == member:
                os.kill(os.getpid(), signal.SIGKILL)
            kept(writer, at, rows)

        reading.keep = keep
        with contextlib.suppress(BaseException):
            call()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def test_a_killed_import_resumes_with_the_same_bits(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(partial, "PART", 2)
    rows_NP = rows_of(N)
    checkpoints(tmp_path / "zoo", rows_NP, lambda member: f"n{member}.pt")
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    for member in (1, 2, 5):
        assert killed_at(member, lambda: take_in(store, tmp_path / "zoo")) and not store.has("zoo-x")
    with open(store.workspace / ".importing" / "zoo-x" / "part-0000004" / "log.jsonl", "a") as log:
        log.write('{"members": 2, "ro')  # torn by a crash of the machine
    _, report = take_in(store, tmp_path / "zoo")
    assert f"after 5 of {N} networks" in capsys.readouterr().err
    assert np.array_equal(load_zoo(store, "zoo-x").parameters_NP.numpy(), rows_NP) and report.kept == N
    assert not (store.workspace / ".importing" / "zoo-x").exists()


def test_a_zoo_that_changed_after_a_kill_is_read_anew(tmp_path, capsys):
    """What was read of the old one is of no use."""
    rows_NP, others_NP = rows_of(N), rows_of(N, seed=1)
    paths = checkpoints(tmp_path / "zoo", rows_NP, lambda member: f"n{member}.pt")
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    assert killed_at(3, lambda: take_in(store, tmp_path / "zoo"))
    torch.save(state_of(others_NP[0]), paths[0])
    take_in(store, tmp_path / "zoo")
    assert "resuming" not in capsys.readouterr().err
    rows_NP[0] = others_NP[0]
    assert np.array_equal(load_zoo(store, "zoo-x").parameters_NP.numpy(), rows_NP)


def test_a_file_that_ends_the_process_which_reads_it_costs_that_one(tmp_path, monkeypatch):
    monkeypatch.setattr(partial, "PART", 4)
    rows_NP, here = rows_of(N), reading.limited
    checkpoints(tmp_path / "zoo", rows_NP, lambda member: f"n{member}.pt")

    def limited(call, given, *rest):
        if call.endswith(":stream") and not reading.bad_file(partial.Partial(Path(given["folder"]))).exists():
            assert killed_at(3, lambda: here(call, given, *rest))
            raise ReaderDied("It stopped.")
        return here(call, given, *rest)

    monkeypatch.setattr(reading, "limited", limited)
    _, report = take_in(Store(tmp_path / "workspace", tmp_path / "gallery"), tmp_path / "zoo")
    assert [name for name, _ in report.left] == ["n3.pt"]
    assert "crashed the process" in report.left[0][1] and report.kept == N - 1


def test_many_broken_files_among_good_ones_are_counted_and_named(tmp_path):
    rows_NP = rows_of(N)
    (good,) = checkpoints(tmp_path / "zoo", rows_NP[:1], lambda member: "good-0.pt")
    checkpoints(tmp_path / "zoo", rows_NP, lambda member: f"good-{member}.pt")
    whole = good.read_bytes()
    kinds = [b"", b"no checkpoint", whole[:-40], whole[:50], b"PK\x03\x04" + bytes(60), b"\x80\x02}q.", b"<html>", bytes(4096)]
    for number in range(80):
        (tmp_path / "zoo" / f"bad-{number:03d}.pt").write_bytes(kinds[number % len(kinds)])
    _, report = take_in(store := Store(tmp_path / "workspace", tmp_path / "gallery"), tmp_path / "zoo")
    assert report.kept == N and len(report.left) == 80 and sum(count for _, count, _ in report.reasons()) == 80
    assert len(report.reasons()) <= len(kinds) and len(report.lines()) < 12
    assert list(store.open("zoo-x").table("left_out.parquet")["member"]) == [f"bad-{number:03d}.pt" for number in range(80)]
    assert np.array_equal(load_zoo(store, "zoo-x").parameters_NP.numpy(), rows_NP)


def test_a_job_that_is_stopped_resumes_with_the_same_bits(tmp_path):
    rows_NP = rows_of(N)
    checkpoints(tmp_path / "zoo", rows_NP, lambda member: f"n{member}.pt")
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    config = {"path": str(tmp_path / "zoo"), "architecture": ARCH, "dataset": "digits"}
    spec = specs.parse({"kind": "import", "id": "zoo-x", "config": config})
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
