"""The server's side of every connection: headers that each answer carries, and limits of time and size.

uvicorn sets no limit on how long a request may take to arrive, and one message size for all WebSockets. Both are set here, for
`python -m engine serve` and for the app alike.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request, Response

from ..core import settings
from ..core.errors import InvalidValue

HEAD_SECONDS = 15.0  # for the head of a request, from the first byte that may belong to it
BODY_SECONDS, BODY_RATE = 30.0, 8192.0  # for a body: so many seconds, and one more for each so many bytes that have come
STALL_SECONDS = 60.0  # for which a client may leave an answer unread before the connection is cut
SOCKET_BYTES = 1 << 16  # a message of a live socket; a longer one closes it (live.py refuses those over 4 KiB)
STREAM_BYTES = 16 << 20  # a message of Streamlit's own socket; files do not come that way
LIVE = "/api/live"
ANCESTOR = re.compile(r"\*|https?://[A-Za-z0-9.*_-]+(:([0-9]{1,5}|\*))?|http://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


def frame_ancestors() -> str:
    """Who may show the pages in a frame, as CSP sources: this server, and those of EXPLORER_FRAME_ANCESTORS. Raises InvalidValue."""
    named = settings.frame_ancestors()
    for name in named:
        if not ANCESTOR.fullmatch(name):
            like = "https://notebooks.example"
            raise InvalidValue(f"EXPLORER_FRAME_ANCESTORS lists origins such as {like}, with a space between them; got {name[:60]!r}.")
    return " ".join(["'self'", *named])


def answer_headers() -> list[tuple[str, str]]:
    """What every answer carries, errors and static files included. Raises InvalidValue.

    The referrer stays within this server because addresses say what is looked at. It is not `no-referrer`, with which browsers
    send `Origin: null` for the page's own POSTs.
    """
    return [
        ("Content-Security-Policy", f"frame-ancestors {frame_ancestors()}"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
    ]


class Configuration(uvicorn.Config):
    """uvicorn's, with the headers of every answer. Raises InvalidValue where EXPLORER_FRAME_ANCESTORS cannot be read."""

    def __init__(self, app: Callable, **options: Any):
        super().__init__(app, **options)
        self.answer_headers = answer_headers()


def configuration(app: Callable, **options: Any) -> Configuration:
    """How to serve an application. Raises InvalidValue where EXPLORER_FRAME_ANCESTORS cannot be read."""
    return Configuration(
        app,
        http=Http,
        ws=Socket,
        ws_max_size=STREAM_BYTES,
        ws_per_message_deflate=False,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        **options,
    )


def headers_of(config: uvicorn.Config) -> list[tuple[str, str]]:
    assert isinstance(config, Configuration), "a protocol of ours is served with `configuration`"
    return config.answer_headers


class Connection(h11.Connection):
    """An HTTP connection whose every answer carries some headers, also those that uvicorn writes itself (400, 500)."""

    def __init__(self, headers: list[tuple[str, str]]):
        super().__init__(h11.SERVER)
        self.more = [(name.lower().encode(), value.encode()) for name, value in headers]

    def send(self, event: Any) -> bytes | None:
        if type(event) is h11.Response:
            more = [each for each in self.more if each[0] not in {name for name, _ in event.headers}]
            event = h11.Response(status_code=event.status_code, headers=[*event.headers.raw_items(), *more], reason=event.reason)
        return super().send(event)


class Stalled(asyncio.Protocol):
    """Part of a protocol: a connection whose other side does not read is cut, so that what waits for it is let go."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    stalled: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self.stalled = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self.flows()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.flows()
        super().connection_lost(exc)

    def flows(self) -> None:
        if self.stalled is not None:
            self.stalled.cancel()
            self.stalled = None


class Http(Stalled, H11Protocol):
    """HTTP/1.1 with a time limit on the arrival of each request."""

    def __init__(self, config: uvicorn.Config, *args: Any, **options: Any):
        super().__init__(config, *args, **options)
        self.conn = Connection(headers_of(config))
        self.awaited: str | None = None  # "head" or "body" of a request
        self.since, self.came = 0.0, 0
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.look()

    def data_received(self, data: bytes) -> None:
        self.came += len(data)
        super().data_received(data)
        self.look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.look()

    def connection_lost(self, exc: Exception | None) -> None:
        self.forget()
        super().connection_lost(exc)

    def look(self) -> None:
        """Note what is waited for, and set the clock where that is something new."""
        upgraded = self.transport.get_protocol() is not self
        state = None if upgraded or self.transport.is_closing() else self.conn.their_state
        awaited = {h11.IDLE: "head", h11.SEND_BODY: "body"}.get(state)
        if awaited == self.awaited:
            return
        self.forget()
        self.awaited, self.since, self.came = awaited, self.loop.time(), 0
        if awaited is not None:
            self.timer = self.loop.call_at(self.due(), self.late)

    def due(self) -> float:
        return self.since + (HEAD_SECONDS if self.awaited == "head" else BODY_SECONDS + self.came / BODY_RATE)

    def late(self) -> None:
        """Cut the connection, unless enough of a body has come, or it was the application that did not read."""
        if self.flow.read_paused:
            self.since, self.came = self.loop.time(), 0
        if self.due() > self.loop.time():
            self.timer = self.loop.call_at(self.due(), self.late)
            return
        said = self.awaited == "body" or self.came  # a browser's spare connection just ends
        self.forget()
        if said and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            refused = h11.Response(status_code=408, headers=[("content-length", "0"), ("connection", "close")], reason=b"Request Timeout")
            for event in (refused, h11.EndOfMessage()):
                written = self.conn.send(event)
                assert written is not None, "only the end of a connection is no bytes"
                self.transport.write(written)
        self.transport.close()

    def forget(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.awaited = None


class Socket(Stalled, WebSocketsSansIOProtocol):
    """A WebSocket with the message size of its route."""

    def handle_connect(self, event: Request) -> None:
        if event.path.partition("?")[0].endswith(LIVE):
            self.conn.max_message_size = SOCKET_BYTES
        send = self.conn.send_response

        def dressed(response: Response) -> None:
            for name, value in headers_of(self.config):
                if name not in response.headers:
                    response.headers[name] = value
            send(response)

        self.conn.send_response = dressed
        super().handle_connect(event)
