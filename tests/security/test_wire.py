"""What holds of every connection, to the app as to `engine serve`: headers of each answer, sizes of messages, time to arrive."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from engine.api import wire
from engine.core.errors import InvalidValue
from tests.browser.conftest import start, stop
from tests.serving import ask, get, live

PATIENCE = 30
POST = b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n"
WANTED = {"content-security-policy": "frame-ancestors 'self'", "x-content-type-options": "nosniff", "referrer-policy": "same-origin"}


@pytest.fixture(scope="module")
def app_port(tmp_path_factory) -> Iterator[int]:
    """The app itself, as a process of its own."""
    running = start(tmp_path_factory.mktemp("app"))
    yield int(running.url.rsplit(":", 1)[1])
    stop(running)


@contextlib.contextmanager
def opened(port: int, data: bytes = b"") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
        sock.sendall(data)
        yield sock


def rest(sock: socket.socket) -> bytes:
    """All that still comes until the other side closes."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while data := sock.recv(1 << 16):
            found += data
    return found


def heads(answer: bytes) -> dict[str, str]:
    lines = answer.split(b"\r\n\r\n", 1)[0].decode("latin-1").split("\r\n")[1:]
    names = [line.split(":", 1)[0].lower() for line in lines]
    assert len(names) == len(set(names) | {"set-cookie"}) - ("set-cookie" not in names), f"a header twice: {lines}"
    return {name: line.split(": ", 1)[1] for name, line in zip(names, lines)}


UPGRADE = "HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade"
HANDSHAKE = f"{UPGRADE}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
ANSWERS = {
    "a page": ("GET / HTTP/1.1", "200"),
    "a deep link": ("GET /interpolation?gamma=0.5 HTTP/1.1", "200"),
    "a redirect": ("GET /interpolation/ HTTP/1.1", "301"),
    "a static file": ("GET /favicon.png HTTP/1.1", "200"),
    "health": ("GET /_stcore/health HTTP/1.1", "200"),
    "no such medium": ("GET /media/none.png HTTP/1.1", "404"),
    "a refused path": ("GET //evil.example HTTP/1.1", "400"),
    "an upload without its token": ("PUT /_stcore/upload_file/a/b HTTP/1.1\r\nContent-Length: 0", "403"),
    "an answer of /api": ("GET /api/health HTTP/1.1", "200"),
    "a bundle of /api": ("GET /api/static/plotly.min.js HTTP/1.1", "200"),
    "an error of /api": ("GET /api/spaces/none HTTP/1.1", "404"),
    "a foreign page": ("GET / HTTP/1.1\r\nOrigin: http://evil.example", "403"),
    "no HTTP": ("GET / SPDY/9\r\nX", "400"),
    "an opened socket": (f"GET /api/live {HANDSHAKE}", "101"),
    "a refused socket": (f"GET /nowhere {HANDSHAKE}", "403"),
    "half a handshake": (f"GET /api/live {UPGRADE}", "4"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_of_the_app_says_who_may_frame_it_and_that_types_are_not_guessed(app_port, name):
    request, status = ANSWERS[name]
    with opened(app_port, f"{request}\r\nHost: 127.0.0.1:{app_port}\r\n\r\n".encode()) as sock:
        answer = sock.recv(1 << 16)
    assert answer.split(b" ", 2)[1].decode().startswith(status), answer[:200]
    assert {key: value for key, value in heads(answer).items() if key in WANTED} == WANTED


@pytest.mark.parametrize("name", [name for name in ANSWERS if "/api" in ANSWERS[name][0] or ANSWERS[name][1] in ("400", "403")])
def test_so_does_the_api_alone(port, name):
    with opened(port, f"{ANSWERS[name][0]}\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()) as sock:
        assert WANTED.items() <= heads(sock.recv(1 << 16)).items()


@pytest.mark.parametrize(
    ("said", "policy"),
    [
        ("", "'self'"),
        ("https://a.example", "'self' https://a.example"),
        (" https://a.example, http://*.b.example:8888 ", "'self' https://a.example http://*.b.example:8888"),
        ("*", "'self' *"),
        ("http://[::1]:8888", "'self' http://[::1]:8888"),
    ],
)
def test_who_embeds_says_where(monkeypatch, said, policy):
    monkeypatch.setenv("EXPLORER_FRAME_ANCESTORS", said)
    assert ("Content-Security-Policy", f"frame-ancestors {policy}") in wire.answer_headers()


@pytest.mark.parametrize("path", ["; script-src *", "\r\nX: y", "/path", " a.example", " 'none'", " javascript:x"])
def test_what_is_no_origin_to_embed_is_refused(monkeypatch, path):
    monkeypatch.setenv("EXPLORER_FRAME_ANCESTORS", f"https://a.example{path}")
    with pytest.raises(InvalidValue, match="EXPLORER_FRAME_ANCESTORS"):
        wire.answer_headers()


@pytest.mark.parametrize("size", [wire.SOCKET_BYTES + 1, 1 << 20, 15 << 20])
def test_the_apps_live_socket_closes_at_the_same_size_as_serves(app_port, port, size):
    for each in (app_port, port):
        with live(each) as sock, pytest.raises(ConnectionClosed) as closed:
            ask(sock, " " * size)
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1009  # None: still sending when the other side had gone
    with live(app_port) as sock:  # below it: read, and refused by live.py
        assert "too large" in ask(sock, " " * 60_000)[0]["error"]


def test_streamlits_own_socket_still_takes_what_its_pages_send(app_port):
    from streamlit.proto.BackMsg_pb2 import BackMsg

    message = BackMsg()
    message.rerun_script.query_string = "x=" + "y" * (1 << 20)
    with connect(f"ws://127.0.0.1:{app_port}/_stcore/stream", max_size=None, subprotocols=["streamlit"]) as sock:
        sock.send(message.SerializeToString())
        assert sock.recv(timeout=PATIENCE)


@pytest.fixture
def hasty(monkeypatch):
    """Limits of time that a test can wait for."""
    for name, seconds in {"HEAD_SECONDS": 0.3, "BODY_SECONDS": 0.5, "STALL_SECONDS": 0.5}.items():
        monkeypatch.setattr(wire, name, seconds)


HALF_SENT = {
    "nothing": (b"", b""),
    "half a head": (b"GET /api/health HTTP/1.1\r\nHost: loc", b"408"),
    "a head that never ends": (b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n", b"408"),
    "no body": (POST, b"408"),
    "half a body": (POST + b'{"kind": ', b"408"),
    "a chunk that does not come": (POST.replace(b"Content-Length: 400", b"Transfer-Encoding: chunked") + b"5\r\n{", b"408"),
    "a body that nobody reads": (POST.replace(b"POST /api/jobs", b"GET /api/health"), b"200"),
    "half of a second request": (b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/hea", b"200"),
    "half a handshake": (b"GET /api/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n", b"408"),
}


@pytest.mark.parametrize("name", HALF_SENT)
def test_a_half_sent_request_is_closed(port, hasty, name):
    data, said = HALF_SENT[name]
    with opened(port, data) as sock:
        answer = rest(sock)
    assert answer[9:12] == said
    if answer:
        assert WANTED.items() <= heads(answer).items()
    assert get(port, "/api/health")[0] == 200


@pytest.mark.parametrize("start", [b"GET /api/health HTTP/1.1\r\nX-Long: ", POST])
def test_one_that_drips_is_closed_too(port, hasty, start):
    with opened(port, start) as sock, pytest.raises(OSError):
        for _ in range(200):  # the other side closes, and a later byte finds nobody
            sock.sendall(b" ")
            time.sleep(0.05)


def test_a_slow_body_that_keeps_coming_is_read_to_its_end(port, hasty, monkeypatch):
    monkeypatch.setattr(wire, "BODY_RATE", 10.0)
    body = b'{"kind": "none"}'
    with opened(port, POST.replace(b"400", str(len(body)).encode())) as sock:
        for at in range(len(body)):  # longer in all than BODY_SECONDS, at 20 bytes a second
            sock.sendall(body[at : at + 1])
            time.sleep(0.05)
        assert sock.recv(1 << 16)[9:12] == b"400"


def test_an_answer_that_takes_long_is_waited_for(port, hasty, tiny_host, monkeypatch):
    monkeypatch.setattr(type(tiny_host), "device_name", lambda host: time.sleep(1.2) or "cpu")
    assert get(port, "/api/health")[0] == 200


def test_who_never_reads_an_answer_is_let_go(port, hasty):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", port))
        sock.settimeout(PATIENCE)
        sock.sendall(b"GET /api/static/plotly.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(1.5)
        answer = rest(sock)
    size = int(re.search(rb"content-length: (\d+)", answer)[1])
    assert len(answer) < size, "it was cut"


@pytest.mark.parametrize("data", [POST, POST + b'{"kind"', POST.replace(b"Content-Length: 400", b"Transfer-Encoding: chunked") + b"5\r\n{"])
def test_a_post_that_its_sender_cuts_off_is_no_error_of_ours(port, data, caplog):
    with caplog.at_level(logging.INFO):
        with opened(port, data):
            time.sleep(0.2)
        until = time.monotonic() + PATIENCE
        while "cut off by its sender" not in caplog.text and time.monotonic() < until:
            time.sleep(0.05)
        assert get(port, "/api/health")[0] == 200
    assert "cut off by its sender" in caplog.text and "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
