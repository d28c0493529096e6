"""Rows that no queue of ours has written, and a queue in which hundreds wait."""

from __future__ import annotations

import json
import sqlite3

import pytest

from engine.core.artifacts import Store
from engine.core.errors import ExplorerError
from engine.jobs import specs, views
from engine.jobs.queue import Queue


def spec(number: int, **more) -> dict:
    return specs.parse({"kind": "train", "preset": "zoo-digits", "id": f"zoo-{number}", "config": {"seed": number}, **more})


def spoil(queue: Queue, what: str) -> None:
    with sqlite3.connect(queue.folder / "queue.sqlite") as connection:
        connection.execute(f"UPDATE {what}")
    connection.close()


SPOILT = (
    "jobs SET state = 'running', worker = x'00'",
    "jobs SET state = 'running', worker = 'h:1:2', lease = x'00'",
    "jobs SET state = 'running', worker = '::'",
    "jobs SET created = 9e999",
    "jobs SET started = 9e999",
    "jobs SET ended = -9e999, state = 'done'",
    "jobs SET created = 1e300",
    "jobs SET reason = char(10)",
    "slots SET worker = x'00'",
    "slots SET lease = x'00'",
)


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_row_is_shown_and_can_be_deleted_and_the_queue_goes_on(tmp_path, what):
    store, queue = Store(tmp_path), Queue(tmp_path)
    job, _ = queue.submit(spec(1))
    assert queue.sit(["cpu"], "host:1:2@3") == "cpu"
    spoil(queue, what)
    assert job.id in json.dumps(views.listed(store), allow_nan=False)
    for answer in (views.live(store), views.whole(store, job.id), queue.workers(), queue.sweep()):
        json.dumps(answer, allow_nan=False)
    queue.submit(spec(2))
    queue.sit(["cpu"], "other:1:2@3")
    queue.stop(job.id)
    try:
        queue.delete(job.id)
    except ExplorerError as error:
        assert "has not finished" in str(error)


@pytest.mark.parametrize("name", ("../outside", "../../outside", "/tmp/outside", "..", ".", ""))
def test_a_row_names_no_folder_outside_of_the_queues(tmp_path, name):
    queue = Queue(tmp_path)
    assert queue.folder_of(name).parent == queue.folder and queue.folder_of(name) != queue.folder
    assert queue.folder_of("train-0001") == queue.folder / "train-0001"


def test_a_submission_reads_no_row_of_another_name(tmp_path, monkeypatch):
    """With 500 that waited, each read the specs of them all under the lock, and 500 submissions took 40 s."""
    queue, read = Queue(tmp_path), []
    for number in range(20):
        queue.submit(spec(number))
    stored = specs.stored
    monkeypatch.setattr(specs, "stored", lambda text: read.append(text) or stored(text))
    queue.submit(spec(20))
    assert len(read) == 1, "its own, which is the answer"
    assert len(queue.jobs(limit=5)) == 21, "those that wait are listed all"
    with pytest.raises(ExplorerError, match="is making zoo-3 with other settings"):
        queue.submit(spec(21, id="zoo-3"))
