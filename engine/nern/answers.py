"""What the live socket answers about NeRNs (`live.py` names the ops)."""

from __future__ import annotations

import numpy as np

from ..errors import InvalidValue
from ..host import Host
from . import hosted
from .coordinates import similarity
from .permutations import KINDS

LEVELS_LIMIT, POINTS_LIMIT = 256, 512


def look_of(question: dict) -> hosted.Look:
    return hosted.Look(question.get("prune", 0.0), question.get("bits", 32))


def found_of(host: Host, question: dict, needs_nern: bool = False) -> hosted.Hosted:
    """What a question is about: `nern`, or an `original` that has none."""
    nern, original = question.get("nern"), question.get("original")
    if isinstance(nern, str):
        return hosted.hosted(host, nern=nern)
    if needs_nern or not isinstance(original, str):
        raise InvalidValue('Say which: {"nern": "<id>"}' + ("." if needs_nern else ' or {"original": "<id>"}.'))
    return hosted.hosted(host, original=original)


def nern(host: Host, question: dict) -> tuple[dict, dict[str, np.ndarray]]:
    """Accuracy and size of a NeRN's network, its predictor pruned and quantised."""
    found_of(host, question, needs_nern=True)
    return hosted.measure(host, question["nern"], look_of(question), question.get("images")), {}


def kernels(host: Host, question: dict) -> tuple[dict, dict[str, np.ndarray]]:
    found = found_of(host, question)
    return hosted.kernels(host, found, look_of(question), question.get("layer"), question.get("first", 0), question.get("count", 8), question.get("order", "none"))


def importance(host: Host, question: dict) -> tuple[dict, dict[str, np.ndarray]]:
    count = question.get("count", 6)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= hosted.IMAGES_LIMIT:
        raise InvalidValue(f"count is a number of images from 1 to {hosted.IMAGES_LIMIT}; got {str(count)[:40]!r}.")
    return hosted.importance(host, found_of(host, question, needs_nern=True), look_of(question), question.get("layer"), question.get("class"), count)


def smoothness(host: Host, question: dict) -> tuple[dict, dict[str, np.ndarray]]:
    return hosted.smooth(host, found_of(host, question)), {}


def orders(host: Host, question: dict) -> tuple[dict, dict[str, np.ndarray]]:
    """The permutation of a layer, int as float32 [F C], for each kind."""
    found = found_of(host, question)
    index, layer = found.layer(question.get("layer"))
    if layer.filters * layer.channels > hosted.KERNELS_LIMIT:
        raise InvalidValue(f"{layer.name} has {layer.filters * layer.channels} kernels, too many to draw one by one. Choose a smaller layer.")
    arrays = {kind: hosted.order_of(found, index, kind).astype(np.float32) for kind in KINDS}
    return {"layer": layer.name, "filters": layer.filters, "channels": layer.channels}, arrays


def embedding(host: Host, question: dict) -> tuple[dict, dict[str, np.ndarray]]:
    """Cosine similarity of the embeddings of (0, 0, c) to that of (0, 0, at) (paper, fig. 8), float32 [count]."""
    base, levels, count, at = (question.get(name, default) for name, default in (("base", 0.76), ("levels", 40), ("count", 64), ("at", 31)))
    if isinstance(base, bool) or not isinstance(base, int | float) or not 0.01 <= base <= 4:
        raise InvalidValue(f"base is a number from 0.01 to 4; got {str(base)[:40]!r}.")
    for name, value, low, high in (("levels", levels, 1, LEVELS_LIMIT), ("count", count, 1, POINTS_LIMIT), ("at", at, 0, POINTS_LIMIT)):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InvalidValue(f"{name} is a whole number from {low} to {high}; got {str(value)[:40]!r}.")
    if at >= count:
        raise InvalidValue(f"at is below count ({count}); got {at}.")
    return {"base": base, "levels": levels, "at": at}, {"similarity": similarity(base, levels, at, count).numpy().astype(np.float32)}


OPS = {"nern": nern, "nern_kernels": kernels, "nern_importance": importance, "nern_smoothness": smoothness, "nern_orders": orders, "nern_embedding": embedding}
