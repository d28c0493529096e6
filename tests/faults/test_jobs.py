"""Jobs under kills, full disks and crowds. Figures are printed (pytest -s shows them). EXPLORER_FULL_FAULTS=1 runs the full counts."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.core.artifacts import Store, load_checkpoint
from engine.core.config import digest
from engine.jobs import specs
from engine.jobs.backends import Keeper
from engine.jobs.folder import Folder
from engine.jobs.queue import Queue
from engine.make import checkpoint_path
from tests.serving import get
from tests.tiny_jobs import ROOT, ended, kill, lso_spec, pid_of, status, wait_for, worker, zoo_spec

FULL = bool(os.environ.get("EXPLORER_FULL_FAULTS"))
KILLS = 50 if FULL else 3
OFTEN = {"EXPLORER_CHECKPOINT_SECONDS": "0.05"}


@pytest.fixture
def store(tmp_path) -> Store:
    (tmp_path / "workspace").mkdir()
    return Store(tmp_path / "workspace", tmp_path / "gallery")


@pytest.fixture
def queue(store) -> Queue:
    return Queue(store.workspace)


def made(store: Store, spec: dict) -> dict:
    """Hashes of what a training made; it is checked first."""
    assert store.verify(spec["id"]) == []
    return {name: entry["sha256"] for name, entry in store.open(spec["id"]).manifest.files.items()}


def checkpoint_of(store: Store, spec: dict) -> int:
    """The step of a training's checkpoint; -1 where there is none. It must load."""
    path = checkpoint_path(store, spec["id"])
    if not path.is_file():
        return -1
    found = load_checkpoint(path, digest(specs.config_of(spec)))
    assert found is not None, "an unreadable checkpoint"
    return found[0]


def test_a_job_killed_at_random_moments_ends_as_if_it_had_not_been(store, queue):
    spec, moments, lost, met, tries = zoo_spec(steps=300), random.Random(0), [], 0, 0
    with worker(store, **OFTEN):
        job = ended(queue, queue.submit(spec)[0])
        assert job.state == "done", job.reason
        reference, seconds = made(store, spec), store.open(spec["id"]).manifest.provenance["seconds"]
        while met < KILLS and (tries := tries + 1) <= 4 * KILLS:  # a kill that comes after the job's last step met nothing
            job, _ = queue.submit(spec)
            pid = wait_for(lambda: pid_of(queue, job), "for the job to begin")
            wait_for(lambda: status(queue, job).get("step", 0) > 0 or not queue.job(job.id).live)
            time.sleep(moments.random() * seconds)
            path = checkpoint_path(store, spec["id"])
            kill(pid)
            lost.append(time.time() - path.stat().st_mtime if path.is_file() else time.time() - status(queue, job)["heartbeat"])
            checkpoint_of(store, spec)
            assert store.broken() == {}
            job = ended(queue, job)
            assert job.state == "done", job.reason
            met += job.deaths
            assert made(store, spec) == reference
    assert met == KILLS, f"only {met} of {tries} kills met a job at work"
    print(
        f"\n{tries} kills, {met} of jobs at work: 0 unreadable artifacts, at most {max(lost):.2f} s of work lost (a checkpoint every 0.05 "
        "s here, every 20 s by default), every end bit-identical"
    )


def test_a_job_whose_process_dies_twice_has_failed_and_resumes(store, queue):
    spec = zoo_spec(steps=20_000)
    with worker(store, **OFTEN):
        job, _ = queue.submit(spec)
        for deaths in (1, 2):
            pid = wait_for(
                lambda: (pid := pid_of(queue, job)) and queue.job(job.id).deaths == deaths - 1 and checkpoint_of(store, spec) > 0 and pid
            )
            kill(pid)
            wait_for(lambda: queue.job(job.id).deaths == deaths)
        job = ended(queue, job)
        assert job.state == "failed" and "signal 9" in job.reason and "second time" in job.reason
        step = checkpoint_of(store, spec)
        assert step > 0
        queue.resume(job.id)
        wait_for(lambda: status(queue, job).get("step", 0) > step)
        queue.stop(job.id)
        assert ended(queue, job).state == "stopped"
        steps = [point["step"] for point in Folder(queue.folder_of(job.id)).metrics()]
        assert steps == sorted(set(steps))


def test_a_dead_worker_is_noticed_and_another_goes_on(store, queue):
    spec = zoo_spec(steps=20_000)
    job, _ = queue.submit(spec)
    keeper = Keeper(store)
    try:
        first = wait_for(lambda: pid_of(queue, job) and queue.workers())
        wait_for(lambda: checkpoint_path(store, spec["id"]).parent.parent.exists() or status(queue, job)["step"] > 20)
        child, parent = pid_of(queue, job), int(next(iter(first.values())).split(":")[1])
        kill(parent)
        killed = time.monotonic()
        wait_for(lambda: queue.job(job.id).deaths == 1 or queue.job(job.id).state == "queued")
        noticed = time.monotonic() - killed
        wait_for(lambda: not Path(f"/proc/{child}").exists() or child != pid_of(queue, job), "for the dead worker's child to be gone")
        second = wait_for(lambda: (found := queue.workers()) != first and found)
        assert len(second) == 1
        queue.stop(job.id)
        assert ended(queue, job).state == "stopped"
    finally:
        keeper.close()
        for each in queue.workers().values():
            os.kill(int(each.split(":")[1]), 15)
    print(f"\na killed worker was noticed after {noticed:.1f} s (the bar: 15 s)")


def serve(store: Store) -> tuple[subprocess.Popen, int]:
    """`python -m engine serve` on a free port."""
    command = [sys.executable, "-m", "engine", "serve", "--port", "0", "--workspace", str(store.workspace), "--device", "cpu"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE, text=True)
    return process, int(process.stderr.readline().split("/api/health")[0].rsplit(":", 1)[1])


def test_a_killed_server_leaves_its_job_at_work(store, queue):
    spec = zoo_spec(steps=20_000)
    with worker(store):
        server, _ = serve(store)
        job, _ = queue.submit(spec)
        wait_for(lambda: pid_of(queue, job))
        server.kill(), server.wait(), server.stderr.close()
        step = status(queue, job)["step"]
        wait_for(lambda: status(queue, job)["step"] > step, "for the job to go on without its server")
        server, port = serve(store)
        began = time.monotonic()
        try:
            code, body, _ = get(port, f"/api/jobs/{job.id}")
            shown, seen = json.loads(body), time.monotonic() - began
            assert code == 200 and shown["state"] == "running" and shown["metrics"] and shown["restarts"] == 0
            assert len(json.loads(get(port, "/api/jobs")[1])["jobs"]) == 1
        finally:
            server.terminate(), server.wait(), server.stderr.close()
        queue.stop(job.id)
        assert ended(queue, job).state == "stopped"
    print(f"\na new server showed the job {seen:.2f} s after it was up (the bar: 5 s)")


def test_a_full_disk_fails_the_job_and_spares_its_checkpoint(store, queue):
    spec = zoo_spec(steps=4000, train=60, stack=64)  # a checkpoint of 2.5 MB
    with worker(store, **OFTEN):
        job, _ = queue.submit(spec)
        wait_for(lambda: checkpoint_path(store, spec["id"]).is_file())
        queue.stop(job.id)
        ended(queue, job)
    step = checkpoint_of(store, spec)
    before = hashlib.sha256(checkpoint_path(store, spec["id"]).read_bytes()).hexdigest()
    limited = [
        "bash",
        "-c",
        'ulimit -f 1500; exec "$@"',
        "-",
        sys.executable,
        "-m",
        "engine",
        "worker",
        "--workspace",
        str(store.workspace),
        "--device",
        "cpu",
    ]
    process = subprocess.Popen(limited, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", **OFTEN}, stderr=subprocess.DEVNULL)
    try:
        queue.resume(job.id)
        job = ended(queue, job)
        seconds = job.ended - status(queue, job)["heartbeat"]  # since it last told of a step
    finally:
        process.terminate(), process.wait()
    assert job.state == "failed" and "File too large" in job.reason and "unchanged" in job.reason
    assert checkpoint_of(store, spec) == step > 0
    assert hashlib.sha256(checkpoint_path(store, spec["id"]).read_bytes()).hexdigest() == before
    print(f"\na full disk failed the job {seconds:.2f} s after its last step (the bar: 5 s): {job.reason}")


def launch(work: tuple[str, list[dict]]) -> list[tuple[str, bool]]:
    queue = Queue(work[0])
    return [(job.id, attached) for job, attached in map(queue.submit, work[1])]


def test_many_launches_of_one_spec_are_one_job(store, queue):
    spec = zoo_spec()
    with multiprocessing.get_context("fork").Pool(8) as pool:
        found = sum(pool.map(launch, [(str(store.workspace), [spec] * 25)] * 8), [])
    assert len(found) == 200 and {id_ for id_, _ in found} == {found[0][0]}
    assert sum(not attached for _, attached in found) == 1 and len(queue.jobs()) == 1


def test_different_specs_are_jobs_of_their_own_taken_in_order(store, queue):
    every = [zoo_spec(seed) for seed in range(20)]
    with multiprocessing.get_context("fork").Pool(8) as pool:
        found = sum(pool.map(launch, [(str(store.workspace), [spec]) for spec in every]), [])
    assert len({id_ for id_, _ in found}) == len(queue.jobs()) == 20
    assert queue.sit(["here/cpu"], me := f"{os.uname().nodename}:1:{Path('/proc/1/stat').read_text().rpartition(')')[2].split()[19]}")
    order = []
    while (job := queue.claim("here/cpu", me)) is not None:
        order.append(job.number)
        queue.finish(job.id, me, "done")
    assert order == sorted(order) and len(order) == 20


def test_a_loss_that_is_no_number_stops_the_job_and_saves_nothing(tiny_store, tmp_path):
    from engine.core.errors import NonFiniteLoss
    from engine.jobs import work
    from tests.tiny import SPACE

    a = str(tiny_store.open(SPACE).table("instances.parquet")["id"][0])
    with pytest.raises(NonFiniteLoss, match="step 1"):
        work.carry_out(tiny_store, lso_spec(SPACE, a, temperature=1e-38), tmp_path / "job", lambda: False, "cpu")
    assert {path.name for path in (tmp_path / "job").iterdir()} == {"spec.json", "status.json", "metrics.jsonl"}
    for point in Folder(tmp_path / "job").metrics():
        assert "loss" not in point


@pytest.mark.skipif(not FULL, reason="timed: EXPLORER_FULL_FAULTS=1 runs it")
def test_pages_stay_fast_while_a_job_trains(store, queue):
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    def poll(port: int) -> list[float]:
        took = []
        for _ in range(40):
            began = time.monotonic()
            assert get(port, "/api/jobs?live")[0] == 200
            took.append(time.monotonic() - began)
            time.sleep(0.3)
        return took

    server, port = serve(store)
    try:
        with worker(store), ThreadPoolExecutor(20) as pool:
            wait_for(queue.workers)
            quiet = np.percentile(sum(pool.map(poll, [port] * 20), []), 95)
            job, _ = queue.submit(zoo_spec(steps=100_000, train=100, stack=64))
            wait_for(lambda: pid_of(queue, job))
            busy = np.percentile(sum(pool.map(poll, [port] * 20), []), 95)
            queue.stop(job.id)
            ended(queue, job)
    finally:
        server.terminate(), server.wait(), server.stderr.close()
    print(f"\n20 sessions: p95 {1000 * quiet:.0f} ms without a job, {1000 * busy:.0f} ms with one, ratio {busy / quiet:.2f} (the bar: 1.5)")
    assert busy <= 1.5 * quiet
