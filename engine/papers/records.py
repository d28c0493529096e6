"""Runs whose tensors do not ship: what they say of themselves (manifests) and their tables, kept so that figures can rest on them.

A record is an artifact's folder without its tensors and without the places of a map, in `records` beside the gallery, where
`python -m engine record ID` puts it.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from ..core.artifacts import SMALL, Artifact, Store, fsync, replace_folder, sha256
from ..core.errors import StorageError
from ..kinds.netspace.umap_map import MAP_2D, MAP_3D


def records(store: Store) -> Store:
    """The records beside a store's gallery, as a store of their own: manifests and tables can be read, tensors cannot."""
    folder = store.gallery.parent / "records"
    return Store(folder, gallery=folder)


def artifact_or_record(store: Store, id_: str) -> Artifact | None:
    """The artifact of that id, else its record, else None."""
    return next((each.open(id_) for each in (store, records(store)) if each.has(id_)), None)


def record(store: Store, id_: str) -> Path:
    """Write the record of an artifact; where it is. Raises UnknownId, CorruptArtifact, StorageError."""
    artifact, root = store.open(id_), records(store).gallery
    tables = {name: artifact.table(name) for name in artifact.manifest.files if name.endswith(".parquet")}
    raw = json.loads((artifact.folder / "manifest.json").read_text("utf-8"))
    try:
        root.mkdir(parents=True, exist_ok=True)
        temp = Path(tempfile.mkdtemp(prefix=f".{id_}-", dir=root))
        for name, table in tables.items():
            table.drop(columns=[*MAP_2D, *MAP_3D], errors="ignore").to_parquet(temp / name, index=False, **SMALL)
            raw["files"][name] = {"sha256": sha256(temp / name), "bytes": (temp / name).stat().st_size}
        (temp / "manifest.json").write_text(json.dumps(raw, indent=1, allow_nan=False) + "\n", "utf-8")
        for path in temp.iterdir():
            path.chmod(0o644)
            fsync(path)
        temp.chmod(0o755)
        replace_folder(temp, root / id_)
    except OSError as error:
        raise StorageError(f"Cannot write to {root} ({error.strerror}). Free some space, or make the folder writable.") from error
    return root / id_
