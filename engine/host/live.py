"""The live path: one WebSocket a page, small JSON questions, small binary answers.

A question is {"id", "op", ...}; a file of `ops` answers each op. A bad one gets {"id", "ok": false, "error", "kind"}
as text and the socket goes on. Questions of one socket are answered in their order.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..core.errors import ExplorerError, InvalidValue
from ..core.frames import frame
from . import ops
from .host import Host

log = logging.getLogger(__name__)

MESSAGE_BYTES = 4096
RATE, BURST = 200.0, 400.0  # questions a second that one socket may ask on and on, and at once
PAUSE = 0.5  # seconds for which a socket that asks more is not read


class Bucket:
    """A token bucket: `take` is False when there have been more than BURST and RATE allow."""

    def __init__(self, now: float):
        self.tokens, self.last = BURST, now

    def take(self, now: float) -> bool:
        self.tokens = min(BURST, self.tokens + RATE * (now - self.last))
        self.last = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def serve_live(host: Host) -> Callable:
    """The endpoint of the live WebSocket over a host."""

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        bucket = Bucket(time.monotonic())
        try:
            while (message := await socket.receive())["type"] != "websocket.disconnect":
                if not bucket.take(time.monotonic()):
                    await socket.send_text(
                        refuse(
                            None,
                            "TooFrequent",
                            f"Too many messages: at most {RATE:.0f} a second. Wait for each answer before the next question.",
                        )
                    )
                    await asyncio.sleep(PAUSE)
                    continue
                reply = await run_in_threadpool(answer, host, message.get("text"))
                await (socket.send_text(reply) if isinstance(reply, str) else socket.send_bytes(reply))
        except WebSocketDisconnect:  # gone while it was answered
            pass

    return live


def answer(host: Host, text: str | None) -> bytes | str:
    """The message that answers `text` (None: it was binary)."""
    started = time.perf_counter()
    number = None
    try:
        question = parse(text)
        number = question.get("id") if type(question.get("id")) is int else None
        op = question.get("op")
        if not isinstance(op, str) or op not in ops.names():
            raise InvalidValue(f"There is no op {str(op)[:40]!r}. Use one of: {', '.join(ops.names())}.")
        header, arrays = ops.module(op).answer(host, question)
    except ExplorerError as error:
        return refuse(number, type(error).__name__, str(error))
    except Exception:  # ours: the log gets all of it, the other side a sentence; a closed socket would ask the same again
        log.exception("A live question failed: %.200r", text)
        return refuse(number, "Internal", "The explorer failed to answer this; see its log. Everything else still works.")
    return frame({"id": number, "ok": True, **header, "server_ms": round(1000 * (time.perf_counter() - started), 3)}, arrays)


def refuse(number: int | None, kind: str, reason: str) -> str:
    return json.dumps({"id": number, "ok": False, "error": reason, "kind": kind})


def parse(text: str | None) -> dict:
    """The question as a dict. Raises InvalidValue."""
    if text is None:
        raise InvalidValue("A binary message cannot be read here: send one JSON object as text.")
    if len(text) > MESSAGE_BYTES or len(text.encode("utf-8", "replace")) > MESSAGE_BYTES:
        raise InvalidValue(f"The message is too large: at most {MESSAGE_BYTES} bytes.")
    try:
        question = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"The message is not JSON ({str(error)[:80]}). Send one JSON object.") from error
    if not isinstance(question, dict):
        raise InvalidValue('The message is not a JSON object. Send {"id": 1, "op": "step", ...}.')
    return question
