"""The live path: one WebSocket a page, small JSON questions, small binary answers.

A question is {"id", "op", ...}; OPS holds a plain function for each op. A bad one gets {"id", "ok": false, "error", "kind"}
as text and the socket goes on. Questions of one socket are answered in their order.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from .errors import ExplorerError, InvalidValue
from .frames import frame, to_bytes
from .host import Host, Step
from .meshing import Mesh
from .nern import live as nern
from .shapes import viewing

log = logging.getLogger(__name__)

MESSAGE_BYTES = 4096
RATE, BURST = 200.0, 400.0  # questions a second that one socket may ask on and on, and at once
PAUSE = 0.5  # seconds for which a socket that asks more is not read
WANTS = ("accuracy", "per_class", "answers", "prep")
GAMMAS_LIMIT = 51


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
                    await socket.send_text(refuse(None, "TooFrequent", f"Too many messages: at most {RATE:.0f} a second. Wait for each answer before the next question."))
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
        if not isinstance(op, str) or op not in OPS:
            raise InvalidValue(f"There is no op {str(op)[:40]!r}. Use one of: {', '.join(OPS)}.")
        header, arrays = OPS[op](host, question)
    except ExplorerError as error:
        return refuse(number, type(error).__name__, str(error))
    except Exception:  # ours: the log gets all of it, the other side a sentence; a closed socket would ask the same again
        log.exception("A live question failed: %.200r", text)
        return refuse(number, "Internal", "The explorer failed at this; its log says more. The rest still works.")
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


def step(host: Host, question: dict) -> tuple[dict, dict[str, np.ndarray]]:
    """One network: accuracy, and as `want` says per-class figures, answers, PRep."""
    wants, place = wanted(question), line(question)
    found = host.step(**place, gamma=question.get("gamma"))
    header, arrays = described(found, wants)
    if "prep" in wants:
        high, prep = host.colour_range(place["space_id"], place["a"], place["b"]), found.prep
        header["prep"] = {"rows": prep.shape[0], "cols": prep.shape[1], "vmin": -high, "vmax": high}
        arrays["prep"] = to_bytes(prep, -high, high)
    return header, arrays


def described(found: Step, wants: list[str]) -> tuple[dict, dict[str, np.ndarray]]:
    """What every answer says of a network: its architecture (with the ClassIds' probabilities, where there are several), how far
    outside of the zoo it lies (None of mixed weights), its accuracy (None where it was only decoded), and as `wants` says
    per-class figures and answers."""
    header: dict = {"gamma": found.gamma, "path": found.path, "network": architecture_of(found), "accuracy": None, "outside": found.outside and found.outside.said()}
    arrays: dict[str, np.ndarray] = {}
    if not found.n:
        return header, arrays
    header["accuracy"] = {**figure(found), "right": found.right, "n": found.n, "total": found.total, "dtype": found.dtype, "split": found.split}
    if "per_class" in wants:
        header["per_class"] = found.per_class
    if "answers" in wants:
        arrays["answers"] = found.answers.astype(np.uint8)
    return header, arrays


def corner(host: Host, question: dict) -> tuple[dict, dict[str, np.ndarray]]:
    """One network of the square of four instances, at x and y."""
    wants = wanted(question)
    place = line({**question, "a": "", "b": ""})
    found = host.corner(place["space_id"], question.get("corners"), question.get("x"), question.get("y"), place["images"])
    header, arrays = described(found, wants)
    return {**header, "x": question["x"], "y": question["y"]}, arrays


def curve(host: Host, question: dict) -> tuple[dict, dict[str, np.ndarray]]:
    """Accuracy at each of some gammas."""
    gammas = question.get("gammas")
    if not isinstance(gammas, list) or not 1 <= len(gammas) <= GAMMAS_LIMIT:
        raise InvalidValue(f"gammas is a list of 1 to {GAMMAS_LIMIT} numbers from 0 to 1; got {str(gammas)[:60]!r}.")
    place = line(question)
    if place["images"] == "none":
        raise InvalidValue("A curve is of accuracies: images is a number, 'all' or left out.")
    steps = [host.step(**place, gamma=gamma) for gamma in gammas]
    return {"path": place["path"], "n": steps[0].n, "dtype": steps[0].dtype, "points": [{"gamma": found.gamma, **figure(found), "architecture": found.network.arch.id} for found in steps]}, {}


def wanted(question: dict) -> list[str]:
    """What an answer is to hold. Raises InvalidValue."""
    wants = question.get("want", ["accuracy"])
    if not isinstance(wants, list) or not all(isinstance(want, str) and want in WANTS for want in wants):
        raise InvalidValue(f"want is a list of some of {', '.join(WANTS)}; got {str(wants)[:60]!r}.")
    return wants


def architecture_of(found: Step) -> dict:
    """{"id", "family", "parameters"}, and in a space of several architectures "classes", the probability of each ClassId."""
    network = found.network
    about = {"id": network.arch.id, "family": network.arch.family, "parameters": network.arch.parameters}
    return about if network.classes_A is None else {**about, "classes": [round(share, 4) for share in network.classes_A.tolist()]}


def figure(found: Step) -> dict:
    """An accuracy and its interval, in 0..1."""
    return {"value": found.accuracy, "low": found.low, "high": found.high}


def line(question: dict) -> dict:
    """What places a question: space, anchors, path, images. Raises InvalidValue for what is no text."""
    texts = {name: question.get(name) for name in ("space", "a", "b")} | {"path": question.get("path", "embedding")}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise InvalidValue(f"{name} is a text; got {str(value)[:40]!r}.")
    return {"space_id": texts["space"], "a": texts["a"], "b": texts["b"], "path": texts["path"], "images": question.get("images")}


def view(question: dict) -> viewing.View:
    """What shape a question looks at. Raises InvalidValue."""
    place = line(question)
    del place["images"]
    return viewing.View(**place, gamma=question.get("gamma"), resolution=question.get("resolution", 48), level=question.get("level", 0.0))


def mesh(host: Host, question: dict) -> tuple[dict, dict[str, np.ndarray]]:
    """The surface of one network as vertices [V, 3] and faces [F, 3]; `surface` is "outside" or "inside" where there is none."""
    asked = view(question)
    found = viewing.surface(host, asked)
    outside = viewing.outside(host, asked)
    header = {"gamma": asked.gamma, "path": asked.path, "resolution": asked.resolution, "level": asked.level, "evaluated": found.evaluated, "outside": outside and outside.said()}
    if not isinstance(found, Mesh):
        return {**header, "surface": found.side}, {}
    return {**header, "surface": "mesh"}, {"vertices": found.vertices_V3, "faces": found.faces_F3.astype(np.uint32)}


def measures(host: Host, question: dict) -> tuple[dict, dict[str, np.ndarray]]:
    """What is said of that surface: see viewing.measures."""
    asked = view(question)
    return {"gamma": asked.gamma, "path": asked.path, "resolution": asked.resolution, "level": asked.level, **viewing.measures(host, asked)}, {}


OPS: dict[str, Callable[[Host, dict], tuple[dict, dict[str, np.ndarray]]]] = {"step": step, "corner": corner, "curve": curve, "mesh": mesh, "measures": measures, **nern.OPS}
