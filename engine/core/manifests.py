"""What an artifact says of itself: manifest.json, read from a folder that anybody may have written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from . import format1, small_json
from .boundary import untrusted
from .config import plain
from .errors import CorruptArtifact, InvalidValue, NewerFormat

FORMAT = 2  # 1 is still read: see format1.py
KINDS = ("architecture", "zoo", "netspace", "nern", "network")
SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # would break a line, or command a terminal
AGAIN = "Fetch or make it again."


@dataclass(frozen=True)
class Manifest:
    """What an artifact says of itself. `metrics` maps a name to {"value", "split", "n"} (and a "spread"); `task` is what its networks
    answer ("" where a kind has none), `config_type` the name of its config's type ("" where no config made it)."""

    id: str
    kind: str
    title: str
    created: str
    preset: str
    config: dict
    inputs: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    provenance: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    format: int = FORMAT
    task: str = ""
    config_type: str = ""


def manifest_of(config, id_: str, title: str = "", preset: str = "", **more) -> Manifest:
    """The manifest of what a config makes: its kind, task and type are the config's; `more` are other fields of `Manifest`."""
    named = {"task": config.TASK, "config_type": type(config).__name__}
    return Manifest(id_, config.KIND, title, "", preset, plain(config), **named, **more)


def safe_name(name: str) -> str:
    """`name` itself if it can be a folder's or file's name everywhere; else InvalidValue."""
    if not isinstance(name, str) or not SAFE_NAME.fullmatch(name) or ".." in name:
        raise InvalidValue(f"{str(name)[:60]!r} is not a safe name: use a-z, 0-9, '.', '_' and '-', at most 100 characters.")
    return name


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an artifact's folder, each part of the form that its readers rely on. Raises CorruptArtifact or NewerFormat."""
    with untrusted(f"{folder.name}: its manifest.json", CorruptArtifact, AGAIN):
        raw = small_json.read(folder / "manifest.json")
        if not isinstance(raw, dict) or type(raw.get("format")) is not int or raw["format"] < 1:
            raise CorruptArtifact(f"{folder.name}: its manifest.json has no format number. {AGAIN}")
        if raw["format"] > FORMAT:
            raise NewerFormat(f"{folder.name} has format {raw['format']}, this explorer reads up to {FORMAT}. Update the explorer.")
        if raw["format"] == 1:
            raw = {**raw, **dict(zip(("task", "config_type"), format1.guess(raw)))}
        try:
            manifest = Manifest(**raw)
        except TypeError as error:
            raise CorruptArtifact(f"{folder.name}: its manifest.json has wrong fields ({str(error)[:100]}). {AGAIN}") from error
        if problem := problem_of(manifest):
            raise CorruptArtifact(f"{folder.name}: its manifest.json has wrong fields ({problem}). {AGAIN}")
        if manifest.id != folder.name or manifest.kind not in KINDS:
            raise CorruptArtifact(f"{folder.name}: its manifest names id {manifest.id[:60]!r} and kind {manifest.kind[:60]!r}. {AGAIN}")
    return replace(manifest, metrics={name: figures(entry) for name, entry in manifest.metrics.items()})


def known_manifest(folder: Path) -> Manifest:
    """The same, read once for each version of the file: a page asks for a list of a hundred several times. Raises the same."""
    with untrusted(f"{folder.name}: its manifest.json", CorruptArtifact, AGAIN):
        found = (folder / "manifest.json").stat()
    return _known(folder, (found.st_ino, found.st_size, found.st_mtime_ns))


@lru_cache(4096)
def _known(folder: Path, version: tuple[int, ...]) -> Manifest:
    return read_manifest(folder)


def problem_of(manifest: Manifest) -> str:
    """What is wrong with the form of a manifest's parts, in a few words; "" where nothing is."""
    for name in ("id", "kind", "title", "created", "preset", "task", "config_type"):
        text = getattr(manifest, name)
        if not isinstance(text, str) or len(text) > 1000 or CONTROL.search(text):
            return f"{name} is not a line of text"
    for name in ("config", "inputs", "metrics", "provenance", "files"):
        if not isinstance(getattr(manifest, name), dict):
            return f"{name} is not an object"
    for name in ("inputs", "metrics", "files"):
        for key, entry in getattr(manifest, name).items():
            if not isinstance(entry, dict):
                return f"{name}: {str(key)[:40]!r} is not an object"
    for name in manifest.metrics:
        if CONTROL.search(name):
            return f"the metric {name[:40]!r} has a name of more than one line"
    return ""


def figures(entry: dict) -> dict:
    """A metric's entry as its readers rely on it: what is to be a number is one, or None."""
    if "split" in entry:
        entry = {**entry, "split": CONTROL.sub(" ", entry["split"]) if isinstance(entry["split"], str) else ""}
    clean = {name: entry[name] if is_number(entry[name]) else None for name in ("value", "spread", "n") if name in entry}
    return {"value": None, **entry, **clean}


def is_number(value: object) -> bool:
    """A number, or None: what was not measured."""
    return value is None or isinstance(value, (int, float)) and not isinstance(value, bool)
