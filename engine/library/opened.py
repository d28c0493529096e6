"""An artifact of any kind, opened."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..core.artifacts import Artifact, Store
from ..core.errors import InvalidValue
from ..core.manifests import Manifest

if TYPE_CHECKING:
    from torch.nn import Module

    from ..archs import Architecture
    from ..host.host import Host


class Opened:
    """An artifact that was opened, of any kind."""

    def __init__(self, store: Store, artifact: Artifact, device: str | None = None):
        self.store, self.artifact, self._device = store, artifact, device

    def __repr__(self) -> str:
        return f"<{self.kind} {self.id}: {self.manifest.title}>"

    @property
    def manifest(self) -> Manifest:
        return self.artifact.manifest

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def kind(self) -> str:
        return self.manifest.kind

    @property
    def metrics(self) -> dict[str, dict]:
        """The metrics as they are stored: name -> {"value", "split", "n"}."""
        return self.manifest.metrics

    @cached_property
    def host(self) -> Host:
        """What holds it in memory and computes, on its device."""
        from ..host.host import Host

        return Host(self.store, self._device)

    def evaluate(self, seed: int | None = None) -> dict[str, dict]:
        """Its metrics, measured again from the weights. `seed` draws pairs and starts, by default as they were drawn.
        Raises InvalidValue where the kind has none, DataMissing."""
        from ..make import evaluate

        return evaluate(self.store, self.artifact, str(self.host.device), seed)

    def keep_metrics(self, metrics: dict[str, dict], patterns: Sequence[str], why: str) -> list[str]:
        """Write those of its metrics, measured again, that match a pattern ("placed_*") into its manifest, with a note of when, at which
        commit and why; their names. Raises InvalidValue where none matches, or nothing is said."""
        from datetime import date
        from fnmatch import fnmatchcase

        from ..core.provenance import commit
        from ..core.remeasured import remeasured

        found = {name: metric for name, metric in metrics.items() if any(fnmatchcase(name, each) for each in patterns)}
        if not found:
            raise InvalidValue(f"No metric of {self.id} matches {', '.join(patterns)}. It has {', '.join(metrics)}.")
        if not why.strip():
            raise InvalidValue("Say why these metrics were measured again: --why TEXT.")
        remeasured(self.artifact, found, why.strip(), date.today().isoformat(), commit() or "unknown")
        return [*found]

    def file(self, a: str | None = None, b: str | None = None, gamma: float = 0.5, path: str = "embedding") -> bytes:
        """A network of it as a safetensors file: a network's own, the one that a NeRN represents, instance `a` of a zoo or space, or the
        one at `gamma` between `a` and `b`. Its metadata say what it is and how its input is normalised. Raises UnknownId, InvalidValue."""
        from ..host.network_files import network_file

        return network_file(self.host, self.id, a, b, gamma, path)

    def network(self, a: str | None = None, b: str | None = None, gamma: float = 0.5, path: str = "embedding") -> Module:
        """The same as a module in evaluation mode, on the CPU; see `Space.at` for what it records."""
        return module_of(self.file(a, b, gamma, path))


def with_record(module: Module, arch: Architecture, preprocessing: Any) -> Module:
    """The module in evaluation mode, with what it is and how its input is normalised."""
    for name, value in (("architecture", arch.id), ("preprocessing", preprocessing)):
        setattr(module, name, value)
    return module.eval()


def module_of(file: bytes) -> Module:
    """The network of a safetensors file, in evaluation mode, with what its metadata say."""
    from ..datasets.preprocessing import of_dict
    from ..nets.export.outgoing import of_safetensors

    found = of_safetensors(file)
    return with_record(found.module, found.arch, of_dict(found.preprocessing))
