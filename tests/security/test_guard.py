"""Foreign Hosts and Origins are refused over HTTP and over the WebSocket; this server's own page and plain clients are not."""

from __future__ import annotations

import json

import pytest
from starlette.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from engine.api.guard import FOREIGN, allowed_hosts, base_path, refusal, relative
from engine.core.errors import InvalidValue
from tests.serving import ask, get, live, serving
from tests.tiny import SPACE

FOREIGN_HOSTS = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example:8501",
    "evil@127.0.0.1",
    "",
    "127.0.0.1/x",
    "[::1",
    "0.0.0.0",
]
FOREIGN_ORIGINS = [
    "http://evil.example",
    "null",
    "http://127.0.0.1:1",
    "https://127.0.0.1:{port}",
    "http://127.0.0.1.evil.example:{port}",
    "http://localhost:{port}",
    "file://",
    "",
]
ROUTES = [
    "health",
    "artifacts",
    f"spaces/{SPACE}",
    f"spaces/{SPACE}/images",
    f"spaces/{SPACE}/sheet",
    f"spaces/{SPACE}/network",
    "static/plotly.min.js",
    "no/such/route",
]


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_refuses_a_foreign_host(port, route):
    status, body, _ = get(port, f"/api/{route}", Host="evil.example")
    assert status == 403 and json.loads(body)["kind"] == "ForeignHost"
    status, body, _ = get(port, f"/api/{route}", Origin="http://evil.example")
    assert status == 403 and json.loads(body)["kind"] == "ForeignOrigin"


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_is_refused(port, host):
    status, body, _ = get(port, "/api/health", Host=host)
    assert status in (400, 403) and b"ok" not in body


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_page_cannot_open_the_socket(port, origin):
    with live(port, additional_headers={"Origin": origin.format(port=port)}) as socket, pytest.raises(ConnectionClosed) as closed:
        socket.send("{}")
        socket.recv(timeout=10)
    assert closed.value.rcvd.code == FOREIGN and "explorer's own page" in closed.value.rcvd.reason


def test_a_socket_by_a_foreign_name_is_closed(port):
    import socket as plain

    with (
        plain.create_connection(("127.0.0.1", port)) as sock,
        connect(f"ws://evil.example:{port}/api/live", sock=sock) as socket,
        pytest.raises(ConnectionClosed) as closed,
    ):
        socket.recv(timeout=10)
    assert closed.value.rcvd.code == FOREIGN and "host name" in closed.value.rcvd.reason


@pytest.mark.parametrize("origin", [None, "http://127.0.0.1:{port}"])
def test_the_own_page_and_plain_clients_pass(port, question, origin):
    headers = {} if origin is None else {"Origin": origin.format(port=port)}
    assert get(port, "/api/health", **headers)[0] == 200
    with live(port, additional_headers=headers) as socket:
        assert ask(socket, question)[0]["ok"]


@pytest.mark.parametrize(
    ("host", "origin", "more", "kind"),
    [
        ("[::1]:8501", "http://[::1]:8501", (), None),
        ("LOCALHOST:8501", "http://localhost:8501", (), None),
        ("explorer.lab", "http://explorer.lab", (), "ForeignHost"),
        ("explorer.lab", "http://explorer.lab", ("Explorer.Lab",), None),
        ("explorer.lab:8501", "https://explorer.lab", ("explorer.lab",), None),  # a proxy ends TLS
        ("127.0.0.1:8501", "http://evil.example", ("explorer.lab",), "ForeignOrigin"),
        ("127.0.0.1:8501", "http://localhost:3000", ("explorer.lab",), "ForeignOrigin"),  # another local server's page
    ],
)
def test_allowed_names(host, origin, more, kind):
    found = refusal(Headers({"host": host, "origin": origin}), "http", allowed_hosts(more))
    assert (found and found[0]) == kind


def test_two_hosts_or_origins_are_refused():
    hosts = allowed_hosts()
    twice = Headers(raw=[(b"host", b"localhost"), (b"host", b"evil.example")])
    assert refusal(twice, "http", hosts)[0] == "ForeignHost"
    twice = Headers(raw=[(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"origin", b"http://evil.example")])
    assert refusal(twice, "http", hosts)[0] == "ForeignOrigin"


def test_names_from_the_environment(monkeypatch):
    monkeypatch.setenv("EXPLORER_ALLOWED_HOSTS", " lab.example , [fd00::1],")
    assert {"lab.example", "fd00::1", "localhost"} <= allowed_hosts() and "" not in allowed_hosts()


@pytest.mark.parametrize(
    ("site", "passes"), [("cross-site", False), ("same-site", False), ("", False), ("same-origin", True), ("none", True)]
)
@pytest.mark.parametrize("route", ["health", "static/plotly.min.js", f"spaces/{SPACE}/mesh", "jobs"])
def test_the_api_answers_no_other_sites_page_even_where_it_sends_no_origin(port, route, site, passes):
    status, body, _ = get(port, f"/api/{route}", **{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"})
    assert (status == 403 and json.loads(body)["kind"] == "ForeignOrigin") != passes


def test_a_link_from_another_site_may_open_a_page():
    assert refusal(Headers({"host": "localhost", "sec-fetch-site": "cross-site"}), "http", allowed_hosts(), "/interpolation") is None


@pytest.mark.parametrize("path", ["/api/health", "/user/ada/x/api/health"])
@pytest.mark.parametrize("site", ["cross-site", "none"])
def test_a_base_path_changes_neither_what_is_served_nor_what_is_refused(tiny_host, monkeypatch, path, site):
    monkeypatch.setenv("EXPLORER_BASE_PATH", "user/ada/x/")
    with serving(tiny_host) as port:
        assert get(port, path, **{"Sec-Fetch-Site": site})[0] == (403 if site == "cross-site" else 200)
        assert get(port, "/user/ada/y/api/health")[0] == 404
        status, _, headers = get(port, "/user/ada/x?q=1")
        assert (status, headers["location"]) == (308, "x/")
        with connect(f"ws://127.0.0.1:{port}/user/ada/x/api/live") as socket:
            assert ask(socket, "{}")[0]["kind"] == "InvalidValue"


@pytest.mark.parametrize("named", ["../x", "/x/../y", "/x y", "/x?y", "/x//y", "/\r\nX: y", "/%2e"])
def test_what_is_no_base_path_is_refused(monkeypatch, named):
    monkeypatch.setenv("EXPLORER_BASE_PATH", named)
    with pytest.raises(InvalidValue, match="EXPLORER_BASE_PATH"):
        base_path()


@pytest.mark.parametrize(
    ("target", "path", "wanted"),
    [
        ("/nern?a=/b", "/nern/", "../nern?a=/b"),
        ("/nern", "/nern///", "../../../nern"),
        ("/", "/nern", "./"),
        ("/a:b/c", "/c", "./a:b/c"),
        *((other, "/c", other) for other in ("https://a.example/b", "//a.example", "../b")),
    ],
)
def test_redirects_do_not_name_the_root(target, path, wanted):
    assert relative(target, path) == wanted
