"""Readers in a process with limits, and the one way in which their failures become a sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from engine.core import warm
from engine.core.boundary import untrusted
from engine.core.errors import CorruptArtifact, InvalidValue, Stopped
from engine.core.limits import Limits, limited

SMALL = Limits(memory=2 << 30, cpu=2, wall=20, output=8 << 20)


@pytest.fixture(params=["fork", "process"])
def either(request, monkeypatch):
    """Both ways to start a reader: where there are no forks, it imports everything anew."""
    monkeypatch.setattr(warm, "USABLE", request.param == "fork")


def test_what_a_reader_returns_and_tells_arrives(either):
    heard = []
    said, arrays = limited("tests.readers:double", {"number": 21}, "x", SMALL, hear=heard.append)
    assert said == {"number": 42} and heard == ["half-way"]
    assert np.array_equal(arrays["x"], np.full((2, 3), 21, np.float32))


def test_arrays_arrive_however_they_lie_in_memory():
    rows = np.arange(24, dtype=np.float32).reshape(4, 6)
    _, arrays = limited("tests.readers:turned", {}, "x", SMALL)
    assert np.array_equal(arrays["transposed"], rows.T) and np.array_equal(arrays["part"], rows[:, ::2])


@pytest.mark.parametrize(
    ("reader", "error", "sentence"),
    [("damaged", CorruptArtifact, "It is damaged. Make it again."), ("own", InvalidValue, "chair.obj has no legs.")],
)
def test_a_readers_own_error_is_raised_again(reader, error, sentence, either):
    with pytest.raises(error) as found:
        limited(f"tests.readers:{reader}", {}, "x", SMALL)
    assert str(found.value) == sentence


@pytest.mark.parametrize(
    ("reader", "given", "sentence"),
    [
        ("spin", {}, "processor time"),
        ("swallow", {"gib": 3}, "memory"),
        ("crash", {}, "stopped unexpectedly"),
        ("surprise", {}, "stopped unexpectedly"),
    ],
)
def test_a_limit_or_a_crash_becomes_a_sentence_that_names_the_file(reader, given, sentence):
    with pytest.raises(InvalidValue, match=sentence) as found:
        limited(f"tests.readers:{reader}", given, "chair.obj", SMALL)
    assert "chair.obj" in str(found.value)


def test_readers_side_by_side_get_their_own_answers():
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: limited("tests.readers:double", {"number": number}, "x", SMALL)[0]["number"], range(12)))
    assert answers == [2 * number for number in range(12)]


def test_a_reader_sees_the_environment_of_today(monkeypatch):
    for value in ("one", "two"):
        monkeypatch.setenv("EXPLORER_TRIED", value)
        assert limited("tests.readers:variable", {"name": "EXPLORER_TRIED"}, "x", SMALL)[0] == value


def test_what_a_reader_does_to_itself_is_gone_with_it():
    assert [limited("tests.readers:count", {}, "x", SMALL)[0] for _ in range(2)] == [1, 1]


@pytest.mark.skipif(not warm.USABLE, reason="forks are for Linux")
def test_where_the_process_that_forks_was_killed_another_takes_its_place():
    limited("tests.readers:double", {"number": 1}, "x", SMALL)
    before = warm._parents[0].process
    os.kill(before.pid, signal.SIGKILL)
    assert limited("tests.readers:double", {"number": 1}, "x", SMALL)[0] == {"number": 2}
    assert warm._parents[0].process.pid != before.pid


@pytest.mark.skipif(not warm.USABLE, reason="forks are for Linux")
def test_the_process_that_forks_has_no_thread_that_a_fork_would_lose():
    for reader in ("engine.nets.reading:none", "engine.tasks.distances.reading:none", "engine.zoos.reading:none"):
        with pytest.raises(InvalidValue):
            limited(reader, {}, "x", SMALL)
    tasks = Path(f"/proc/{warm._parents[0].process.pid}/task").iterdir()
    names = sorted((each / "comm").read_text().strip() for each in tasks)
    assert [name for name in names if "jemalloc" not in name] == names[-1:]  # jemalloc (pyarrow's) starts its own again in a fork


def test_what_a_reader_may_take_is_enough_for_a_modest_one():
    assert limited("tests.readers:swallow", {"gib": 0.0005}, "x", SMALL)[1]["x"].nbytes > 100_000


def test_a_reader_that_waits_meets_the_clock():
    with pytest.raises(InvalidValue, match="longer than 1 s"):
        limited("tests.readers:sleep", {}, "x", Limits(wall=1))


def test_a_reader_cannot_fill_the_disk(tmp_path):
    with pytest.raises(InvalidValue):
        limited("tests.readers:flood", {"path": str(tmp_path / "flood")}, "x", SMALL)
    assert (tmp_path / "flood").stat().st_size <= SMALL.output


def test_stop_ends_a_reader_long_before_its_limits():
    began = time.monotonic()
    with pytest.raises(Stopped):
        limited("tests.readers:sleep", {}, "x", Limits(wall=300), stop=lambda: time.monotonic() - began > 0.2)
    assert time.monotonic() - began < 100


@pytest.mark.parametrize(
    "cause", [RecursionError(), OverflowError("too large"), TypeError("no\nyes"), KeyError("name"), MemoryError(), OSError(5, "x")]
)
def test_any_failure_of_a_reader_becomes_the_named_error_and_keeps_its_cause(cause):
    with pytest.raises(CorruptArtifact, match=r"^chair\.obj cannot be read \(.+\)\. Export it again\.$") as found:
        with untrusted("chair.obj", CorruptArtifact, "Export it again."):
            raise cause
    assert found.value.__cause__ is cause


def test_a_sentence_for_the_person_passes_as_it_is_and_an_interrupt_too():
    with pytest.raises(InvalidValue, match="^A sentence.$"), untrusted("x", CorruptArtifact):
        raise InvalidValue("A sentence.")
    with pytest.raises(KeyboardInterrupt), untrusted("x"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_reader_ends_with_the_process_that_wants_its_answer(tmp_path, how):
    told = tmp_path / "told"
    program = (
        f"from engine.core.limits import *\nlimited('tests.readers:linger', {{'told': {str(told)!r}}}, 'x', Limits(cpu=100, wall=300))"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL, preexec_fn=hearing_interrupts)
    reader = _within(60, lambda: told.is_file() and told.read_text())
    assert _alive(int(reader))
    parent.send_signal(how)
    parent.wait(60)
    assert _within(10, lambda: not _alive(int(reader))), "it goes on alone"


def hearing_interrupts() -> None:
    """A test that runs in the background inherits a SIGINT that is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _alive(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def _within(seconds: float, found):
    until = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < until:
        time.sleep(0.05)
    return value
