"""One thing that cannot be read is that one thing broken: lists, pages, routes and commands go on with the rest, whatever lies there."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from engine.__main__ import main
from engine.core import small_json
from engine.core.artifacts import Manifest, Store
from engine.core.errors import CorruptArtifact, ExplorerError, InvalidValue, NewerFormat, StorageError
from engine.core.manifests import read_manifest
from engine.host.host import Host
from engine.jobs import connections, views
from engine.jobs.folder import Folder
from engine.jobs.queue import Queue
from explorer import jobs, services
from tests.serving import get, serving
from tests.tiny import SPACE, ZOO
from tests.tiny_jobs import lso_spec, zoo_spec

MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEYS = ["sha256", "bytes", "value", "split", "n", "space", "zoo", "dataset", "architecture", "made_by", "queries"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(), max_size=8) | st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)
DEEP, LONG = b"[" * 100_000, b"9" * 5000
WHOLE = {
    "format": 1, "id": "odd", "kind": "network", "title": "Odd", "created": "2026", "preset": "zoo-digits",
    "config": {}, "inputs": {}, "metrics": {}, "provenance": {}, "files": {},
}  # fmt: skip
PARTS = {
    "format": [10**4000, 1.5, True, -1], "id": [5, "\ud800"], "title": ["a\x1b[2J", ["x"], "\ud800", "x" * 2000], "kind": [[], "zoo\n"],
    "created": [7], "preset": [{}, [], None],
    "inputs": [["a"], {"a": "b"}, {"a": [1]}], "files": [{"w.safetensors": 5}, ["w"]],
    "metrics": [{"m": 5}, {"m": {"value": float("nan")}}, {"m": {"value": float("inf")}}, {"m": {"value": 10**400}}, {"m\n": {}}],
    "config": [{"x": {"x": "\ud800"}}, [1], {"seed": 10**30}], "provenance": [None],
}  # fmt: skip
TOLERATED = {
    "metrics": [{"m": {}}, {"m": {"value": "high", "spread": [], "n": {}, "split": 5}}],
    "inputs": [{"": {}}, {"../x": {"sha256": 5}}, {"zoo-tiny": {"sha256": []}}], "files": [{"../../etc/passwd": {}}],
    "config": [{"space": [], "made_by": "lso"}, {"zoo": {}, "queries": 1}, {"dataset": ["x"], "architecture": 5},
    {"space": {}, "made_by": "lso", "architecture": []}, {"made_by": "lso", "space": SPACE, "lso": 5}],
    "provenance": [{"command": 5, "seconds": "long", "trimmed": [], "device": {}}],
}  # fmt: skip


@pytest.fixture
def store(tiny_store, tmp_path) -> Store:
    shutil.copytree(tiny_store.workspace, tmp_path / "workspace")
    return Store(tmp_path / "workspace", tmp_path / "gallery")


def lay(store: Store, content: bytes, id_: str = "odd") -> None:
    folder = store.workspace / id_
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_bytes(content)


def goes_on(store: Store, broken: bool | None = True) -> None:
    """The list of what is at hand has the good ones, and the odd one where it belongs."""
    listed = {manifest.id for manifest in store.manifests()}
    assert {ZOO, SPACE} <= listed and ("odd" in listed) != ("odd" in store.broken())
    if broken is not None:
        assert ("odd" in store.broken()) == broken
    for reason in store.broken().values():
        assert reason.startswith("odd") and "\n" not in reason and len(reason) < 400
        reason.encode("utf-8")


@MANY
@given(st.binary(max_size=200))
@example(DEEP)
@example(b'{"a":' * 2000)
@example(b'{"format": ' + LONG + b"}")
@example(b'{"format": 1e999}')
@example(b"\xff\xfe{}")
@example(b"5")
def test_any_bytes(store, content):
    lay(store, content)
    goes_on(store)


@MANY
@given(JSON, st.sampled_from(sorted(WHOLE)))
def test_any_json_anywhere_in_it(store, value, part):
    lay(store, json.dumps({**WHOLE, part: value}).encode())
    goes_on(store, None)
    with pytest.raises((ExplorerError, KeyError)) if "odd" in store.broken() else json_of():
        json.dumps(vars(store.open("odd").manifest), allow_nan=False, ensure_ascii=False).encode("utf-8")


class json_of:
    def __enter__(self): ...
    def __exit__(self, *_): ...


@pytest.mark.parametrize(("part", "value"), [(part, value) for part, values in PARTS.items() for value in values],
    ids=lambda value: ascii(value)[:30])
def test_what_no_reader_can_take_is_broken(store, part, value):
    lay(store, json.dumps({**WHOLE, part: value}).encode())
    goes_on(store)
    with pytest.raises((CorruptArtifact, NewerFormat)):
        read_manifest(store.workspace / "odd")


def things(path) -> dict:
    """What can lie at a path that is no regular small file."""
    return {
        "a pipe": lambda: os.mkfifo(path),
        "a link to /dev/zero": lambda: path.symlink_to("/dev/zero"),
        "a link to itself": lambda: path.symlink_to(path),
        "a link to nothing": lambda: path.symlink_to(path.parent / "nothing"),
        "a folder": lambda: path.mkdir(),
        "5 MiB": lambda: path.write_bytes(b" " * (5 << 20)),
        "a sparse terabyte": lambda: (path.touch(), os.truncate(path, 1 << 40)),
    }


@pytest.mark.parametrize("thing", things(None))
def test_what_is_no_small_regular_file_is_broken_and_not_waited_for(store, thing):
    (store.workspace / "odd").mkdir()
    things(store.workspace / "odd" / "manifest.json")[thing]()
    with pytest.raises((CorruptArtifact, OSError)):
        read_manifest(store.workspace / "odd")
    assert {ZOO, SPACE} <= {manifest.id for manifest in store.manifests()}
    for name in ("status.json", "metrics.jsonl", "log.txt", "result.json"):
        folder = store.workspace / f"job-{name}"
        folder.mkdir()
        things(folder / name)[thing]()
        found = Folder(folder)
        assert found.status() == found.result() == {} and found.metrics() == [] and len(found.log()) < 1 << 20


# ---- everywhere it is shown


def routes_and_commands(store: Store, capsys) -> None:
    host = Host(store, "cpu")
    with serving(host) as port:
        for path in ("/api/health", "/api/artifacts", "/api/jobs", "/api/jobs?live", f"/api/spaces/{SPACE}", "/api/spaces/odd",
            "/api/jobs/odd"):
            status, body, _ = get(port, path)
            json.loads(body, parse_constant=pytest.fail)
            assert status == 200 or path.endswith("odd") and 400 <= status < 500, (path, body[:300])
    host.close()
    workspace = ("--workspace", str(store.workspace))
    for arguments in (["list"], ["show", "odd"], ["show", SPACE], ["verify"], ["verify", SPACE], ["artifacts"], ["jobs"], ["papers"],
        ["evaluate", "odd", "--device", "cpu"]):
        for form in ([], ["--json"]) if arguments in (["list"], ["show", "odd"], ["jobs"]) else (["--json"],):
            code = main([*arguments, *workspace, *form])
            out, error = capsys.readouterr()
            assert code in (0, 2) and "Traceback" not in error, (arguments, error)
            assert code == 0 or "odd" in arguments or arguments == ["verify"], (arguments, error)
            if code == 0 and form:
                json.loads(out, parse_constant=pytest.fail)
            if arguments == ["list"]:
                assert SPACE in out


STRANGE = {  # fields of the wrong types in every place where another artifact is named
    "config": {"zoo": {}, "dataset": [], "original": 5, "architecture": {}},
    "inputs": {SPACE: {}, ZOO: {}},
    "metrics": {"gap_mean": {"value": "x"}, "seconds": {}},
}
ODD = {
    "depth": DEEP, "digits": b'{"format": ' + LONG + b"}",
    "NaN": json.dumps({**WHOLE, "metrics": {"m": {"value": float("nan")}}}).encode(),
    "inputs": json.dumps({**WHOLE, "inputs": ["a"]}).encode(),
    **{f"{part} {number}": json.dumps({**WHOLE, "kind": "network", part: value}).encode()
       for part, values in TOLERATED.items() for number, value in enumerate(values)},
    **{kind: json.dumps({**WHOLE, **STRANGE, "kind": kind}).encode() for kind in ("zoo", "netspace", "nern", "network")},
}  # fmt: skip


def lay_all(store: Store) -> None:
    """Every odd one at once, and one of them among the jobs."""
    for number, content in enumerate(ODD.values()):
        id_ = "odd" if not number else f"odd-{number}"
        lay(store, content.replace(b'"odd"', f'"{id_}"'.encode()), id_)
    queue = Queue(store.workspace)
    job, _ = queue.submit(lso_spec(SPACE, "x"))
    queue.stop(job.id)
    with queue._connected() as db:
        db.execute("UPDATE jobs SET spec = '[]' WHERE id = ?", (job.id,))


def test_routes_and_commands_go_on(store, capsys):
    lay_all(store)
    routes_and_commands(store, capsys)


SCREENS = ("home", "latent_map", "interpolation", "plane", "shapes", "preps", "properties", "nern", "lso", "papers", "training")


def screen(name: str) -> None:
    import runpy
    from pathlib import Path

    import streamlit

    from engine.core.errors import ExplorerError
    from explorer import controls, state

    state.read(name.replace("_", "-"))
    try:
        runpy.run_path(str(Path(controls.__file__).resolve().parents[1] / "pages" / f"{name}.py"))
    except ExplorerError as error:  # as explorer.app.main does
        streamlit.error(str(error))
    state.write()


@pytest.fixture
def shown(store, monkeypatch):
    monkeypatch.setattr(jobs, "ready", lambda: type("Keeper", (), {"problem": None}))
    services.use(store)
    yield store
    services.use(None)


def every_screen(names=SCREENS, **query: str) -> None:
    for name in names:
        app = AppTest.from_function(screen, default_timeout=120, args=(name,))
        app.query_params.update(query)
        app.run()
        assert not app.exception, (name, app.exception)


def test_pages_go_on(shown):
    lay_all(shown)
    every_screen(space=SPACE)
    odd = {kind: f"odd-{list(ODD).index(kind)}" for kind in ("netspace", "network", "nern")}
    every_screen(SCREENS[1:7], space=odd["netspace"], original=odd["network"], nern=odd["nern"])


# ---- jobs


@MANY
@given(st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
@example(b"[]")
@example(b"5\n")
@example(b'{"step": 1}\n')
@example(b'{"heartbeat": "now", "step": [], "stage": 5}')
@example(b'{"stage": "x", "step": NaN, "at": 1, "total": 1}\n')
@example(DEEP)
@example(b'{"step": ' + LONG + b"}\n")
def test_a_jobs_files_may_hold_anything(tmp_path, content):
    store = Store(tmp_path / "w", tmp_path / "g")
    queue = Queue(store.workspace)
    job, _ = queue.submit(zoo_spec())
    folder = queue.folder_of(job.id)
    folder.mkdir(exist_ok=True)
    for name in ("status.json", "metrics.jsonl", "result.json", "log.txt"):
        (folder / name).write_bytes(content)
    shown = [views.whole(store, job.id, log=True), *views.listed(store), *views.live(store)]
    json.dumps(shown, allow_nan=False, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert [each["id"] for each in shown] == [job.id] * 3


@pytest.mark.parametrize("column, value", [("spec", "{"), ("spec", "[]"), ("spec", '{"kind": "lso", "config": {}}'), ("spec", b"\xff"),
    ("created", "x"), ("state", "odd"), ("reason", b"x"), ("deaths", "x"), ("started", "x")], ids=str)
def test_a_damaged_row_is_one_broken_job(shown, column, value, capsys):
    queue = Queue(shown.workspace)
    good, bad = queue.submit(zoo_spec(0))[0], queue.submit(lso_spec(SPACE, "x"))[0]
    queue.stop(bad.id)
    with queue._connected() as db:
        db.execute(f"UPDATE jobs SET {column} = ? WHERE id = ?", (value, bad.id))
    rows = {row["id"]: row for row in views.listed(shown)}
    assert rows[good.id]["state"] == "queued" and rows[bad.id]["state"] == "failed" and "damaged" in rows[bad.id]["reason"]
    for arguments in (["jobs"], ["jobs", "--json"], ["jobs", "show", bad.id, "--json"]):
        assert main([*arguments, "--workspace", str(shown.workspace)]) == 0
    json.loads(capsys.readouterr().out.splitlines()[-1])
    with pytest.raises(InvalidValue, match="damaged"):
        queue.resume(bad.id)
    queue.delete(bad.id)
    assert [job.id for job in queue.jobs()] == [good.id]


def test_overwritten_pages_of_the_queue_are_one_sentence(shown, capsys):
    queue = Queue(shown.workspace)
    for seed in range(60):
        queue.submit(zoo_spec(seed))
    with queue._connected() as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = queue.folder / "queue.sqlite"
    whole, draw, told = path.read_bytes(), random.Random(0), 0
    for first in (0, 4096, 8192, 4096 * 4):
        while idle := connections.take(path):  # what they have read is in their caches
            idle.close()
        path.write_bytes(whole[:first] + draw.randbytes(4096) + whole[first + 4096 :])
        for ask in (lambda: views.listed(shown), lambda: views.live(shown), lambda: Queue(shown.workspace).submit(zoo_spec(99)),
            lambda: Queue(shown.workspace).sweep()):
            try:
                ask()
            except StorageError as error:
                told += 1
                assert "\n" not in str(error) and str(queue.folder) in str(error)
    assert told
    path.write_bytes(draw.randbytes(len(whole)))
    assert main(["jobs", "--workspace", str(shown.workspace)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "move" in error and "queue.sqlite" in error
    host = Host(shown, "cpu")
    with serving(host) as port:
        assert get(port, "/api/jobs")[0] == 409 and get(port, "/api/artifacts")[0] == 200
    host.close()
    every_screen(("lso", "training"), space=SPACE)


def test_a_resumed_job_keeps_its_folder(tmp_path, monkeypatch):
    """Delete, and a resume between its look and its deed; then the other way round."""
    queue = Queue(tmp_path)
    job, _ = queue.submit(zoo_spec())
    queue.stop(job.id)
    folder = queue.folder_of(job.id)
    folder.mkdir()
    (folder / "checkpoint").write_text("hours of work")
    real = Queue.job

    def between(self, id_):
        found = real(self, id_)
        if self is queue:
            monkeypatch.setattr(Queue, "job", real)
            Queue(tmp_path).resume(id_)
        return found

    monkeypatch.setattr(Queue, "job", between)
    with pytest.raises(InvalidValue, match="resumed"):
        queue.delete(job.id)
    assert (folder / "checkpoint").read_text() == "hours of work" and queue.job(job.id).state == "queued"
    queue.stop(job.id)
    with monkeypatch.context() as broken, pytest.raises(StorageError):
        broken.setattr(os, "rename", lambda *_: (_ for _ in ()).throw(OSError(30, "Read-only file system")))
        queue.delete(job.id)
    assert (folder / "checkpoint").exists() and queue.job(job.id).state == "stopped"
    queue.delete(job.id)
    assert not folder.exists() and not [path for path in queue.folder.iterdir() if path.name.startswith(".deleted")]


def test_a_delete_that_cannot_be_written_puts_the_folder_back(tmp_path):
    queue = Queue(tmp_path)
    job, _ = queue.submit(zoo_spec())
    queue.stop(job.id)
    queue.folder_of(job.id).mkdir()
    blocker = sqlite3.connect(queue.folder / "queue.sqlite", isolation_level=None)
    with queue._connected() as db:
        db.execute("PRAGMA busy_timeout=50")
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError):
        queue.delete(job.id)
    blocker.execute("ROLLBACK")
    blocker.close()
    assert queue.folder_of(job.id).is_dir() and queue.job(job.id).state == "stopped"


# ---- the reader itself


@MANY
@given(JSON)
def test_what_is_read_is_what_any_json_reader_reads(value):
    try:
        found = small_json.parse(json.dumps(value))
    except ValueError:
        return
    assert json.dumps(found, sort_keys=True) == json.dumps(json.loads(json.dumps(value)), sort_keys=True)
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("text", ("1e999", "-1e999", "NaN", "Infinity", "9" * 19, "[" * 33 + "]" * 33, '"\\ud800"', '{"\\udfff": 1}',
    "", "{"))
def test_what_the_reader_refuses(text):
    with pytest.raises(ValueError):
        small_json.parse(text)


def test_what_could_not_be_read_again_is_not_written(tmp_path):
    store = Store(tmp_path / "w", tmp_path / "g")
    for config in ({"seed": 10**30}, {"name": "\ud800"}):
        with pytest.raises(InvalidValue):
            store.write(Manifest("x", "zoo", "", "", "", config), {})
    assert store.write(Manifest("x", "zoo", "a\nb\x1b", "", "", {}), {}).manifest.title == "a b "
