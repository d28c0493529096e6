"""A NeRN, opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .opened import Opened, module_of
from .results import Quality

if TYPE_CHECKING:
    from torch.nn import Module


class Nern(Opened):
    """A NeRN: a predictor that stores the kernels of one network, its original."""

    def reconstructed(self, prune: float = 0.0, bits: int = 32) -> Module:
        """The network that it represents, in evaluation mode, once the share `prune` (0 to 0.95) of the predictor's weights, the smallest,
        is dropped and the rest is rounded to `bits` (32, 16, 8, 6 or 4); see `Space.at` for what it records. Raises InvalidValue."""
        from ..host.nerns import Look, state_bytes

        return module_of(state_bytes(self.host, self.id, Look(prune, bits)))

    def qualities(self, prune: float = 0.0, bits: int = 32) -> dict[str, Quality]:
        """On all test images: the accuracy of the "original" and of the "reconstructed" network, and their "agreement". {} where the images
        are not available. Raises InvalidValue."""
        from ..host.nerns import Look, measure

        found = measure(self.host, self.id, Look(prune, bits), "all")
        names = {"original": "accuracy", "reconstructed": "accuracy", "agreement": "agreement"}
        return {each: Quality(name, **found[each], split="test images") for each, name in names.items() if each in found}
