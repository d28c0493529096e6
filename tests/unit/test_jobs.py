"""Specs, forms, folders and the queue, without a worker."""

from __future__ import annotations

import json
import os
import time

import pytest

from engine import presets
from engine.core.artifacts import Store
from engine.core.config import changed, fields_of
from engine.core.errors import InvalidValue, Stopped, UnknownId
from engine.jobs import backends, signs, specs, views
from engine.jobs.folder import Folder, Reporter
from engine.jobs.queue import Queue, birth, gone, identity
from engine.jobs.signs import FROZEN, LEASE
from engine.learn.config import LsoConfig
from tests.clocks import set_clock
from tests.commands import call as run
from tests.tiny_jobs import lso_spec, zoo_spec

DEAD = f"{os.uname().nodename}:4194300:1"  # a pid above any that the kernel gives


@pytest.fixture
def queue(tmp_path) -> Queue:
    return Queue(tmp_path)


# ---- specs and forms


@pytest.mark.parametrize("name", presets.presets())
def test_every_preset_survives_its_form_and_its_spec(name):
    config = presets.config(name)
    as_json = json.loads(json.dumps({field.name: field.value for field in fields_of(config)}))
    assert changed(config, as_json) == config
    spec = specs.parse(json.loads(json.dumps({"kind": "train", "preset": name, "config": as_json})))
    assert specs.config_of(spec) == config and spec["id"] == name
    assert specs.command(spec) == ["train", name]


def test_fields_have_the_types_and_the_words_of_the_dataclass():
    fields = {field.name: field for field in fields_of(presets.config("netspace-digits"))}
    assert (
        fields["lr"].type is float
        and fields["steps"].type is int
        and fields["cosine"].type is bool
        and fields["decoder_channels"].type is tuple
    )
    assert fields["start"].choices == ("paper", "zoo") and "zoo's spread" in fields["start"].told.help
    assert fields["images"].told.title == "Batch size (images)"


def test_another_config_has_another_name_and_an_equal_one_the_same():
    changed_steps = specs.parse({"kind": "train", "preset": "zoo-digits", "config": {"steps_max": 40}})
    again = specs.parse({"config": {"steps_max": 40}, "preset": "zoo-digits", "kind": "train"})
    assert changed_steps["id"].startswith("zoo-digits-") and specs.digest(changed_steps) == specs.digest(again)
    assert specs.digest(changed_steps) != specs.digest(specs.parse({"kind": "train", "preset": "zoo-digits"}))
    assert "--steps-max" in specs.command(changed_steps)


@pytest.mark.parametrize(
    "raw",
    [
        None, [], {}, {"kind": "rm"}, {"kind": "train"}, {"kind": "train", "preset": "no-such"}, {"kind": "lso"},
        {"kind": "lso", "config": []},
        {"kind": "lso", "config": {"space": "s"}}, {"kind": "lso", "config": {"space": "s", "a": "x", "xy": [0, 0]}},
        {"kind": "lso", "config": {"space": "s", "xy": [1]}},
        {"kind": "lso", "config": {"space": "s", "a": "x", "steps": 0}},
        {"kind": "lso", "config": {"space": "s", "a": "x", "steps": 1.5}},
        {"kind": "lso", "config": {"space": "s", "a": "x", "steps": True}},
        {"kind": "lso", "config": {"space": "s", "a": "x", "lr": float("nan")}},
        {"kind": "lso", "config": {"space": "s", "a": "x", "objective": "rm"}}, {"kind": "lso", "config": {"space": 5, "a": "x"}},
        {"kind": "lso", "config": {"space": "s", "a": "x" * 501}}, {"kind": "lso", "config": {"space": "s", "a": "x", "surprise": 1}},
        {"kind": "train", "preset": "zoo-digits", "id": "../../etc"},
        {"kind": "train", "preset": "zoo-digits", "config": {"lr": "fast"}},
        {"kind": "train", "preset": "zoo-digits", "config": {"batch": 0}},
    ],
    ids=lambda raw: json.dumps(raw)[:50],
)  # fmt: skip
def test_a_wrong_spec_is_refused(raw):
    with pytest.raises((InvalidValue, UnknownId)):
        specs.parse(raw)


def test_an_lso_is_told_by_its_start():
    assert specs.config_of(lso_spec("s", "x")) == LsoConfig("s", "x", steps=60, batch=64)
    placed = specs.parse({"kind": "lso", "config": {"space": "s", "xy": [1, 2.5]}})
    assert specs.config_of(placed).xy == (1, 2.5) and "place of the map" in specs.title(placed)


# ---- folders


def test_a_torn_line_is_no_point_and_a_resumed_run_takes_back_what_it_measures_again(tmp_path):
    reporter = Reporter(tmp_path / "job", {})
    reporter.EVERY = 0.0
    on_step = reporter.progress("stage", 10)
    for step in range(1, 7):
        on_step(step, {"loss": float(step)})
    with open(tmp_path / "job" / "metrics.jsonl", "ab") as file:
        file.write(b'{"stage": "stage", "st')
    assert [point["step"] for point in Folder(tmp_path / "job").metrics()] == [1, 2, 3, 4, 5, 6]
    again = Reporter(tmp_path / "job", {})
    again.EVERY = 0.0
    on_step = again.progress("stage", 10)
    for step in range(4, 11):
        on_step(step, {"loss": float(-step)})
    points = Folder(tmp_path / "job").metrics()
    assert [point["step"] for point in points] == list(range(1, 11)) and [point["loss"] for point in points][2:4] == [3.0, -4.0]
    assert [point["step"] for point in Folder(tmp_path / "job").metrics(since=8)] == [9, 10]


def test_stages_are_counted_on_and_found_again(tmp_path):
    for _ in range(2):  # the second time as after a restart in the second stage
        reporter = Reporter(tmp_path / "job", {})
        reporter.EVERY = 0.0
        if not reporter.metrics():
            zoo = reporter.progress("zoo", 3)
            [zoo(step, {"loss": 1.0}) for step in (1, 2, 3)]
        space = reporter.progress("space", 2)
        [space(step, {"loss": 2.0}) for step in (1, 2)]
        assert [(point["stage"], point["step"], point["at"]) for point in reporter.metrics()] == [
            ("zoo", 1, 1),
            ("zoo", 2, 2),
            ("zoo", 3, 3),
            ("space", 4, 1),
            ("space", 5, 2),
        ]


def test_a_stop_is_raised_after_the_step_is_told(tmp_path):
    reporter = Reporter(tmp_path / "job", {}, stop=lambda: True)
    with pytest.raises(Stopped):
        reporter.progress("stage", 5)(1, {"loss": float("nan")})
    assert reporter.metrics()[0]["loss"] is None and reporter.status()["step"] == 1


# ---- the queue


def test_a_live_spec_is_one_job_and_an_ended_one_is_new(queue):
    job, attached = queue.submit(zoo_spec())
    assert not attached and queue.submit(zoo_spec()) == (job, True)
    other, _ = queue.submit(zoo_spec(1))
    assert other.id != job.id
    queue.stop(job.id)
    assert queue.job(job.id).state == "stopped" and not queue.submit(zoo_spec())[1]


def test_one_worker_a_slot_and_one_job_a_worker(queue):
    me = identity()
    assert queue.sit(["slot"], me) == "slot" and queue.sit(["slot"], f"{me}0") is None and queue.sit(["slot", "other"], f"{me}0") == "other"
    first, second = queue.submit(zoo_spec(0))[0], queue.submit(zoo_spec(1))[0]
    assert queue.claim("slot", me).id == first.id and queue.claim("other", me) is None  # not its slot
    assert queue.job(second.id).state == "queued"
    assert queue.beat(me, first.id) == (True, False)
    queue.stop(first.id)
    assert queue.beat(me, first.id) == (True, True) and queue.job(first.id).state == "running"
    queue.finish(first.id, me, "stopped")
    assert queue.claim("slot", me).id == second.id


def test_the_job_of_a_dead_worker_goes_on_once_then_has_failed(queue):
    queue.sit(["slot"], DEAD)
    job, _ = queue.submit(zoo_spec())
    later, _ = queue.submit(zoo_spec(1))
    with queue._writing() as db:
        db.execute("UPDATE jobs SET state = 'running', worker = ?, lease = ? WHERE id = ?", (DEAD, 99, job.id))
    assert queue.sweep() == 1 and queue.sweep() == 0
    assert queue.job(job.id).state == "queued" and "resumed" in queue.job(job.id).reason
    me = identity()
    assert queue.sit(["slot"], me) == "slot", "a dead worker's slot is free"
    assert queue.claim("slot", me).id == job.id, "it keeps its place before later ones"
    queue.died(job.id, me, "its process was ended by signal 9")
    assert queue.job(job.id).state == "failed" and "second time" in queue.job(job.id).reason
    assert queue.resume(job.id).state == "queued" and queue.job(job.id).deaths == 0
    assert queue.job(later.id).state == "queued"


def test_a_worker_that_lost_its_job_can_say_nothing_about_it(queue):
    queue.sit(["slot"], DEAD)
    job, _ = queue.submit(zoo_spec())
    with queue._writing() as db:
        db.execute("UPDATE jobs SET state = 'running', worker = ?, lease = 0 WHERE id = ?", (DEAD, job.id))
    queue.sweep()
    me = identity()
    queue.sit(["slot"], me)
    queue.claim("slot", me)
    assert queue.beat(DEAD, job.id) == (False, False)
    queue.finish(job.id, DEAD, "done")
    queue.died(job.id, DEAD, "late")
    assert queue.job(job.id).state == "running" and queue.job(job.id).worker == me


@pytest.fixture
def clock(monkeypatch):
    """The observer's own clock, as a list of one number of seconds."""
    now = [1000.0]
    set_clock(monkeypatch, signs, monotonic=lambda: now[0])
    monkeypatch.setattr(signs, "_seen", {})
    return now


ELSEWHERE = (
    "elsewhere:1:1",
    f"elsewhere:{os.getpid()}:1@abc.1",
    f"{os.uname().nodename}:{os.getpid()}:1@anotherboot.1",
    "no identity",
    "a:b:c",
)


def test_on_this_machine_the_process_and_its_birth_decide(clock, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: pytest.fail("no wall clock is asked"))
    assert not gone(identity(), 7)
    clock[0] += FROZEN - 1
    assert not gone(identity(), 7), "a slow worker of this machine is not dead"
    clock[0] += 2
    assert gone(identity(), 7), "one that does nothing is"
    assert not gone(identity(), 8), "a beat is a sign of life"
    assert gone(DEAD, 7) and gone(f"{os.uname().nodename}:{os.getpid()}:1@{signs.machine()}", 7), "a pid that came back is another process"
    assert birth(os.getpid()) and birth(4194300) is None


@pytest.mark.parametrize("worker", ELSEWHERE, ids=range(len(ELSEWHERE)))
def test_elsewhere_beats_decide_as_whoever_asks_sees_them(clock, worker):
    assert not gone(worker, 1) and not gone(worker, 1), "who asks for the first time knows nothing"
    clock[0] += LEASE - 1
    assert not gone(worker, 1)
    clock[0] += 2
    assert gone(worker, 1) and not gone(worker, 2) and not gone(worker, 1, "another queue's")


@pytest.mark.parametrize("step", [-1e9, -120.0, 120.0, 1e9])
def test_a_clock_that_is_set_kills_no_job(queue, monkeypatch, step):
    """Neither this machine's workers nor those of others."""
    real, me = time.time, identity()
    queue.sit(["slot"], me)
    job, _ = queue.submit(zoo_spec())
    queue.claim("slot", me)
    there, _ = queue.submit(zoo_spec(1))
    with queue._writing() as db:
        db.execute("UPDATE jobs SET state = 'running', worker = 'elsewhere:1:1', lease = 3 WHERE id = ?", (there.id,))
    with queue._writing() as db:
        db.execute("INSERT INTO slots VALUES ('other', 'elsewhere:1:1', 3)")
    assert queue.sweep() == 0
    monkeypatch.setattr(time, "time", lambda: real() + step)
    assert queue.sweep() == 0 and queue.beat(me, job.id) == (True, False) and len(queue.workers()) == 2
    assert [queue.job(each.id).state for each in (job, there)] == ["running", "running"]


def test_only_what_has_ended_can_be_deleted_or_go_on(queue):
    job, _ = queue.submit(zoo_spec())
    for refused in (queue.delete, queue.resume):
        with pytest.raises(InvalidValue):
            refused(job.id)
    queue.stop(job.id)
    twin, _ = queue.submit(zoo_spec())
    with pytest.raises(InvalidValue, match=twin.id):
        queue.resume(job.id)
    queue.folder_of(job.id).mkdir()
    queue.delete(job.id)
    assert not queue.folder_of(job.id).exists()
    with pytest.raises(UnknownId):
        queue.job(job.id)


def test_a_worker_that_leaves_gives_its_job_back(queue):
    me = identity()
    queue.sit(["slot"], me)
    job, _ = queue.submit(zoo_spec())
    queue.claim("slot", me)
    queue.leave(me)
    assert queue.job(job.id).state == "queued" and queue.job(job.id).deaths == 0 and queue.workers() == {}


def test_many_newer_jobs_hide_none_that_waits(queue, tmp_path):
    store = Store(tmp_path, tmp_path / "gallery")
    oldest, _ = queue.submit(lso_spec("space", "x"))
    for seed in range(230):
        job, _ = queue.submit(zoo_spec(seed))
        queue.stop(job.id)
    assert oldest.id in [job.id for job in queue.jobs()] and len(queue.jobs()) == 200
    assert [row["id"] for row in views.live(store)][0] == oldest.id
    assert [row["id"] for row in views.listed(store, 5, "lso", "space")] == [oldest.id] and views.listed(store, 5, "lso", "other") == []
    assert queue.waits()
    queue.stop(oldest.id)
    assert not queue.waits() and [row["id"] for row in views.listed(store, 5, "lso", "space")] == [oldest.id]


def test_two_trainings_of_one_name_do_not_meet(queue):
    """They would share a checkpoint, and the later one would be refused at the end."""
    job, _ = queue.submit(zoo_spec())
    other = {**zoo_spec(1), "id": job.spec["id"]}
    with pytest.raises(InvalidValue, match=job.id):
        queue.submit(other)
    queue.stop(job.id)
    other, _ = queue.submit(other)
    with pytest.raises(InvalidValue, match=other.id):
        queue.resume(job.id)


@pytest.mark.parametrize(("text", "address"), [("local", ""), ("ray://head:8265", "head:8265"), ("ray://10.0.0.1", "10.0.0.1:8265")])
def test_where_jobs_run(text, address):
    assert backends.address_of(text) == address


@pytest.mark.parametrize("text", ["http://x", "ray://", "ray://x:y", "ray://x;rm -rf", "ssh://x"])
def test_where_jobs_cannot_run(text):
    with pytest.raises(InvalidValue):
        backends.address_of(text)


# ---- the command line


@pytest.fixture
def call(tmp_path, capsys):
    """Run a command with --json: (exit code, the object on standard output, standard error)."""
    return lambda *arguments: run(capsys, tmp_path, *arguments)


def test_the_command_lists_shows_stops_and_deletes(call, queue):
    assert call("jobs") == (0, {"jobs": [], "workers": {}}, "")
    job, _ = queue.submit(zoo_spec())
    code, value, _ = call("jobs")
    assert code == 0 and [(row["id"], row["state"], row["step"]) for row in value["jobs"]] == [(job.id, "queued", 0)]
    assert call("jobs", "show", job.id)[1]["spec"] == job.spec
    assert call("jobs", "stop", job.id)[1]["state"] == "stopped"
    assert call("jobs", "delete", job.id)[1] == {"deleted": job.id} and queue.jobs() == []


@pytest.mark.parametrize(
    "arguments",
    [("jobs", "show"), ("jobs", "show", "no-such"), ("jobs", "list", "--surprise"), ("jobs", "keep", "no-such"),
    ("lso", "no-such", "x"), ("lso", "netspace-digits"), ("lso", "netspace-digits", "x", "--space", "y"),
    ("lso", "netspace-digits", "x", "--steps", "0")],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_use_is_one_line_and_two(call, queue, arguments):
    code, value, error = call(*arguments)
    assert (code, value) == (2, None) and error.count("\n") == 1 and "Traceback" not in error and len(error) > 20
    assert not queue.exists or queue.jobs() == []
