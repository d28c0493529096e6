"""Which way up a person's mesh stands. The space's chairs stand on their y axis; a file does not say what its own axis is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core.errors import InvalidValue

AXES = ("y", "-y", "z", "-z", "x", "-x")
_UPRIGHT = {  # rows: where the file's coordinates go as x, y, z; each a rotation (determinant 1)
    "y": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "-y": [[1, 0, 0], [0, -1, 0], [0, 0, -1]],
    "z": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    "-z": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    "x": [[0, -1, 0], [1, 0, 0], [0, 0, 1]],
    "-x": [[0, 1, 0], [-1, 0, 0], [0, 0, 1]],
}
_QUARTER = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])


@dataclass(frozen=True)
class Pose:
    """`up` is the file's axis that points up; `turn` counts quarter turns about it, counterclockwise seen from above."""

    up: str = "y"
    turn: int = 0

    def __post_init__(self):
        if self.up not in AXES:
            raise InvalidValue(f"The up axis is one of {', '.join(AXES)}; got {str(self.up)[:40]!r}.")
        if isinstance(self.turn, bool) or not isinstance(self.turn, int) or not 0 <= self.turn <= 3:
            raise InvalidValue(f"turn is a number of quarter turns, 0 to 3; got {str(self.turn)[:40]!r}.")

    def matrix(self) -> np.ndarray:
        """The rotation (3, 3), of whole numbers, that stands the file's shape upright."""
        return np.linalg.matrix_power(_QUARTER, self.turn) @ np.array(_UPRIGHT[self.up])

    def stand(self, points_Q3: np.ndarray) -> np.ndarray:
        """Points (Q, 3) of the file, upright."""
        return points_Q3 @ self.matrix().T.astype(points_Q3.dtype)
