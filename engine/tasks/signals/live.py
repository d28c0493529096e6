"""What a person sees of a signal while a thumb moves: its picture, and how like others it is.

Legend: N networks, K others, B pixels, S pixels a side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ...core.errors import InvalidValue
from ...core.frames import to_bytes
from .networks import pictures, psnr, values

LEAST, MOST = 8, 256  # pixels a side


def check_pixels(count: object) -> int:
    """Pixels a side of a picture. Raises InvalidValue."""
    if isinstance(count, bool) or not isinstance(count, int) or not LEAST <= count <= MOST:
        raise InvalidValue(f"pixels must be a whole number from {LEAST} to {MOST}, the side of the picture; got {str(count)[:40]!r}.")
    return count


def look(host: Any, found: Any, question: Mapping[str, Any]) -> tuple[dict, dict[str, np.ndarray]]:
    """The picture of a network, uint8 [S, S]. Raises InvalidValue."""
    pixels, network = check_pixels(question.get("pixels", 64)), found.network
    picture_1SS = host.run(pictures, network.parameters_P[None].to(host.device), network.arch, pixels, pixels)
    return {"pixels": pixels}, {"picture": to_bytes(picture_1SS[0].cpu().numpy(), 0.0, 1.0)}


def between(host: Any, found: Sequence[Any], ends: Mapping[str, Any]) -> tuple[dict, list[dict]]:
    """The PSNR in dB of each network's image with the nearest of others, on the data set's pixels. Raises DataMissing where how many these
    are is not known."""
    networks, points_B2 = [each.network for each in found], found[0].space.known.pixels_B2

    def ask() -> torch.Tensor:
        stacks = (torch.stack([each.parameters_P for each in group]).to(host.device) for group in (networks, ends.values()))
        made_NB, end_KB = (values(stack_NP, points_B2, networks[0].arch) for stack_NP in stacks)
        return psnr(made_NB[:, None], end_KB).cpu()

    basis = {"n": len(points_B2), "total": len(points_B2), "dtype": "float32", "on": "pixels"}
    return basis, [{"value": max(to_K), "low": None, "high": None, "to": to_K} for to_K in host.run(ask).tolist()]
