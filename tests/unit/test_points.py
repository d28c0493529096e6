"""The table of a space as the map asks for it: columns as arrays, rows as values."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from engine.core import rows
from engine.core.frames import unframe
from engine.host import table
from engine.host.host import Host
from engine.host.live import answer
from explorer.components.latent_map import rows_of
from tests.serving import tiny_host, tiny_store  # noqa: F401 - fixtures


def ask(host, op: str, **question) -> tuple[dict, dict]:
    reply = answer(host, json.dumps({"id": 1, "op": op, **question}))
    return (json.loads(reply), {}) if isinstance(reply, str) else unframe(reply)


@pytest.fixture
def space(tiny_host):  # noqa: F811
    return tiny_host.space(tiny_host.store.manifests("netspace")[0].id)


def test_columns_come_as_arrays_of_four_bytes_a_number_and_one_a_name(tiny_host, space):  # noqa: F811
    header, arrays = ask(tiny_host, "points", space=space.id, numbers=["x2", "hollow"], names=["split", "architecture"])
    assert header["count"] == len(space.table) and set(space.table.columns) == set(header["known"])
    found = {each["name"]: each for each in header["columns"]}
    places, splits = arrays[found["x2"]["array"]], arrays[found["split"]["array"]]
    assert places.dtype == np.float32 and np.array_equal(places, space.table["x2"].to_numpy(np.float32))
    assert splits.dtype == np.uint8 and [found["split"]["names"][code] for code in splits] == space.table["split"].tolist()
    assert found["architecture"]["names"] == [space.arch.id] and "array" not in found["architecture"], "the same everywhere is said once"
    hollow = [each is not None and each.hollow for each in space.outside_of_rows]
    assert arrays[found["hollow"]["array"]].astype(bool).tolist() == hollow


def test_rows_come_with_all_that_is_known_of_them(tiny_host, space):  # noqa: F811
    held = int(np.flatnonzero(space.table["split"] != "train")[0])
    header, _ = ask(tiny_host, "instances", space=space.id, rows=[held], ids=[space.table["id"][0], "nobody"])
    first, second = header["instances"]
    assert (first["row"], first["id"], second["row"]) == (held, space.table["id"][held], 0)
    assert first["outside_words"] == space.outside_of_rows[held].words and second["outside_words"] is None
    assert header["version"] == ask(tiny_host, "points", space=space.id)[0]["version"]


@pytest.mark.parametrize(
    ("op", "question"),
    [
        ("points", {"numbers": ["split"]}),
        ("points", {"numbers": ["no such column"]}),
        ("points", {"names": "split"}),
        ("points", {"names": ["split"] * 17}),
        ("instances", {"rows": [1 << 40]}),
        ("instances", {"rows": [True]}),
        ("instances", {"ids": ["x"] * 51}),
    ],
)
def test_what_cannot_be_answered_is_told(tiny_host, space, op, question):  # noqa: F811
    refused, _ = ask(tiny_host, op, space=space.id, **question)
    assert refused["ok"] is False and refused["kind"] in ("InvalidValue", "UnknownId")


def test_names_are_written_as_a_page_writes_them_and_many_are_only_told_apart(space):
    from dataclasses import replace

    count = len(space.table)
    changed = replace(space, table=space.table.assign(digit=[7.0, np.nan] * (count // 2) + [7.0] * (count % 2), seen=True))
    codes, names = table.names(changed, "digit")
    assert names == ["7"] and codes[1] == table.UNKNOWN and table.names(changed, "seen")[1] == ["true"]
    many = replace(space, table=space.table.iloc[np.arange(300) % count].assign(run=[f"r{i}" for i in range(300)]))
    codes, names = table.names(many, "run")
    assert names is None and codes.dtype == np.uint32 and len(set(codes.tolist())) == 300


def test_the_script_writes_rows_as_spans():
    assert rows_of("0-2,7") == [0, 1, 2, 7] and rows_of("") == []


def test_who_lies_outside_of_a_large_space_is_worked_out_in_the_background(tiny_host, space, monkeypatch):  # noqa: F811
    fresh = Host(tiny_host.store, "cpu")
    monkeypatch.setattr(table, "AT_ONCE", 0)
    monkeypatch.setattr(table, "LATER", 0.0)
    header, arrays = ask(fresh, "points", space=space.id, numbers=["x2", "hollow"])
    assert [each["name"] for each in header["columns"]] == ["x2"] and len(arrays) == 1, "nobody waits for it"
    until = time.monotonic() + 60
    while len(arrays) < 2 and time.monotonic() < until:
        time.sleep(0.01)
        header, arrays = ask(fresh, "points", space=space.id, numbers=["x2", "hollow"])
    assert arrays["c1"].astype(bool).tolist() == [each is not None and each.hollow for each in space.outside_of_rows]
    fresh.close()


def test_what_an_instance_is_compared_with_is_there_before_somebody_points_at_one(tiny_host, space, monkeypatch):  # noqa: F811
    fresh = Host(tiny_host.store, "cpu")
    found = fresh.space(space.id)
    monkeypatch.setattr(table, "AT_ONCE", 0)
    ask(fresh, "points", space=space.id, numbers=["hollow"])
    until = time.monotonic() + 10  # below LATER
    while "members" not in found.__dict__ and time.monotonic() < until:
        time.sleep(0.01)
    assert "members" in found.__dict__ and "outside_of_rows" not in found.__dict__
    fresh.close()


def test_a_large_tensor_in_half_precision_is_mapped_in_single(monkeypatch):
    array = np.random.default_rng(0).normal(size=(300, 7)).astype(np.float16)
    assert not isinstance(rows.single(array), np.memmap), "a small one is in memory"
    monkeypatch.setattr(rows, "LARGE", 1000)
    monkeypatch.setattr(rows, "FINITE", 100)
    found = rows.single(array)
    assert isinstance(found, np.memmap) and found.dtype == np.float32 and np.array_equal(found, array.astype(np.float32))
    found[0] = 1  # what is written stays in memory
    assert (found[0] == 1).all() and rows.single(found) is found
