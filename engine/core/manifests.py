"""What an artifact says of itself: manifest.json, read from a folder that anybody may have written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import CorruptArtifact, InvalidValue, NewerFormat
from . import small_json
from .boundary import untrusted

FORMAT = 1
KINDS = ("zoo", "netspace", "nern", "network")
SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # would break a line, or command a terminal
AGAIN = "Fetch or make it again."


@dataclass(frozen=True)
class Manifest:
    """What an artifact says of itself. `metrics` maps a name to {"value", "split", "n"} (and a "spread")."""

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
        try:
            manifest = Manifest(**raw)
        except TypeError as error:
            raise CorruptArtifact(f"{folder.name}: its manifest.json has wrong fields ({str(error)[:100]}). {AGAIN}") from error
        if problem := problem_of(manifest):
            raise CorruptArtifact(f"{folder.name}: its manifest.json has wrong fields ({problem}). {AGAIN}")
        if manifest.id != folder.name or manifest.kind not in KINDS:
            raise CorruptArtifact(f"{folder.name}: its manifest names id {manifest.id[:60]!r} and kind {manifest.kind[:60]!r}. {AGAIN}")
    return replace(manifest, metrics={name: figures(entry) for name, entry in manifest.metrics.items()})


def problem_of(manifest: Manifest) -> str:
    """What is wrong with the form of a manifest's parts, in a few words; "" where nothing is."""
    for name in ("id", "kind", "title", "created", "preset"):
        text = getattr(manifest, name)
        if not isinstance(text, str) or len(text) > 1000 or CONTROL.search(text):
            return f"{name} is no line of text"
    for name in ("config", "inputs", "metrics", "provenance", "files"):
        if not isinstance(getattr(manifest, name), dict):
            return f"{name} is no object"
    for name in ("inputs", "metrics", "files"):
        if wrong := next((key for key, entry in getattr(manifest, name).items() if not isinstance(entry, dict)), None):
            return f"{name}: {str(wrong)[:40]!r} is no object"
    if wrong := next((name for name in manifest.metrics if CONTROL.search(name)), None):
        return f"the metric {wrong[:40]!r} has no name of one line"
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
