"""What the live socket does with messages that are too large, too many, or not what it asked for."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import ExplorerError
from engine.host.live import BURST, MESSAGE_BYTES, PAUSE, RATE, Bucket, answer
from tests.serving import ask, live

ERROR = {"id", "ok", "error", "kind"}


def spoilt(**changes):
    return pytest.param(changes, id=" ".join(f"{key}={str(value)[:20]}" for key, value in changes.items()))


@pytest.mark.parametrize(
    "changes",
    [
        *(spoilt(gamma=value) for value in (-0.001, 1.001, float("nan"), float("inf"), "0.5", None, True, [0.5], {}, 10**300)),
        *(
            spoilt(space=value)
            for value in ("no-such", "../netspace-tiny", "", None, 1, ["netspace-tiny"], "zoo-tiny", "x" * 2000, "\ud800", "\0")
        ),
        *(spoilt(a=value) for value in ("no-such", "../../etc/passwd", None, {}, 0, "x" * 2000, "\ud800")),
        *(spoilt(path=value) for value in ("sideways", None, 3)),
        *(spoilt(images=value) for value in (0, -1, 361, 1.5, "some", True, [])),
        *(spoilt(want=value) for value in ("accuracy", ["weights"], [[]], {}, None)),
        *(spoilt(op=value) for value in ("drop", None, ["step"], "__class__")),
        *(spoilt(op="curve", gammas=value) for value in (None, [], [0.5] * 52, [2], ["0"], "abc")),
    ],
)
def test_a_wrong_question_gets_a_reason_and_the_socket_goes_on(port, question, changes):
    with live(port) as socket:
        refused, _ = ask(socket, {**question, "id": 7, **changes})
        assert refused.keys() == ERROR and not refused["ok"] and refused["id"] == 7
        assert refused["kind"] in ("InvalidValue", "UnknownId") and 20 < len(refused["error"]) < 600 and "\n" not in refused["error"]
        assert ask(socket, question)[0]["ok"]


@pytest.mark.parametrize(
    "raw",
    ["", "{", "[1, 2]", "null", "NaN", "[" * 2000, '{"op": "step"', "é" * 10, b"\x00\xff", b'{"op": "step"}', '{"id": 1e999}', "1" * 4000],
)
def test_what_is_no_json_object_gets_a_reason(port, question, raw):
    with live(port) as socket:
        refused, _ = ask(socket, raw)
        assert refused["kind"] == "InvalidValue" and refused["id"] is None
        assert ask(socket, question)[0]["ok"]


@pytest.mark.parametrize("size", [MESSAGE_BYTES + 1, 60_000])
def test_an_oversized_message_is_refused_and_one_of_the_limit_is_not(port, question, size):
    with live(port) as socket:
        refused, _ = ask(socket, json.dumps(question).ljust(size))
        assert not refused["ok"] and "too large" in refused["error"]
        assert ask(socket, json.dumps(question).ljust(MESSAGE_BYTES))[0]["ok"]


def test_a_huge_message_ends_the_socket_and_not_the_server(port, question):
    from websockets.exceptions import ConnectionClosed

    with live(port) as socket, pytest.raises(ConnectionClosed) as closed:
        ask(socket, " " * (1 << 20))
    assert closed.value.rcvd.code == 1009
    with live(port) as socket:
        assert ask(socket, question)[0]["ok"]


def test_too_many_messages_are_told_and_the_socket_goes_on(port, question, monkeypatch):
    monkeypatch.setattr("engine.host.live.BURST", 20.0)
    monkeypatch.setattr("engine.host.live.RATE", 0.0)  # no time passes for the bucket, however slow this machine is
    monkeypatch.setattr("engine.host.live.PAUSE", 0.01)
    with live(port) as socket:
        for _ in range(50):
            socket.send("{}")
        kinds = [json.loads(socket.recv(timeout=60))["kind"] for _ in range(50)]
        assert kinds == ["InvalidValue"] * 20 + ["TooFrequent"] * 30
        monkeypatch.setattr("engine.host.live.RATE", 1e9)
        assert ask(socket, question)[0]["ok"]


def test_a_socket_that_asks_too_much_is_not_read_for_a_while():
    assert RATE * PAUSE >= 50, "one error in so many messages at most"


@given(st.lists(st.floats(0, 0.1), max_size=2000))
def test_the_bucket_never_lets_more_through_than_burst_and_rate(gaps):
    now, taken, bucket = 0.0, 0, Bucket(0.0)
    for gap in gaps:
        now += gap
        taken += bucket.take(now)
    assert taken <= BURST + RATE * now + 1e-6


def test_a_drag_of_100_a_second_never_meets_the_limit():
    bucket = Bucket(0.0)
    assert all(bucket.take(step / 100) for step in range(6000))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
fields = ("id", "op", "space", "a", "b", "gamma", "path", "want", "images", "gammas")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_questions_are_answered_or_refused_never_raise(tiny_host, question, data):
    """Whole random JSON, and good questions with some fields random."""
    if data.draw(st.booleans()):
        asked = data.draw(values)
    else:
        good = {**question, "op": data.draw(st.sampled_from(["step", "curve"])), "gammas": [0.0, 1.0], "images": 8}
        asked = {**good, **data.draw(st.dictionaries(st.sampled_from(fields), values, max_size=3))}
    reply = answer(tiny_host, json.dumps(asked))
    if isinstance(reply, str):
        refused = json.loads(reply)
        assert refused.keys() == ERROR and refused["kind"] in {kind.__name__ for kind in ExplorerError.__subclasses__()}


def test_a_bug_is_logged_and_not_told(port, question, tiny_host, monkeypatch, caplog):
    """What is no ExplorerError is ours: the log has it, the other side gets a sentence, the socket goes on."""
    with live(port) as socket:
        with monkeypatch.context() as broken, caplog.at_level(logging.ERROR):
            broken.setattr(type(tiny_host), "between", lambda *_, **__: 1 / 0)
            refused, _ = ask(socket, question)
        assert refused["kind"] == "Internal" and refused["id"] == question["id"] and "division" not in refused["error"]
        assert "ZeroDivisionError" in caplog.text
        assert ask(socket, question)[0]["ok"]
