"""Artifacts: folders with a manifest.json, *.safetensors and *.parquet. The one place that touches weight bytes.

Writing is temp folder, fsync, rename: a reader sees the whole or nothing. Reading checks each file's sha256 once per file
version (path, size, mtime) and refuses non-finite numbers. Nothing here imports torch: `list` must be fast.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import manifests, replacing, settings, small_json
from .boundary import untrusted
from .errors import CorruptArtifact, InvalidValue, NewerFormat, StorageError, UnknownId, closest
from .manifests import AGAIN, CONTROL, FORMAT, KINDS, SAFE_NAME, Manifest, manifest_of, read_manifest, safe_name  # noqa: F401
from .places import GALLERY

SMALL: dict = {"compression": "zstd", "compression_level": 9, "use_dictionary": False}  # of tables: two thirds of pandas' default

_checked: set[tuple] = set()
_checked_lock = threading.Lock()


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Artifact:
    """An artifact on disk, opened but not yet read."""

    folder: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        return self.manifest.id

    def path(self, name: str) -> Path:
        """A file of the artifact, its size and sha256 checked against the manifest (once per file version)."""
        entry = self.manifest.files.get(safe_name(name))
        path = self.folder / name
        if not isinstance(entry, dict) or not path.is_file():
            raise CorruptArtifact(f"{self.id}: {name} is missing. Fetch or make the artifact again.")
        stat = path.stat()
        key = (str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino, str(entry.get("sha256")))
        with _checked_lock:
            known = key in _checked
        if not known:
            if stat.st_size != entry.get("bytes") or sha256(path) != entry.get("sha256"):
                raise CorruptArtifact(f"{self.id}: {name} is damaged (its bytes do not match the manifest). Fetch or make it again.")
            with _checked_lock:
                _checked.add(key)
        return path

    def arrays(self, name: str) -> dict:
        """Tensors of a .safetensors file as numpy arrays. Raises CorruptArtifact on damage and on NaN or infinity."""
        import numpy as np
        from safetensors.numpy import load_file

        with untrusted(f"{self.id}: {name}", CorruptArtifact, AGAIN):
            arrays = load_file(self.path(name))
        for key, array in arrays.items():
            if array.dtype.isbuiltin != 1:  # bfloat16, once a package has taught NumPy that: no artifact of ours has it
                raise CorruptArtifact(f"{self.id}: {name} holds {array.dtype} in {key!r}, a type that artifacts do not hold. {AGAIN}")
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise CorruptArtifact(f"{self.id}: {name} holds NaN or infinity in {key!r}. Fetch or make it again.")
        return arrays

    def table(self, name: str):
        """A .parquet file as a pandas DataFrame."""
        import pandas as pd

        with untrusted(f"{self.id}: {name}", CorruptArtifact, AGAIN):
            return pd.read_parquet(self.path(name))


class Store:
    """All available artifacts: the gallery that ships (read-only) and the user's workspace, which comes first."""

    def __init__(self, workspace: Path | str | None = None, gallery: Path | str = GALLERY):
        self.workspace = Path(workspace or settings.workspace())
        self.gallery = Path(gallery)

    def folders(self) -> dict[str, Path]:
        """id -> folder of everything that looks like an artifact; a workspace's id hides the gallery's."""
        found: dict[str, Path] = {}
        for root in (self.gallery, self.workspace):
            if root.is_dir():
                paths = sorted(root.glob("*/manifest.json"))
                found |= {path.parent.name: path.parent for path in paths if SAFE_NAME.fullmatch(path.parent.name)}
        return dict(sorted(found.items()))

    def manifests(self, kind: str | None = None) -> list[Manifest]:
        """Manifests of all readable artifacts, by id."""
        return [manifest for manifest in self._scan()[0] if kind in (None, manifest.kind)]

    def broken(self) -> dict[str, str]:
        """id -> reason of the artifacts whose manifest cannot be used."""
        return self._scan()[1]

    def _scan(self) -> tuple[list[Manifest], dict[str, str]]:
        good, bad = [], {}
        for id_, folder in self.folders().items():
            try:
                good.append(manifests.known_manifest(folder))
            except (CorruptArtifact, NewerFormat) as error:
                bad[id_] = str(error)
        return good, bad

    def open(self, id_: str, kind: str | None = None) -> Artifact:
        """The artifact of that id. Raises UnknownId, CorruptArtifact, NewerFormat."""
        folders = self.folders()
        if not isinstance(id_, str) or id_ not in folders:
            hint = (
                closest(str(id_), folders)
                or f" There is none in {self.gallery} or {self.workspace}; `python -m engine train netspace-digits` makes one."
            )
            raise UnknownId(f"There is no artifact {str(id_)[:100]!r}.{hint}")
        manifest = read_manifest(folders[id_])
        if kind not in (None, manifest.kind):
            raise InvalidValue(f"{id_} is a {manifest.kind}; a {kind} is needed here.")
        return Artifact(folders[id_], manifest)

    def made_from(self, artifact: Artifact, id_: str) -> Artifact:
        """The input of that id, in the version that `artifact` was made from where that is available (a workspace may hold a newer one
        than the gallery's), else as it is. Raises what `open` raises."""
        return self._made_from(artifact.manifest, id_) or self.open(id_)

    def _made_from(self, manifest: Manifest, id_: str) -> Artifact | None:
        wanted = manifest.inputs.get(id_, {}).get("sha256")
        for root in (self.workspace, self.gallery, self.workspace / replacing.FOLDER):
            if SAFE_NAME.fullmatch(id_) and (root / id_ / "manifest.json").is_file():
                with contextlib.suppress(CorruptArtifact, NewerFormat):  # a broken one hides no whole one
                    found = Artifact(root / id_, read_manifest(root / id_))
                    if manifest_hash(found) == wanted:
                        return found
        return None

    def has(self, id_: str) -> bool:
        return isinstance(id_, str) and id_ in self.folders()

    def check_free(
        self,
        manifest: Manifest,
        replace: bool = False,
        inputs: bool = True,
        way: str = "",
        defaults: replacing.Defaults = replacing.no_defaults,
    ) -> None:
        """Raises InvalidValue where an artifact of that id, here or shipped, is not the same work (kind, config and, with `inputs`,
        what it was made from), and is not to be replaced; `way` says what to do instead of choosing another name."""
        holder = self.folders().get(safe_name(manifest.id))
        if holder is None or replace:
            return
        shipped = "one ships with the explorer, and " if holder.parent == self.gallery else ""
        try:
            old = read_manifest(holder)
        except (CorruptArtifact, NewerFormat) as error:
            problem = f"it is broken: {str(error).rstrip('.')}"
        else:
            wanted = manifest if inputs else dataclasses.replace(manifest, inputs=old.inputs)
            problem = replacing.difference(old, wanted, self._input, defaults)
        if problem:
            raise InvalidValue(
                f"The name {manifest.id} is taken: {shipped}{problem}. {way or 'Choose another name (--id), or replace it (--replace)'}: "
                f"`python -m engine artifacts restore {manifest.id}` brings it back."
            )

    def check_new(self, id_: str, replace: bool = False) -> None:
        """Raises InvalidValue where an id has an artifact that is not to be replaced."""
        if self.has(safe_name(id_)) and not replace:
            raise InvalidValue(
                f"The name {id_} is taken. Choose another name, or replace that artifact (--replace): "
                f"`python -m engine artifacts restore {id_}` brings it back."
            )

    def _input(self, manifest: Manifest, id_: str) -> Manifest | None:
        found = self._made_from(manifest, id_)
        return found.manifest if found else None

    def write(
        self,
        manifest: Manifest,
        arrays: dict[str, dict],
        tables: dict | None = None,
        root: Path | None = None,
        replace: bool = False,
        new: bool = False,
        defaults: replacing.Defaults = replacing.no_defaults,
        written: dict[str, Path] | None = None,
    ) -> Artifact:
        """Write an artifact whole: `arrays` maps file name -> {tensor name -> numpy array}, `tables` file name -> DataFrame, `written`
        file name -> a file of finite numbers that lies on the same disk already (engine.core.rows): it becomes the artifact's own.
        `created`, `files` and `format` of the manifest are filled in here. An artifact that has that id is replaced where it is the same
        work, or with `replace`, and then kept aside (see `restore`); with `new` nothing may have it. `defaults` gives those of a type of
        config, which an older manifest may lack. Raises InvalidValue where the id is taken (`check_free`), StorageError where the folder
        cannot be written, ReadOnly, CorruptArtifact for a non-finite tensor (nothing is written then)."""
        settings.check_writable()
        import numpy as np

        from .tensors import to_file

        root = Path(root or self.workspace)
        for name, tensors in arrays.items():
            for key, array in tensors.items():
                if array.dtype.kind == "f" and not np.isfinite(array).all():
                    raise CorruptArtifact(f"{manifest.id}: {key!r} of {name} holds NaN or infinity; it was not saved.")
        try:
            root.mkdir(parents=True, exist_ok=True)
            temp = Path(tempfile.mkdtemp(prefix=f".{safe_name(manifest.id)}-", dir=root))
        except OSError as error:
            raise StorageError(f"Cannot write to {root} ({error.strerror}). Choose another folder with --workspace.") from error
        try:
            for name, tensors in arrays.items():
                to_file(tensors, temp / safe_name(name))
            for name, frame in (tables or {}).items():
                frame.to_parquet(temp / safe_name(name), index=False, **SMALL)
            for name, path in (written or {}).items():
                os.link(path, temp / safe_name(name))
            files = {path.name: {"sha256": sha256(path), "bytes": path.stat().st_size} for path in sorted(temp.iterdir())}
            created = datetime.now(UTC).isoformat(timespec="seconds")
            title = CONTROL.sub(" ", manifest.title)
            filled = {"title": title, "created": created, "files": files, "format": FORMAT}
            text = json.dumps({**asdict(manifest), **filled}, indent=1, allow_nan=False)
            with untrusted(f"{manifest.id}: its manifest"):
                small_json.parse(text)  # what nobody could read again is not written
            (temp / "manifest.json").write_text(text + "\n", "utf-8")
            for path in [*temp.iterdir(), temp]:
                path.chmod(0o755 if path.is_dir() else 0o644)
                fsync(path)
            with replacing.alone(root):
                self.check_new(manifest.id, replace or not new)
                self.check_free(manifest, replace, defaults=defaults)
                replace_folder(temp, root / manifest.id, worth_keeping(root / manifest.id, manifest, files, replace))
        except OSError as error:
            raise StorageError(
                f"Cannot write {manifest.id} to {root} ({error.strerror}). What was there is unchanged; "
                "free some space or choose another folder with --workspace."
            ) from error
        finally:
            shutil.rmtree(temp, ignore_errors=True)
        here = self.folders().get(manifest.id) == root / manifest.id
        return self.open(manifest.id) if here else Artifact(root / manifest.id, read_manifest(root / manifest.id))

    def kept_aside(self) -> list[Manifest]:
        """Manifests of what was replaced, the last one of each id; what cannot be read is left out."""
        root = self.workspace / replacing.FOLDER
        return Store(root, root).manifests()

    def restore(self, id_: str) -> Artifact:
        """Bring back what was replaced under an id: it and what has the id now change places, so that doing it twice changes nothing.
        Where the workspace's hides a shipped one, it is set aside. Raises UnknownId, CorruptArtifact, StorageError, ReadOnly."""
        settings.check_writable()
        here, kept = self.workspace / safe_name(id_), self.workspace / replacing.FOLDER / id_
        try:
            if kept.is_dir():
                read_manifest(kept)
                with replacing.alone(self.workspace):
                    replacing.exchange(kept, here) if here.exists() else os.rename(kept, here)
            elif here.is_dir() and (self.gallery / id_ / "manifest.json").is_file():
                with replacing.alone(self.workspace):
                    replacing.set_aside(here, here)
            else:
                known = [manifest.id for manifest in self.kept_aside()]
                raise UnknownId(f"Nothing was replaced under {id_!r}.{closest(id_, known) if known else ' Nothing is kept aside.'}")
            fsync(self.workspace)
        except OSError as error:
            raise StorageError(f"Cannot write to {self.workspace} ({error.strerror}). Nothing was changed.") from error
        return self.open(id_)

    def update_metrics(self, artifact: Artifact, metrics: dict) -> Artifact:
        """The same artifact with other metrics in its manifest, replaced atomically. Raises ReadOnly."""
        settings.check_writable()
        manifest = dataclasses.replace(artifact.manifest, metrics=metrics, format=FORMAT)
        write_atomic(artifact.folder / "manifest.json", (json.dumps(asdict(manifest), indent=1, allow_nan=False) + "\n").encode())
        return Artifact(artifact.folder, manifest)

    def verify(self, id_: str) -> list[str]:
        """Problems of an artifact: every file hashed again and read; an empty list is a whole artifact."""
        problems = []
        artifact = self.open(id_)
        with _checked_lock:
            _checked.clear()
        for name in artifact.manifest.files:
            try:
                {".safetensors": artifact.arrays, ".parquet": artifact.table}.get(Path(name).suffix, artifact.path)(name)
            except (CorruptArtifact, InvalidValue) as error:
                problems.append(str(error))
        return problems + [
            f"{id_} was made from another version of {other} than the current one. Make {id_} again (--replace keeps this one aside)."
            for other in self.outdated(id_)
        ]

    def outdated(self, id_: str) -> list[str]:
        """Ids of what an artifact was made from that is now of another version, or broken."""
        inputs = self.open(id_).manifest.inputs
        return [other for other, entry in inputs.items() if self.has(other) and self._hash_of(other) != entry.get("sha256")]

    def _hash_of(self, id_: str) -> str:
        try:
            return manifest_hash(self.open(id_))
        except (CorruptArtifact, NewerFormat):
            return ""


def manifest_hash(artifact: Artifact) -> str:
    """What identifies an artifact's content: sha256 over the hashes of its files."""
    return hashlib.sha256(json.dumps(artifact.manifest.files, sort_keys=True).encode()).hexdigest()


def fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(path: Path, data: bytes, remedy: str = "Choose another folder with --workspace.") -> None:
    """Write a file whole or not at all. Raises StorageError, which ends with what to do (`remedy`)."""
    try:
        handle, temp = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    except OSError as error:
        raise StorageError(f"Cannot write to {path.parent} ({error.strerror}). {remedy}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temp, 0o644)
        os.replace(temp, path)
        fsync(path.parent)
    except OSError as error:
        Path(temp).unlink(missing_ok=True)
        raise StorageError(f"Cannot write {path} ({error.strerror}). What was there is unchanged. {remedy}") from error


def replace_folder(temp: Path, target: Path, keep: bool = False) -> None:
    """Put a finished folder in its place; an older one of that name is kept aside (`keep`) or removed."""
    replacing.put(temp, target, keep)
    fsync(target.parent)


def worth_keeping(folder: Path, manifest: Manifest, files: dict, replace: bool) -> bool:
    """Whether what is written over is kept aside: what another run of the same command would not make again, and all that is no
    artifact (a folder of a person's own)."""
    try:
        old = read_manifest(folder)
        if {path.name for path in folder.iterdir()} - old.files.keys() - {"manifest.json"}:
            return True
    except (CorruptArtifact, NewerFormat):
        return True
    same = (old.kind, old.config, old.inputs, old.files) == (manifest.kind, _as_json(manifest.config), _as_json(manifest.inputs), files)
    return not same and (replace or old.provenance.get("trimmed") != manifest.provenance.get("trimmed"))


def _as_json(value: dict) -> dict:
    return json.loads(json.dumps(value))


def save_checkpoint(path: Path, tag: str, step: int, took: dict[str, float], arrays: dict) -> None:
    """One file with the state of a run after `step` steps, and what it took so far (`engine.core.clocks.Took`), replaced atomically."""
    from .tensors import to_bytes

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot write to {path.parent} ({error.strerror}). Choose another folder with --workspace.") from error
    data = to_bytes(arrays, {"tag": tag, "step": str(step)} | {name: str(value) for name, value in took.items()})
    write_atomic(path, hashlib.sha256(data).digest() + data)


def load_checkpoint(path: Path, tag: str) -> tuple[int, dict, dict] | None:
    """(step, arrays, metadata) of a run with that tag; None where there is no checkpoint, or one of another run or damaged."""
    from safetensors.numpy import load

    if not path.is_file():
        return None
    raw = path.read_bytes()
    data = raw[32:]
    if hashlib.sha256(data).digest() != raw[:32]:
        return None
    size = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + size])["__metadata__"]
    return (int(metadata["step"]), load(data), metadata) if metadata["tag"] == tag else None
