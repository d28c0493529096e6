"""A server that only shows: nothing is changed by any way in, and what ships for it (the Dockerfile) starts one."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from engine.api.jobs import job_routes
from engine.api.server import guarded
from engine.core import settings
from engine.core.errors import ReadOnly
from engine.core.manifests import Manifest
from engine.datasets.bringing import bring
from engine.jobs.queue import Queue
from explorer import services
from explorer.__main__ import parse

ROOT = Path(__file__).resolve().parents[2]
UPLOAD = "/_stcore/upload_file/a/b"  # Streamlit's
CHANGES = (("POST", "/api/jobs"), ("DELETE", "/api/jobs/x"), ("POST", "/api/jobs/x/stop"), ("PUT", UPLOAD), ("DELETE", UPLOAD))


@pytest.mark.parametrize("locked", [True, False])
def test_no_request_changes_anything(made_up_store, locked):
    anything = Route("/{rest:path}", lambda request: PlainTextResponse("reached"), methods=["GET", "PUT", "DELETE"])
    client = TestClient(guarded(Starlette(routes=[*job_routes(made_up_store), anything])), base_url="http://127.0.0.1")
    with settings.only_showing(locked):
        answers = [client.request(method, path) for method, path in CHANGES]
        assert all((answer.status_code == 403) == locked for answer in answers), [answer.text for answer in answers]
        assert not locked or {answer.json()["kind"] for answer in answers} == {"ReadOnly"}
        assert client.get("/anything").text == "reached"


def test_nothing_is_written_by_the_engine(made_up_store):
    artifact = made_up_store.open("space-made-up")
    before = {path: path.stat().st_mtime_ns for path in made_up_store.workspace.rglob("*")}
    spec = {"kind": "train", "preset": "zoo-digits", "config": {}, "id": "zoo-x"}
    changes = (
        lambda: made_up_store.write(Manifest("x", "zoo", "", "", "", {}), {}),
        lambda: made_up_store.update_metrics(artifact, {}),
        lambda: made_up_store.restore("space-made-up"),
        lambda: Queue(made_up_store.workspace).submit(spec),
        lambda: bring("cifar10"),
    )
    with settings.only_showing():
        for change in changes:
            with pytest.raises(ReadOnly, match="read-only"):
                change()
    assert {path: path.stat().st_mtime_ns for path in made_up_store.workspace.rglob("*")} == before
    assert made_up_store.update_metrics(artifact, {"gap_mean": {"value": 0.1}}).manifest.metrics, "afterwards it may"


def test_the_training_page_says_so_in_place_of_its_forms(made_up_store):
    services.use(made_up_store)
    page = f"import runpy\nfrom explorer import state\nstate.read('training')\nrunpy.run_path({str(ROOT / 'pages' / 'training.py')!r})\n"
    try:
        with settings.only_showing():
            app = AppTest.from_string(page, default_timeout=60).run()
        assert not app.exception and not app.button and "read-only" in app.caption[0].value
    finally:
        services.use(None)


def steps(dockerfile: str) -> list[tuple[str, str]]:
    """(instruction, its words) of each."""
    joined = re.sub(r"\\\n", " ", dockerfile)
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def test_the_dockerfile_installs_what_make_does_and_starts_a_server_that_only_shows():
    found = steps((ROOT / "Dockerfile").read_text())
    assert found[0][0] == "FROM" and tuple(map(int, re.search(r"python:(\d+)\.(\d+)", found[0][1]).groups())) >= (3, 11)
    copied = [shlex.split(words)[:-1] for name, words in found if name == "COPY"]
    assert all((ROOT / path).exists() for paths in copied for path in paths)
    installs = [shlex.split(words) for name, words in found if name == "RUN" and "pip install" in words]
    assert [words[-2:] for words in installs] == [["-r", "requirements.txt"]] and copied[0] == ["requirements.txt"]
    assert "-r requirements.txt" in (ROOT / "Makefile").read_text()
    commands = [json.loads(words) for name, words in found if name == "CMD"]
    assert len(commands) == 1 and commands[0][:3] == ["python", "-m", "explorer"]
    args = parse(commands[0][3:])
    ports = [int(words) for name, words in found if name == "EXPOSE"]
    assert args.read_only and args.host == "0.0.0.0" and [args.port] == ports
    assert not parse([]).read_only
