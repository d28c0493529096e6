"""Another explorer's zoo, from its folder in any workspace: taken as it is, after its hashes were checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..archs import architecture
from ..core.artifacts import Artifact, Store, safe_name
from ..core.errors import InvalidValue
from ..core.manifests import read_manifest
from ..kinds.configs import read_config
from ..tasks.zoo import zoos_of

MANIFEST = "manifest.json"


def is_artifact(path: Path) -> bool:
    return (path / MANIFEST).is_file()


def copy_zoo(store: Store, path: Path, id_: str | None, replacing: bool = False) -> Artifact:
    """The zoo in an artifact's folder, in this workspace. Raises InvalidValue, UnknownId (of its architectures), CorruptArtifact."""
    folder = path.resolve()
    source = Artifact(folder, read_manifest(folder))
    if source.manifest.kind != "zoo":
        raise InvalidValue(f"{source.id} is a {source.manifest.kind}; only a zoo can be imported here.")
    id_ = safe_name(id_ or source.id)
    store.check_new(id_, replacing)
    config = read_config(source)
    for arch in zoos_of(config.TASK).archs(config):
        architecture(arch.id)
    names = source.manifest.files
    arrays = {name: source.arrays(name) for name in names if name.endswith(".safetensors")}
    tables = {name: source.table(name) for name in names if name.endswith(".parquet")}
    return store.write(replace(source.manifest, id=id_), arrays, tables, replace=replacing, new=True)
