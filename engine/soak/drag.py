"""People who drag: each a live socket with one question in flight, at most one a frame, as the page asks them."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Self

from ..bench.measure import p95
from ..core.errors import DataMissing

WANT = ["accuracy", "per_class", "answers", "prep"]
TICK = 1 / 60  # a browser sends at most once a frame
PATIENCE = 60.0  # seconds for an answer
STEPS = 101


def note(errors: dict, kind: str, example: object) -> None:
    row = errors.setdefault(kind, {"count": 0, "example": str(example)[:300]})
    row["count"] += 1


def watched(work: Callable[[], None], errors: dict) -> Callable[[], None]:
    """`work` for a thread, whose end by any failure is an error of the soak and not lost with the thread."""

    def run() -> None:
        try:
            work()
        except Exception as error:
            note(errors, threading.current_thread().name, repr(error))

    return run


class Meanwhile:
    """Something that goes on in a thread while the block runs, until `ended` is set."""

    def __init__(self, name: str, work: Callable[[], None], errors: dict, patience: float | None = None):
        self.errors, self.patience, self.ended = errors, patience, threading.Event()
        self.thread = threading.Thread(target=watched(work, errors), name=name, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.ended.set()
        self.thread.join(self.patience)


def fetched(port: int, path: str, body: dict | None = None, method: str | None = None) -> dict:
    """A JSON answer of the API. Raises OSError, ValueError."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def questions(port: int, space: str) -> dict:
    """{"space", "ids"} of what is dragged. Raises DataMissing."""
    try:
        return {"space": space, "ids": fetched(port, f"/api/spaces/{space}")["instances"]["id"]}
    except (OSError, ValueError, KeyError) as error:
        raise DataMissing(f"The soak drags in {space}, which does not answer ({error}).") from error


def drag(asked: dict, seed: int) -> Iterator[str]:
    """Questions without end: there and back between two instances, then between two others."""
    draw = random.Random(seed)
    number = 0
    while True:
        a, b = draw.sample(asked["ids"], 2)
        for step in range(2 * STEPS):
            number += 1
            gamma = round(abs(1 - step / STEPS), 4)
            yield json.dumps({"id": number, "op": "step", "space": asked["space"], "a": a, "b": b, "gamma": gamma, "want": WANT})


class Drags(Meanwhile):
    """`count` people who drag while the block runs."""

    def __init__(self, port: int, asked: dict, count: int, errors: dict):
        super().__init__("drags", lambda: asyncio.run(self.all()), errors, PATIENCE)
        self.port, self.asked, self.count = port, asked, count
        self.times: list[float] = []  # ms from question to answer

    async def all(self) -> None:
        await asyncio.gather(*(self.person(seed) for seed in range(self.count)))

    async def person(self, seed: int) -> None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        asks, address = drag(self.asked, seed), f"ws://127.0.0.1:{self.port}/api/live"
        while not self.ended.is_set():
            try:
                async with connect(address, max_size=None, compression=None, open_timeout=PATIENCE) as socket:
                    while not self.ended.is_set():
                        began = time.perf_counter()
                        await socket.send(next(asks))
                        reply = await asyncio.wait_for(socket.recv(), PATIENCE)
                        took = time.perf_counter() - began
                        self.times.append(1000 * took)
                        if isinstance(reply, str):
                            note(self.errors, "live refusal", reply)
                        await asyncio.sleep(max(0.0, TICK - took))
            except (OSError, TimeoutError, WebSocketException) as error:
                note(self.errors, "live socket", repr(error))
                await asyncio.sleep(1)

    def summary(self) -> dict:
        times = self.times or [float("nan")] * 2
        return {"answers": len(self.times), "median": round(statistics.median(times), 1), "p95": round(p95(times), 1)}
