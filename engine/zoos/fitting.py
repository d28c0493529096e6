"""A member's tensors as the row of parameters that its architecture has.

Legend: P parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..archs import Architecture
from ..archs.siren import to_ours
from ..core.errors import InvalidValue
from ..nets.fitting import Form, forms, load
from ..nets.naming import Taken, floats, is_counter, mismatch, plain_names, take
from ..nets.reading import Checkpoint
from ..nets.stacked import flatten

IN_ORDER = "The tensors' names are not those of {id}, but their shapes match one after the other, so they are taken in the file's order."


def check_form(arch: Architecture) -> None:
    """Raises InvalidValue where an architecture's parameters alone are not the network."""
    names = {name for name in forms(arch)[0].shapes if not is_counter(name)}
    if names != {entry.name for entry in arch.layout}:
        raise InvalidValue(f"{arch.id} keeps its batch norm, and a zoo holds parameters alone. Import its networks one by one (import).")


class Fitter:
    """Makes rows [P] of checkpoints. What was found for one is used for all whose tensors have the same names and shapes."""

    def __init__(self, arch: Architecture, omega: Sequence[float] = (), levels: Sequence[float] = ()):
        self.arch, self.notes = arch, set[str]()
        self._to_ours = to_ours(arch.layout, omega, levels) if omega or levels else None
        self._forms = forms(arch)
        self._found: dict[tuple, tuple[Form, Taken]] = {}

    def row(self, checkpoint: Checkpoint) -> np.ndarray:
        """Parameters [P] float32 in the architecture's order. Raises CheckpointMismatch, InvalidValue."""
        form, taken = self.taken(checkpoint)
        if not self.is_kept(form):
            return flatten(load(checkpoint, form, taken, checkpoint.name)).numpy()
        arrays = floats(checkpoint, taken.names, checkpoint.name)
        return np.concatenate([arrays[entry.name].reshape(-1) for entry in self.arch.layout])

    def is_kept(self, form: Form | None) -> bool:
        """Whether a form is the one in which parameters are kept: their tensors are it, one after the other."""
        return form is self._forms[0]

    def ours(self, rows_NP: np.ndarray) -> np.ndarray:
        """Rows as they were read, as networks of our frequency and levels."""
        if self._to_ours is None:
            return rows_NP
        scale_P, shift_P = self._to_ours
        return rows_NP * scale_P + shift_P

    def taken(self, checkpoint: Checkpoint) -> tuple[Form, Taken]:
        """The form of the architecture that a checkpoint's tensors have, and where those lie. Raises CheckpointMismatch, InvalidValue."""
        key = (*((name, array.shape) for name, array in checkpoint.arrays.items()), *checkpoint.odd)
        if key not in self._found:
            if len(self._found) > 100:
                self._found.clear()
            self._found[key] = self._take(checkpoint)
        return self._found[key]

    def _take(self, checkpoint: Checkpoint) -> tuple[Form, Taken]:
        for form in self._forms:
            if taken := take(checkpoint, form.shapes):
                return form, taken
        kept = self._forms[0]
        names = list(plain_names(checkpoint.arrays).values())
        if [checkpoint.arrays[name].shape for name in names] == [entry.shape for entry in self.arch.layout]:
            self.notes.add(IN_ORDER.format(id=self.arch.id))
            return kept, Taken(dict(zip((entry.name for entry in self.arch.layout), names)), "")
        raise mismatch(checkpoint, kept.shapes, f"{checkpoint.name} does not fit {self.arch.id}")
