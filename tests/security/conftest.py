"""A tiny space behind the API on a real socket."""

from __future__ import annotations

import pytest

from engine.artifacts import Store
from engine.host import Host
from tests.serving import serving
from tests.tiny import SPACE, write_tiny


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
