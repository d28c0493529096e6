"""The soak in small: it drives everything it says, tells figures, and says so where something is wrong."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from engine.__main__ import main
from engine.core.artifacts import Store
from engine.core.errors import DataMissing, InvalidValue
from engine.jobs.queue import Queue
from engine.jobs.signs import gone
from engine.soak import Plan, in_words, run
from engine.soak.meter import Meter, flat, quarters
from engine.soak.sessions import Sessions, rerun
from engine.soak.trains import TWICE, Trains
from tests.tiny_jobs import pid_of, wait_for, worker, zoo_spec


def test_a_short_soak_drives_all_of_it(monkeypatch):
    """Without a browser: the browser tests have theirs, and its start alone takes longer than this soak."""
    monkeypatch.setattr(Sessions, "keep", lambda self: self.alone())
    report = run(Plan(minutes=0.4, sockets=3, sessions=2, alone=1.0, period=8.0), say=lambda text: None)
    assert not report["errors"] and report["sessions"]["kind"].startswith("sockets") and report["sessions"]["begun"] > 0
    assert list(report["alone"]) == ["1", "3"]
    assert all(row["answers"] > 5 and row["p95"] >= row["median"] > 0 for row in (*report["alone"].values(), report["loaded"]))
    assert report["held"]["memory"]["last"] > 50 and report["held"]["descriptors"]["last"] > 5
    assert json.loads(json.dumps(report)) == report and "No errors." in in_words(report)


OUT_OF_BOUNDS = {"minutes": (0, 1e9, float("nan")), "sockets": (0, 10**6), "sessions": (-1, 999)}


@pytest.mark.parametrize("plan", [{name: value} for name, values in OUT_OF_BOUNDS.items() for value in values])
def test_a_soak_is_bounded(plan):
    with pytest.raises(InvalidValue):
        Plan(**plan)


def test_the_command_says_it_in_one_line(capsys):
    assert main(["soak", "--minutes", "1e9"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([500.0] * 100, True),
        ([100.0 + 40 * min(step, 50) for step in range(100)], True),  # it grew, and came to rest
        ([500.0 + 5 * step for step in range(100)], False),
        ([500.0] * 75 + [900.0] * 25, False),
        ([500.0 + 10 * (step % 7) for step in range(100)], True),
    ],
)
def test_what_flat_means(values, wanted):
    assert flat("memory", quarters(values)) == wanted


def test_an_explorer_that_ends_is_told():
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # not waited for yet: it is still listed, and holds nothing
        with pytest.raises(DataMissing, match="exited during"):
            Meter(ended.pid).begin()
    with pytest.raises(DataMissing, match="exited during"):
        Meter(ended.pid).begin()


def test_the_message_that_runs_a_page_is_streamlits():
    from streamlit.proto.BackMsg_pb2 import BackMsg

    message = BackMsg()
    message.ParseFromString(rerun("latent-map?space=netspace-digits"))
    assert (message.rerun_script.page_name, message.rerun_script.query_string) == ("latent-map", "space=netspace-digits")


def test_the_worker_that_a_soak_kills_is_the_jobs_and_the_job_goes_on(tmp_path):
    store = Store(tmp_path)
    queue, trains = Queue(tmp_path), Trains(0, tmp_path, 1.0, {})
    job, _ = queue.submit(zoo_spec(steps=100_000))
    trains.job = job.id
    assert not trains.kill(), "nobody has it yet"
    for _ in range(2):
        with worker(store):
            wait_for(lambda: pid_of(queue, job), "for the worker")
            assert trains.kill()
            wait_for(lambda: queue.job(job.id).worker is None or gone(queue.job(job.id).worker, 0), "for its end")
        queue.sweep()
    assert trains.kills == 2 and TWICE in queue.job(job.id).reason and queue.job(job.id).state == "failed"
