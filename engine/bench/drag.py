"""One drag step on the server: decode, accuracy on all test images, picture of the PRep, framed for the socket."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from ..core.artifacts import Store
from ..core.errors import DataMissing
from ..host.host import Host
from ..host.live import answer
from ..tasks.task import PATHS
from . import row
from .measure import p95

SPACES = {"netspace-digits": 12.0, "netspace-digits-resnet8": 12.0, "netspace-digits-multi": 40.0}  # and the bar of each, alone, ms
WANT = ["accuracy", "per_class", "answers", "prep"]
STEPS, WARM_UP = 400, 40
PEOPLE, TICK = 4, 1 / 60  # a browser sends at most once a frame
BAR_FOUR = 60.0  # ms
PLANE, PLANE_FIRST = 5.0, 300.0  # s; ms
COARSEST, THREES = 8, 5  # the first of the page's strides (plane_map.js); how many threes
PLANES = {"netspace-digits": "", "netspace-chairs": "_chairs", "netspace-digits-inr": "_digits_inr"}  # and their rows' ends
PLACES = [[column / 14 - 0.25, row_ / 14 - 0.25] for row_ in range(21) for column in range(21)]


def questions(host: Host, space_id: str, person: int = 0, **more) -> list[str]:
    """A drag there and back between two instances, one question a step."""
    ids = list(host.space(space_id).table["id"])  # in a space of several architectures from the smallest to the largest
    anchors = {"a": ids[(7 * person) % len(ids)], "b": ids[-1 - (11 * person) % len(ids)]}
    gammas = [abs(1 - 2 * (step % 101) / 100) for step in range(STEPS)]
    return [
        json.dumps({"id": step, "op": "step", "space": space_id, **anchors, "gamma": gamma, "want": WANT, "images": "all", **more})
        for step, gamma in enumerate(gammas)
    ]


def shipped() -> tuple[Store, list[str]]:
    store = Store()
    found = [space for space in SPACES if store.has(space)]
    if not found:
        raise DataMissing("This row needs netspace-digits, which is not available: make it with `python -m engine train netspace-digits`.")
    return store, found


def named(name: str, space_id: str) -> str:
    return name + space_id.removeprefix("netspace-digits").replace("-", "_")


def step_p95() -> list[dict]:
    """p95 of one step with nobody else dragging, in ms, per shipped space; the reference is the bar."""
    store, spaces = shipped()
    host = Host(store, "cpu")
    rows = [row(named("drag_step_p95", space_id), alone(host, questions(host, space_id)), "ms", SPACES[space_id]) for space_id in spaces]
    host.close()
    return rows


def aligned_p95() -> list[dict]:
    """The same of the weights mixed after alignment: as they are, and with REPAIR."""
    store, spaces = shipped()
    host = Host(store, "cpu")
    ways = {"aligned_drag_p95": "aligned", "repaired_drag_p95": "aligned-repaired"}
    rows = [
        row(name, alone(host, questions(host, spaces[0], path=path, want=["accuracy"])), "ms", SPACES[spaces[0]])
        for name, path in ways.items()
    ]
    host.close()
    return rows


def alone(host: Host, drag: list[str]) -> float:
    """p95 in ms of a drag's steps, one after the other."""
    times = []
    for text in drag:
        began = time.perf_counter()
        reply = answer(host, text)
        times.append(1000 * (time.perf_counter() - began))
        assert isinstance(reply, bytes), reply
    return p95(times[WARM_UP:])


def step_p95_four() -> list[dict]:
    """p95 over four people who drag at once, from question to answer over sockets to a server of its own, in ms."""
    from ..api.server import listen

    store, spaces = shipped()
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "engine", "serve", "--port", str(port), "--device", "cpu", "--workspace", str(store.workspace)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            host = Host(store, "cpu")
            rows = [
                row(
                    named("drag_step_p95_four", space_id),
                    four(port, [questions(host, space_id, person) for person in range(PEOPLE)]),
                    "ms",
                    BAR_FOUR,
                )
                for space_id in spaces
            ]
            host.close()
        finally:
            server.terminate()
    return rows


def four(port: int, drags: list[list[str]]) -> float:
    """p95 in ms of all answers; each person asks once a frame at most, and only when the last answer is there."""
    times: list[float] = []
    threads = [threading.Thread(target=drag, args=(port, texts, times)) for texts in drags]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == len(drags) * (STEPS - WARM_UP), "a socket failed"
    return p95(times)


def drag(port: int, texts: list[str], times: list[float]) -> None:
    with connected(port) as socket:
        due = time.perf_counter()
        for step, text in enumerate(texts):
            time.sleep(max(0.0, due - time.perf_counter()))
            began = time.perf_counter()
            socket.send(text)
            reply = socket.recv(timeout=60)
            now = time.perf_counter()
            assert isinstance(reply, bytes), reply
            if step >= WARM_UP:
                times.append(1000 * (now - began))
            due = max(began + TICK, now)


def connected(port: int):
    """An open socket, once the server is up."""
    from websockets.sync.client import connect

    until = time.monotonic() + 60
    while True:
        try:
            return connect(f"ws://127.0.0.1:{port}/api/live", max_size=None, compression=None)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def planes(name: str, unit: str, bar: float, measured: Callable[[Callable, list[str]], float]) -> list[dict]:
    """A row of each shipped space of PLANES; `measured` gets what times a question (corners, path, places) and the space's ids."""
    store, _ = shipped()
    host = Host(store, "cpu")
    rows = []
    for space_id, suffix in PLANES.items():
        if not store.has(space_id):
            continue

        def seconds(corners: list[str], path: str, places: list, space_id: str = space_id) -> float:
            question = {"id": 0, "op": "plane", "space": space_id, "corners": corners, "path": path, "places": places}
            began = time.perf_counter()
            reply = answer(host, json.dumps(question))
            assert isinstance(reply, bytes), reply
            return time.perf_counter() - began

        ids = list(host.space(space_id).table["id"])
        seconds(ids[:3], PATHS[0], PLACES[:12])
        rows.append(row(name + suffix, measured(seconds, ids), unit, bar))
    host.close()
    return rows


def plane() -> list[dict]:
    """Seconds until all three maps of the page Plane are whole: 441 networks each, decoded or mixed, and measured as the page asks for
    it: of digits on all test images, of chairs on a sample of the grid, of signals on the pixels; the reference is the bar."""

    def whole(seconds: Callable, ids: list[str]) -> float:
        return sum(seconds(ids[:3], path, PLACES[at:][:12]) for path in PATHS for at in range(0, len(PLACES), 12))

    return planes("plane_441", "s", PLANE, whole)


def plane_first() -> list[dict]:
    """Milliseconds until the first picture, its coarsest places decoded and measured, of three networks nobody has looked at; the median
    of some threes."""
    coarse = [PLACES[21 * row_ + column] for row_ in range(0, 21, COARSEST) for column in range(0, 21, COARSEST)]

    def first(seconds: Callable, ids: list[str]) -> float:
        threes = [ids[at : at + 3] for at in range(3, 3 * (1 + THREES), 3)]
        return 1000 * statistics.median(seconds(corners, "embedding", coarse) for corners in threes)

    return planes("plane_first", "ms", PLANE_FIRST, first)
