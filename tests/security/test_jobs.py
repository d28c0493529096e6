"""The jobs' routes before strangers: foreign pages, garbage, too much of it; and what they answer to friends."""

from __future__ import annotations

import http.client
import json

import pytest

from engine.jobs import backends
from engine.jobs.queue import Queue
from tests.serving import get
from tests.tiny import SPACE

JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """Jobs only wait here."""
    monkeypatch.setattr(backends.Keeper, "look", lambda self, wanted=False: None)


def post(port: int, path: str, body: object, **headers: str) -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode(), {**JSON, **headers})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.fixture
def spec(question) -> dict:
    return {"kind": "lso", "config": {"space": SPACE, "a": question["a"], "steps": 5}}


def test_launch_watch_stop_resume_delete(port, spec):
    status, answer = post(port, "/api/jobs", spec)
    id_ = answer["job"]["id"]
    assert status == 201 and not answer["attached"] and answer["job"]["state"] == "queued"
    assert post(port, "/api/jobs", spec) == (200, {**answer, "attached": True})
    status, body, _ = get(port, f"/api/jobs/{id_}?since=-1&log")
    shown = json.loads(body)
    assert status == 200 and shown["spec"]["config"]["steps"] == 5 and shown["metrics"] == [] and shown["log"] == ""
    assert id_ in {job["id"] for job in json.loads(get(port, "/api/jobs?live")[1])["jobs"]}
    assert post(port, f"/api/jobs/{id_}/stop", {})[1]["job"]["state"] == "stopped"
    assert post(port, f"/api/jobs/{id_}/resume", {})[1]["job"]["state"] == "queued"
    assert get(port, f"/api/jobs/{id_}", "DELETE")[0] == 400
    post(port, f"/api/jobs/{id_}/stop", {})
    assert get(port, f"/api/jobs/{id_}", "DELETE")[0] == 200 and get(port, f"/api/jobs/{id_}")[0] == 404


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_a_foreign_page_cannot_launch_stop_or_delete(port, spec, tiny_store, headers):
    before = len(Queue(tiny_store.workspace).jobs())
    for path in ("/api/jobs", "/api/jobs/lso-0001/stop"):
        assert post(port, path, spec, **headers)[0] == 403
    assert get(port, "/api/jobs/lso-0001", "DELETE", **headers)[0] == 403
    assert len(Queue(tiny_store.workspace).jobs()) == before


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_cannot_launch(port, spec, kind):
    assert post(port, "/api/jobs", spec, **{"Content-Type": kind})[0] == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 5_000, b"{}", b'{"kind": "lso", "config": '
    b'{"space": "../../etc", "a": "x"}}'], ids=lambda body: repr(body[:24]))
def test_garbage_is_refused_in_one_sentence(port, body):
    status, answer = post(port, "/api/jobs", body)
    assert status in (400, 404) and answer["error"] and "Traceback" not in answer["error"]


def test_too_much_is_refused(port):
    status, answer = post(port, "/api/jobs", b" " * (65 << 10))
    assert status == 400 and "too large" in answer["error"]


@pytest.mark.parametrize("path", ["/api/jobs/no-such", "/api/jobs/..%2f..%2fetc", "/api/jobs/x/explode", "/api/jobs/no-such/stop"])
def test_what_is_not_there_is_a_404(port, path):
    assert (post(port, path, {})[0] if path.count("/") > 3 else get(port, path)[0]) == 404


@pytest.mark.parametrize("since", ["x", "1.5", "--1", "9" * 20])
def test_since_is_a_step(port, spec, since):
    id_ = post(port, "/api/jobs", spec)[1]["job"]["id"]
    assert get(port, f"/api/jobs/{id_}?since={since}")[0] == 400
