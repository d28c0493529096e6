"""The API on a real socket in a thread, how a test talks to it, and fixtures of a tiny space behind it (a conftest imports
them)."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator

import pytest
from websockets.sync.client import ClientConnection, connect

from engine.api.server import listen, server
from engine.core.artifacts import Store
from engine.core.frames import unframe
from engine.host.host import Host
from tests.tiny import SPACE, write_tiny


@contextlib.contextmanager
def serving(host: Host) -> Iterator[int]:
    """Serve a host on a free port of 127.0.0.1 while the block runs; the port."""
    sock = listen("127.0.0.1", 0)
    running = server(host)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    while not running.started:
        assert thread.is_alive(), "the server ended before it started"
        time.sleep(0.01)
    try:
        yield sock.getsockname()[1]
    finally:
        running.should_exit = True
        thread.join()


def get(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict]:
    """(status, body, headers) of a request sent as it is written here: no client tidies the path."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(), dict(response.getheaders())
    finally:
        connection.close()


def live(port: int, **options) -> ClientConnection:
    """An open live socket."""
    return connect(f"ws://127.0.0.1:{port}/api/live", max_size=None, open_timeout=60, compression=None, **options)


def ask(socket: ClientConnection, question) -> tuple[dict, dict]:
    """(header, arrays) of the answer to a question: a dict, or the raw text or bytes to send. An error has no arrays."""
    socket.send(json.dumps(question) if isinstance(question, dict) else question)
    message = socket.recv(timeout=60)
    return (json.loads(message), {}) if isinstance(message, str) else unframe(message)


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("tiny")
    store = Store(root / "workspace", root / "gallery")
    write_tiny(store)
    return store


@pytest.fixture(scope="session")
def tiny_host(tiny_store):
    host = Host(tiny_store, "cpu")
    yield host
    host.close()


@pytest.fixture(scope="session")
def port(tiny_host):
    with serving(tiny_host) as port:
        yield port


@pytest.fixture(scope="session")
def question(tiny_host) -> dict:
    """A good question, to be spoilt."""
    a, b = tiny_host.space(SPACE).table["id"][:2]
    return {"id": 1, "op": "step", "space": SPACE, "a": a, "b": b, "gamma": 0.5}
