"""The host's one cache: what it holds, for how long, and what was worked out of it once."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.host import ops
from engine.host.cache import ONCE_LIMIT, Cache, Held, nbytes_of
from engine.host.host import Host
from engine.host.nerns import hosted
from tests.serving import ask, live, serving, tiny_host, tiny_store  # noqa: F401 - fixtures

ROOT = Path(__file__).resolve().parents[2]
KB = np.zeros(1000, np.uint8)


def held(own: int = 0, stamp_now=lambda: 0) -> Held:
    return Held(stamp_now=stamp_now, stamp=stamp_now(), own_bytes=own)


def test_the_least_recently_used_goes_when_the_bytes_of_all_pass_the_limit():
    cache = Cache(2500)
    a, b = cache.get("a", lambda: held(1000)), cache.get("b", lambda: held(1000))
    assert cache.get("a", lambda: pytest.fail("it is in memory")) is a and cache.keys() == ["b", "a"]
    cache.get("c", lambda: held(1000))
    assert cache.keys() == ["a", "c"] and cache.get("b", lambda: held(1000)) is not b


def test_what_is_worked_out_counts_too():
    cache = Cache(2500)
    cache.get("a", lambda: held(1000))
    b = cache.get("b", lambda: held(1000))
    b.once("mesh", lambda: KB)
    assert cache.keys() == ["b"] and cache.nbytes() == 2000
    b.note("weights", 0.1, [torch.zeros(100)])
    b.note("weights", 0.2, [torch.zeros(50)])
    assert cache.nbytes() == 2200 and b.latest("weights", 0.1) is None and len(b.latest("weights", 0.2)[0]) == 50
    b.forget()
    assert cache.nbytes() == 1000
    b.once("larger than the limit", lambda: [KB] * 1 + [np.zeros(9000, np.uint8)])
    assert cache.keys() == ["b"], "the last one stays"


def test_a_value_is_worked_out_once_and_who_asks_meanwhile_waits():
    found, made, begun, go = held(), [], threading.Event(), threading.Event()

    def make() -> int:
        begun.set()
        assert go.wait(60)
        made.append(1)
        return 7

    with ThreadPoolExecutor(4) as people:
        first = people.submit(found.once, "key", make)
        assert begun.wait(60)
        others = [people.submit(found.once, "key", make) for _ in range(3)]
        assert found.once("another key", lambda: 1) == 1, "others are not held up"
        assert found.known("key") is None
        go.set()
        assert [each.result() for each in (first, *others)] == [7] * 4
    assert made == [1] and found.known("key") == 7


def test_a_value_that_failed_is_tried_again_and_only_the_last_ones_are_kept():
    found = held()
    with pytest.raises(ValueError, match="now"):
        found.once("key", lambda: (_ for _ in ()).throw(ValueError("not now")))
    assert found.once("key", lambda: 1) == 1
    for number in range(ONCE_LIMIT):
        found.once(number, lambda: number)
    assert found.once("key", lambda: 2) == 2 and found.once(ONCE_LIMIT - 1, lambda: None) == ONCE_LIMIT - 1


def test_what_changed_is_read_again_and_read_once_by_many():
    cache, version, reads = Cache(1 << 20), [0], []

    def read() -> Held:
        reads.append(version[0])
        return held(stamp_now=lambda: version[0])

    with ThreadPoolExecutor(4) as people:
        found = list(people.map(lambda _: cache.get("a", read), range(8)))
    assert len(set(map(id, found))) == 1 and reads == [0]
    version[0] = 1
    assert cache.get("a", read) is not found[0] and cache.get("a", read) is cache.get("a", read) and reads == [0, 1]


def test_bytes_of_values():
    shared = torch.zeros(10)
    assert nbytes_of({"a": [shared, shared], "b": (np.zeros(3), None, "text")}) == 40 + 24


def test_nerns_and_originals_share_the_spaces_limit():
    """They had a cache of their own, by number: four networks of half a gigabyte each were two."""
    from engine.core.artifacts import Store
    from engine.core.places import GALLERY

    host = Host(Store("nowhere", GALLERY), "cpu")
    space, nern = host.loaded_space("netspace-digits"), hosted(host, nern="nern-digits")
    assert host.cache.nbytes() == space.nbytes + nern.nbytes and nern.nbytes >= 4 * nern.original.learnable
    assert host.loaded() == ["netspace-digits"], "what is told as loaded are spaces"
    host.cache.bytes_limit = nern.nbytes + 100
    original = hosted(host, original=nern.original.id)
    assert host.cache.keys() == [("original", nern.original.id)] and original.nern is None
    host.close()


OP = """
def answer(host, question):
    return {"hello": question["name"]}, {}
"""


def test_an_op_is_a_file(tiny_host, tmp_path, monkeypatch):
    (tmp_path / "greet.py").write_text(OP)
    with serving(tiny_host) as port, live(port) as socket:
        assert "no op" in ask(socket, {"id": 1, "op": "greet", "name": "Ada"})[0]["error"]
        monkeypatch.setattr(ops, "__path__", [*ops.__path__, str(tmp_path)])
        ops.names.cache_clear()
        try:
            assert ask(socket, {"id": 2, "op": "greet", "name": "Ada"})[0]["hello"] == "Ada"
        finally:
            ops.names.cache_clear()
            sys.modules.pop("engine.host.ops.greet", None)


def test_naming_the_ops_imports_none_of_them():
    """Nor does the start of the app, or planning a space, what a first page can do without."""
    late = {"numba", "scipy", "trimesh", "networkx", "igl", "sklearn", "pandas", "sympy", "torch._dynamo"}
    code = (
        "import sys, torch, engine.api.server, engine.host.export; from engine.datasets import load; from engine.host import ops\n"
        "load('digits'); from engine.kinds.netspace.decoder import Decoder\nwith torch.device('meta'): Decoder(64, 24, 32, (8, 32, 8))\n"
        f"print([m for m in sys.modules if m in {late} or m.startswith('engine.host.ops.')], len(ops.names()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["[]", str(len(list((ROOT / "engine/host/ops").glob("[a-z]*.py"))))]
