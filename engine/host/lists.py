"""What lists and pickers choose from: of a space its instances, or the images that an LSO can be pulled towards. Each is searched by its
columns and drawn as small pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..core.errors import InvalidValue
from . import signals
from .columns import Columns, of_space
from .host import Host
from .pictures import pictures


@dataclass(frozen=True)
class List:
    """The columns of a space's rows (host, space id), and the pictures of some of them by their ids."""

    columns: Callable[[Host, str], Columns]
    pictures: Callable[[Host, str, list[str]], tuple[dict, np.ndarray]]


LISTS = {"instances": List(of_space, pictures), "images": List(signals.images, signals.image_pictures)}


def list_of(name: object) -> List:
    """The list of that name. Raises InvalidValue."""
    if not isinstance(name, str) or name not in LISTS:
        raise InvalidValue(f"of must be one of {', '.join(LISTS)}; got {str(name)[:40]!r}.")
    return LISTS[name]
