"""SQLite connections are lent and come back: descriptors do not grow with threads, queues or visits."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from engine.core.errors import InvalidValue
from engine.jobs.connections import IDLE, lent
from engine.jobs.queue import Queue
from tests.tiny_jobs import zoo_spec


def held(path: Path) -> int:
    """Descriptors of this process on the queue's file, its log or shared memory."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{name}").startswith(str(path))
        except OSError:  # it was the folder's own
            pass
    return found


def opener(path: Path):
    def make() -> sqlite3.Connection:
        opened.append(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
        return opened[-1]

    opened: list[sqlite3.Connection] = []
    return make, opened


def test_threads_that_live_on_and_queues_that_are_kept_hold_no_descriptors(tmp_path):
    queues, done, leave = [Queue(tmp_path) for _ in range(20)], threading.Barrier(21), threading.Event()

    def work(queue: Queue) -> None:
        queue.jobs()
        queue.submit(zoo_spec(seed=queues.index(queue)))
        done.wait()
        leave.wait()

    threads = [threading.Thread(target=work, args=(queue,)) for queue in queues]
    for thread in threads:
        thread.start()
    done.wait()
    now = held(tmp_path)  # SQLite closes some late: a process must not drop another connection's locks
    leave.set()
    for thread in threads:
        thread.join()
    assert now <= 6 * IDLE and len(queues[0].jobs()) == 20


def test_one_is_lent_again_and_never_to_two_at_once(tmp_path):
    make, opened = opener(tmp_path / "a.sqlite")
    with lent(tmp_path / "a.sqlite", make) as first, lent(tmp_path / "a.sqlite", make) as second:
        assert first is not second
    for _ in range(5):
        with lent(tmp_path / "a.sqlite", make) as again:
            assert again in (first, second)
    assert len(opened) == 2


@pytest.mark.parametrize("error", [InvalidValue("no"), sqlite3.OperationalError("disk I/O error"), KeyboardInterrupt()])
def test_behind_an_error_it_is_closed(tmp_path, error):
    make, opened = opener(tmp_path / "a.sqlite")
    with pytest.raises(type(error)), lent(tmp_path / "a.sqlite", make):
        raise error
    with pytest.raises(sqlite3.ProgrammingError):
        opened[0].execute("SELECT 1")


@pytest.mark.parametrize("fate", ["deleted", "replaced"])
def test_one_to_a_file_that_is_gone_is_not_lent(tmp_path, fate):
    make, opened = opener(path := tmp_path / "a.sqlite")
    with lent(path, make) as db:
        db.execute("CREATE TABLE t (x)")
    path.rename(tmp_path / "b.sqlite")
    if fate == "replaced":
        sqlite3.connect(path).execute("CREATE TABLE u (x)")
    with lent(path, make) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == ([("u",)] if fate == "replaced" else [])


def test_a_forked_child_opens_its_own(tmp_path):
    make, opened = opener(path := tmp_path / "a.sqlite")
    with lent(path, make):
        pass
    child = os.fork()
    if child == 0:
        with lent(path, make):
            os._exit(len(opened) - 2)  # 0: one more
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with lent(path, make):
        assert len(opened) == 1


def test_a_thousand_visits_leave_what_one_leaves(tmp_path):
    Queue(tmp_path).submit(zoo_spec())
    before, kept = held(tmp_path), []
    for _ in range(1000):
        kept.append(Queue(tmp_path))
        kept[-1].jobs()
    assert held(tmp_path) <= max(before, 3 * IDLE)
