"""What a classifier is asked while a thumb moves: some test images, their classes, and how many are right.

Legend: B images, C channels, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...core.errors import InvalidValue
from ...datasets import Images
from ...nets.answers import classes_of_one
from ...nets.fast import fastest
from ...nets.stacked import stacking_pays

LIVE_IMAGES, LIVE_PIXELS = 1000, 256 * 32 * 32  # test images that a live answer rests on at most, and what they may have of pixels
PIECE_PIXELS = 256_000  # image pixels of one piece of device work: 4 000 images of 8x8, 250 of 32x32


def live_images(shape: tuple[int, ...]) -> int:
    """How many of so many images [B, C, H, W] a live answer rests on."""
    count, _, rows, cols = shape
    return min(count, LIVE_IMAGES, max(1, LIVE_PIXELS // (rows * cols)))


def image_count(images: Any, data: Callable[[], Images]) -> int:
    """How many test images `images` asks for: a number, None (the live budget), "all", or "none", which needs no `data`. Raises
    InvalidValue, and what `data` does."""
    if images == "none":
        return 0
    shape = data().images["test"].shape
    if images is None:
        return live_images(shape)
    if images == "all":
        return shape[0]
    if isinstance(images, bool) or not isinstance(images, int) or not 1 <= images <= shape[0]:
        raise InvalidValue(f"images must be a number from 1 to {shape[0]} (the test split), 'all' or 'none'; got {str(images)[:40]!r}.")
    return images


def answers_of(device: Any, network: Any, images_BCHW: Any, n: int) -> tuple[np.ndarray, str]:
    """Predicted classes int64 [n] of the first n images, and the dtype that they were computed in: float32 on all of them, on fewer what is
    fastest. `device` is the host; it turns to others after each piece."""
    piece = max(1, PIECE_PIXELS // (images_BCHW.shape[-2] * images_BCHW.shape[-1]))
    dtype = torch.float32 if n == len(images_BCHW) else fastest(network.arch, images_BCHW.device)
    run = device.run if stacking_pays(network.arch, images_BCHW.device) else device.run_wide
    parts = [run(classes, network, images_BCHW[first : min(first + piece, n)], dtype) for first in range(0, n, piece)]
    return np.concatenate(parts), str(dtype).removeprefix("torch.")


def classes(network: Any, images_BCHW: Tensor, dtype: torch.dtype) -> np.ndarray:
    """Predicted classes int64 [B] of one network."""
    return classes_of_one(network.parameters_P, images_BCHW, network.arch, dtype).cpu().numpy()


def answer(host: Any, found: Any, question: Mapping[str, Any]) -> tuple[dict, dict[str, np.ndarray]]:
    """The accuracy of a network (None with "images": "none"), and as "want" says figures per class and the classes themselves."""
    found = host.measured(found, image_count(question.get("images"), found.space.needed_images))
    if not found.n:
        return {"accuracy": None}, {}
    header: dict[str, Any] = {
        "accuracy": {
            **figure(found),
            "right": found.right,
            "n": found.n,
            "total": found.total,
            "dtype": found.dtype,
            "split": found.split,
        }
    }
    wants, arrays = question.get("want", ()), {}
    if "per_class" in wants:
        header["per_class"] = found.per_class
    if "answers" in wants:
        arrays["answers"] = found.answers.astype(np.uint8)
    return header, arrays


def between(host: Any, found: Sequence[Any], question: Mapping[str, Any]) -> tuple[dict, list[dict]]:
    """The accuracy of each network, on as many test images as `image_count` says; not measured with "images": "none"."""
    n = image_count(question.get("images"), found[0].space.needed_images)
    steps = [host.measured(each, n) for each in found]
    basis = {"n": n, "total": steps[0].total, "dtype": steps[0].dtype, "on": "test images"}
    return basis, [figure(each) if n else {"value": None} for each in steps]


def figure(found: Any) -> dict:
    """An accuracy and its interval, in 0..1."""
    return {"value": found.accuracy, "low": found.low, "high": found.high}


def exported(host: Any, found: Any) -> dict:
    """Metrics of a network that is written to a file, measured now on all test images; none where these are not available."""
    if found.space.images is None:
        return {}
    found = host.measured(found, len(found.space.images.labels["test"]))
    return {"test_accuracy": {"value": found.accuracy, "split": found.split, "n": found.n, "low": found.low, "high": found.high}}
