"""Stop works while a person's file is read, wherever it is read."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trimesh

from engine.host.placing import ReadingJob
from tests.shape_files import ply, table

ROOT = Path(__file__).resolve().parents[2]


def ended(job: ReadingJob) -> ReadingJob:
    until = time.monotonic() + 120
    while job.shown is None and job.error is None:
        assert time.monotonic() < until, "it never ended"
        time.sleep(0.02)
    return job


def test_a_file_is_read_for_the_page_or_said_to_be_broken():
    read = ended(ReadingJob("table.ply", ply(table(), "ascii")).start())
    assert read.error is None and read.shown.faces_F3.shape == (72, 3) and read.notes == []
    broken = ended(ReadingJob("sheet.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n").start())
    assert "sheet.obj" in broken.error and "encloses nothing" in broken.error


def test_the_pages_reading_can_be_stopped():
    job = ReadingJob("table.ply", ply(table(), "ascii"))
    job.stop()
    assert ended(job.start()).error == "Reading table.ply was stopped."


def hearing_interrupts() -> None:
    """A test that runs in the background inherits a SIGINT that is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize("after", [0.0, 2.0])
def test_an_interrupt_before_the_first_steps_ends_the_fit_at_once(tmp_path, after):
    """While it starts, or while it reads: nothing is there to keep."""
    heavy = trimesh.exchange.obj.export_obj(trimesh.creation.icosphere(subdivisions=7)).encode()
    (tmp_path / "heavy.obj").write_bytes(heavy)
    command = [sys.executable, "-m", "engine.tasks.distances.fit_process", "heavy.obj", "siren-small", str(tmp_path / "out"), "y", "0"]
    with (tmp_path / "heavy.obj").open("rb") as given:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hearing_interrupts
        )
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode and said == "" and not (tmp_path / "out").exists()
