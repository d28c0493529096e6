"""Jobs through a real one-node Ray on loopback: the same artifacts as on this machine, also when a process is killed."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.core.artifacts import Store
from engine.jobs import specs, work
from engine.jobs.backends import Ray
from engine.jobs.queue import Queue
from tests.tiny import SPACE, write_tiny
from tests.tiny_jobs import ended, kill, lso_spec, pid_of, wait_for, zoo_spec
from tests.tiny_zoos import ARCH, checkpoints, rows_of

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install -r requirements-cluster.txt"
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def import_spec(folder: Path) -> dict:
    """Five networks, one of them broken, measured on digits."""
    paths = checkpoints(folder, rows_of(6), lambda member: f"n{member}.pt")
    paths[2].write_bytes(b"no checkpoint")
    return specs.parse({"kind": "import", "config": {"path": str(folder), "architecture": ARCH, "dataset": "digits"}})


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/api/jobs/", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[str]:
    """Address of the dashboard of a Ray head with two CPUs."""
    while 10_000 < (port := free_port()) < 20_000:  # those are Ray's own workers'
        pass
    command = [
        str(Path(sys.executable).with_name("ray")),
        "start",
        "--head",
        "--block",
        "--node-ip-address=127.0.0.1",
        "--port=0",
        "--num-cpus=2",
        "--disable-usage-stats",
    ]
    command += [
        "--dashboard-host=127.0.0.1",
        f"--dashboard-port={port}",
        "--object-store-memory=80000000",
        f"--temp-dir={tmp_path_factory.mktemp('ray', numbered=True)}",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    try:
        wait_for(lambda: answers(f"127.0.0.1:{port}") or process.poll() is not None, "for Ray to start")
        assert process.poll() is None, "Ray did not start"
        yield f"127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            pass
        with contextlib.suppress(ProcessLookupError):  # all of them have ended
            os.killpg(process.pid, signal.SIGKILL)


def test_a_zoo_and_an_lso_through_ray_are_those_of_this_machine(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_JOBS", f"ray://{cluster}")
    monkeypatch.setattr("sys.argv", ["engine"])
    there, here = (Store(tmp_path / name, tmp_path / "gallery") for name in ("there", "here"))
    for store in (there, here):
        write_tiny(store)
    a = str(here.open(SPACE).table("instances.parquet")["id"].iloc[-1])
    zoo, lso, taken = zoo_spec(steps=400), lso_spec(SPACE, a, steps=20), import_spec(tmp_path / "their-zoo")
    queue = Queue(there.workspace)
    jobs = [queue.submit(spec)[0] for spec in (zoo, lso, taken)]
    Ray(there, cluster).start()
    kill(wait_for(lambda: pid_of(queue, jobs[0]), "for the zoo to begin"))
    try:
        for job in jobs:
            found = ended(queue, job)
            assert found.state == "done", found.reason
        assert queue.job(jobs[0].id).deaths == 1
        log = (queue.folder_of(jobs[0].id) / "log.txt").read_text()
        assert "Ray cluster" in log and list(queue.folder_of(jobs[0].id).glob("stack-*")), "its stacks were Ray's tasks"
    finally:
        for worker in queue.workers().values():
            os.kill(int(worker.split(":")[1]), signal.SIGTERM)
    work.carry_out(here, zoo, tmp_path / "zoo", lambda: False, "cpu")
    work.carry_out(here, lso, tmp_path / "lso", lambda: False, "cpu")
    work.carry_out(here, taken, tmp_path / "taken", lambda: False, "cpu")
    files = [store.open(taken["id"]).manifest.files for store in (here, there)]
    assert files[0] == files[1], "somebody's zoo, read and measured as tasks"
    assert "tasks of the Ray cluster read" in (queue.folder_of(jobs[2].id) / "log.txt").read_text()
    mine, theirs = (store.open(zoo["id"]) for store in (here, there))
    assert mine.manifest.files == theirs.manifest.files and mine.manifest.config == theirs.manifest.config
    assert np.array_equal(work.found_embedding(tmp_path / "lso"), work.found_embedding(queue.folder_of(jobs[1].id)))
    results = [json.loads((folder / "result.json").read_text()) for folder in (tmp_path / "lso", queue.folder_of(jobs[1].id))]
    assert results[0] == results[1]


def test_a_cluster_that_is_not_there_is_said_in_one_sentence(tmp_path):
    from engine.core.errors import InvalidValue

    with pytest.raises(InvalidValue, match="does not answer"):
        Ray(Store(tmp_path), f"127.0.0.1:{free_port()}").start()
