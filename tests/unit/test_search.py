"""What a search finds and in which order; the op that answers it."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

from engine.core.errors import InvalidValue
from engine.core.frames import unframe
from engine.host.columns import Columns, column_of, of_space
from engine.host.live import answer
from engine.host.search import search
from tests.serving import get, port, tiny_host, tiny_store  # noqa: F401 - fixtures

TABLE = pd.DataFrame(
    {
        "id": ["net-475", "net-0475", "475", "resnet-1", "475-b", "other"],
        "split": ["train", "test", "val", "test", "train", "test"],
        "architecture": ["lenet", "lenet", "resnet 8", "resnet 8", "lenet", "net-475"],
        "steps": [10, 475, 30, 40, 50, 60],
        "test_accuracy": np.array([0.95, 0.5, 0.949, np.nan, 0.1, 0.96], np.float32),
        "predicted_test_accuracy": np.array([0.9, 0.4, 0.9, 0.9, 0.9, 0.9], np.float32),
        "seen": [True, True, False, True, True, True],
        "x2": np.arange(6.0),
    }
)
COLUMNS = Columns({name: column_of(column, [], name) for name, column in TABLE.items()}, len(TABLE), 0, "test_accuracy")


def found(query: str = "", **more) -> list[str]:
    return TABLE["id"].iloc[search(COLUMNS, query, **more)].tolist()


def test_columns_of_any_name_can_be_spelled():
    strange = {"learning rate (max)": [0.1, 0.2, 0.3], "config.lr": [1.0, 2.0, 3.0], "id": ["a", "b", "c"]}
    columns = Columns({name: column_of(pd.Series(values), [], name) for name, values in strange.items()}, 3, 0, "")
    for query in ("learning_rate_max_:0.15..0.25", "learning-rate>0.15 config.lr<3", "rate:0.2"):
        assert search(columns, query).tolist() == [1]


def test_an_exact_id_comes_first_then_prefixes_then_parts_then_other_columns():
    assert found("475") == ["475", "475-b", "net-475", "net-0475", "other"], "within a rank the table's order"
    assert found("resnet") == ["resnet-1", "475"], "an id counts more than another column"
    assert found("NET-475") == ["net-475", "other"], "any case; an architecture counts less than an id"
    assert found("475 lenet") == ["475-b", "net-475", "net-0475"], "all terms hold"
    assert found("nothing-like-it") == [] and found("") == TABLE["id"].tolist()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("split:test", ["net-0475", "resnet-1", "other"]),
        ("split:te", ["net-0475", "resnet-1", "other"]),
        ('architecture:"resnet 8"', ["475", "resnet-1"]),
        ("held", ["net-0475", "resnet-1", "other"]),
        ("seen:no", ["475"]),
        ("accuracy>0.95", ["other"]),
        ("accuracy>=0.95", ["net-475", "other"]),
        ("test_accuracy<=50%", ["net-0475", "475-b"]),
        ("accuracy:0.95", ["net-475", "475"]),
        ("accuracy:95.0%", ["net-475"]),
        ("accuracy:0.4..0.95", ["net-475", "net-0475", "475"]),
        ("quality<1 split:test", ["net-0475", "other"]),
        ("steps:30", ["475"]),
        ("60", ["other"]),
        ("1", ["resnet-1"]),
        ("0.96", ["other"]),
    ],
)
def test_terms_about_columns(query, ids):
    assert found(query) == ids


@pytest.mark.parametrize("query", ["nope:1", "accuracy>high", "split>test", "accuracy:0.1..x", "test_a:0.5 predicted:x", "t:1", "a " * 40])
def test_a_term_that_means_nothing_says_what_does(query):
    with pytest.raises(InvalidValue):
        found(query)


def test_sorting_puts_what_has_no_value_last_either_way():
    assert found(sort="test_accuracy") == ["475-b", "net-0475", "475", "net-475", "other", "resnet-1"]
    assert found(sort="accuracy", descending=True) == ["other", "net-475", "475", "net-0475", "475-b", "resnet-1"]
    assert found("split:train", sort="id") == ["475-b", "net-475"]


def test_filters_hold_beside_the_terms():
    assert found("lenet", filters={"split": ["train"], "test_accuracy": {"from": 0.95, "to": None}}) == ["net-475"]
    assert found(filters={"test_accuracy": {"from": None, "to": 0.5}}) == ["net-0475", "475-b"]
    for wrong in (
        {"split": "train"},
        {"split": {"from": 0}},
        {"steps": ["10"]},
        {"steps": {"from": "a"}},
        {"steps": {"above": 1}},
        {"no": []},
    ):
        with pytest.raises(InvalidValue):
            found(filters=wrong)


def ask(host, **question) -> tuple[dict, dict]:
    reply = answer(host, json.dumps({"id": 1, "op": "search", "space": "netspace-tiny", **question}))
    return unframe(reply) if isinstance(reply, bytes) else (json.loads(reply), {})


def test_pages_are_the_whole_and_rows_tell_what_the_table_does(tiny_host):
    table = tiny_host.space("netspace-tiny").table
    whole, arrays = ask(tiny_host, sort="-test_accuracy", all=True)
    assert whole["found"] == whole["total"] == len(table) and arrays["matches"].tolist() == list(range(len(table)))
    pages = [row for offset in range(0, len(table), 2) for row in ask(tiny_host, sort="-test_accuracy", offset=offset, limit=2)[0]["rows"]]
    assert pages == whole["rows"] and [row["quality"] for row in pages] == sorted(table["test_accuracy"].tolist(), reverse=True)
    for row in pages:
        facts = table.iloc[row["row"]]
        assert (row["id"], row["split"], row["quality"]) == (facts["id"], facts["split"], facts["test_accuracy"])
        assert row["properties"]["steps"] == facts["steps"] and "x2" not in row["properties"] and not row["kept"] and not row["placed"]
    some, arrays = ask(tiny_host, query="split:train", limit=1, all=True)
    assert some["found"] == 3 == len(arrays["matches"]) and len(some["rows"]) == 1


def test_the_table_as_a_file_is_what_the_search_finds(port, tiny_host):
    address = "/api/spaces/netspace-tiny/instances.csv"
    status, body, headers = get(port, f"{address}?query=split:train&sort=-test_accuracy")
    found = pd.read_csv(io.BytesIO(body))
    assert status == 200 and "attachment" in headers["content-disposition"]
    rows = ask(tiny_host, query="split:train", sort="-test_accuracy")[0]["rows"]
    assert found["id"].tolist() == [row["id"] for row in rows] and len(rows) == 3
    assert found.columns.tolist() == tiny_host.space("netspace-tiny").table.columns.tolist()
    assert get(port, f"{address}?query=no:such")[0] == 400


def test_columns_are_made_once_and_a_wrong_question_gets_a_reason(tiny_host):
    assert of_space(tiny_host, "netspace-tiny") is of_space(tiny_host, "netspace-tiny")
    for wrong in ({"limit": 201}, {"limit": True}, {"offset": -1}, {"query": 3}, {"filters": [1]}, {"sort": "nope"}, {"space": "no"}):
        refused, _ = ask(tiny_host, **wrong)
        assert not refused["ok"] and refused["kind"] in ("InvalidValue", "UnknownId")


def test_pictures_of_some_are_those_of_all(tiny_host):
    from engine.core.frames import to_bytes
    from engine.host.pictures import scale, small_preps

    space = tiny_host.space("netspace-tiny")
    high = scale(tiny_host.loaded_space(space.id))
    every = to_bytes(small_preps(space, space.parameters_NP), -high, high)
    ids = space.table["id"].tolist()
    header, arrays = ask(tiny_host, op="pictures", ids=[ids[3], ids[0]])
    assert header["pictures"]["vmax"] == high and np.array_equal(arrays["pictures"], every[[3, 0]])
    for wrong in ([], "x", [1], ids[:1] * 65, ["no"]):
        assert not ask(tiny_host, op="pictures", ids=wrong)[0]["ok"]
