"""Arrays as safetensors: the one way in which they are written.

The library writes an array's memory as it lies and reads it row by row: one that lies otherwise (transposed, a part of another) would
come back scrambled, without an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np


def to_bytes(arrays: Mapping[str, np.ndarray], metadata: dict[str, str] | None = None) -> bytes:
    from safetensors.numpy import save

    return save(_rows(arrays), metadata)


def to_file(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    from safetensors.numpy import save_file

    save_file(_rows(arrays), path)


def _rows(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.asarray(array, order="C") for name, array in arrays.items()}
