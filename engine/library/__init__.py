"""The explorer as a library: what `import engine` offers, and what the command line itself uses.

Importing this needs no torch; it is imported by what computes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core.artifacts import Artifact, Store
from ..core.errors import CorruptArtifact, InvalidValue
from ..core.manifests import Manifest, read_manifest
from .nerns import Nern
from .opened import Opened
from .results import Neighbour, Optimised, Placement, Quality
from .spaces import Progress, Space, quiet

__all__ = ["Neighbour", "Nern", "Opened", "Optimised", "Placement", "Quality", "Space", "list", "open", "space", "train"]

SPACE = "netspace"  # the kind that a Space opens
CLASSES = {SPACE: Space, "nern": Nern}


def open(id: str | Path, workspace: str | Path | None = None, device: str | None = None) -> Opened | Space | Nern:
    """An artifact by its id, or by its folder: a `Space`, a `Nern`, or for other kinds what every artifact can do (`Opened`).

    `workspace`: the folder of your own artifacts (default: EXPLORER_WORKSPACE, or ./workspace). Raises UnknownId, CorruptArtifact,
    NewerFormat.
    """
    store, artifact = locate(id, workspace)
    return CLASSES.get(artifact.manifest.kind, Opened)(store, artifact, device)


def space(id: str | Path, workspace: str | Path | None = None, device: str | None = None) -> Space:
    """A space by its id, or by its folder; see `open`. Raises InvalidValue for another kind, and what `open` raises."""
    store, artifact = locate(id, workspace)
    if artifact.manifest.kind != SPACE:
        raise InvalidValue(
            f"{artifact.id} is a {artifact.manifest.kind}, where a {SPACE} is needed. `python -m engine list` lists those."
        )
    return Space(store, artifact, device)


def locate(id: str | Path, workspace: str | Path | None) -> tuple[Store, Artifact]:
    """An artifact by its id or its folder, and the store that it is of. Raises UnknownId, CorruptArtifact, NewerFormat."""
    store, folder = Store(workspace), Path(id)
    if isinstance(id, Path) or "/" in str(id):
        if not (folder / "manifest.json").is_file():
            raise CorruptArtifact(f"{folder} is not the folder of an artifact: it has no manifest.json. Name an artifact's folder or id.")
        return Store(folder.resolve().parent, store.workspace), Artifact(folder.resolve(), read_manifest(folder.resolve()))
    return store, store.open(str(id))


def list(kind: str | None = None, workspace: str | Path | None = None) -> tuple[Manifest, ...]:
    """The manifests of all artifacts that can be read, those that ship and your own, by id; of one kind where that is named."""
    return tuple(Store(workspace).manifests(kind))


def train(
    preset: str,
    seed: int | None = None,
    workspace: str | Path | None = None,
    device: str | None = None,
    id: str | None = None,
    replace: bool = False,
    progress: Progress | None = None,
    config: Any = None,
) -> Opened | Space:
    """Make the artifact of a preset (and first what it is made from); resumed where a training of it was interrupted.

    `seed` instead of the preset's; `config` instead of the preset's own config; `id` names the artifact; `replace` one of that name (it is
    kept aside). `progress(title, total)` gives an `on_step(step, metrics)`. Raises UnknownId, InvalidValue, DataMissing.
    """
    import dataclasses

    from .. import presets
    from ..host.host import device_of
    from ..make import train as make

    config = presets.config(preset) if config is None else config
    if seed is not None:
        config = dataclasses.replace(config, seed=seed)
    made = make(Store(workspace), preset, config, str(device_of(device)), progress or quiet, id, replace)
    return open(made.id, workspace, device)
