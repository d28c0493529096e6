"""Parameters <-> PRep (paper, Suppl. II): a matrix whose rows are filled one after the other with all parameters.

Legend: N instances, P parameters, H x W the PRep.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F

from ..core.errors import InvalidValue, PRepTooSmall


def height_for(parameters: int, width: int) -> int:
    """Rows H of the smallest PRep of that width: ceil(P / W), raised to a multiple of 4. The width is a multiple of 8."""
    if parameters < 1 or width < 8 or width % 8:
        raise InvalidValue(
            f"A PRep's width is a positive multiple of 8, and there is at least one parameter; got width {width}, {parameters} parameters."
        )
    return 4 * math.ceil(math.ceil(parameters / width) / 4)


def width_for(parameters: int, height: int) -> int:
    """Columns W of the smallest PRep of that height: ceil(P / H), raised to a multiple of 8. The height is a multiple of 4."""
    if parameters < 1 or height < 4 or height % 4:
        raise InvalidValue(
            f"A PRep's height is a positive multiple of 4, and there is at least one parameter; got height {height}, {parameters} "
            "parameters."
        )
    return 8 * math.ceil(math.ceil(parameters / height) / 8)


def check_room(count: int, height: int, width: int) -> None:
    """Raises PRepTooSmall where a PRep has fewer cells than a network has parameters."""
    if count > height * width:
        raise PRepTooSmall(
            f"A PRep of {height} x {width} has {height * width} cells, the network {count} parameters: use at least "
            f"{height_for(count, width)} rows of {width}."
        )


def pack(parameters_NP: Tensor, height: int, width: int) -> Tensor:
    """Flat parameters [N, P] -> PReps [N, H, W], zeros behind the last parameter. Raises PRepTooSmall, never crops."""
    count = parameters_NP.shape[-1]
    check_room(count, height, width)
    return F.pad(parameters_NP, (0, height * width - count)).reshape(*parameters_NP.shape[:-1], height, width)


def unpack(prep_NHW: Tensor, count: int) -> Tensor:
    """PReps [N, H, W] -> the first `count` parameters [N, P], bit for bit what `pack` was given."""
    cells = prep_NHW.shape[-2] * prep_NHW.shape[-1]
    if count > cells:
        raise PRepTooSmall(f"A PRep of {cells} cells cannot hold the {count} parameters of this network.")
    return prep_NHW.flatten(-2)[..., :count]
