"""What a job is to do, as plain JSON: {"kind": "lso", "config"} or {"kind": "train", "preset", "id", "config"}. Two equal specs
are the same work. Needs no torch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, asdict, fields

from .. import presets
from ..artifacts import safe_name
from ..config import LsoConfig
from ..errors import InvalidValue
from .fields import changed

KINDS = ("lso", "train")


def parse(raw: object) -> dict:
    """The spec that a stranger's JSON means, checked and complete. Raises InvalidValue, UnknownId."""
    if not isinstance(raw, dict) or raw.get("kind") not in KINDS:
        raise InvalidValue('A job is {"kind": "lso", "config": {...}} or {"kind": "train", "preset": "...", "config": {...}}.')
    values = raw.get("config", {})
    if not isinstance(values, dict):
        raise InvalidValue("config is an object of fields and values.")
    if raw["kind"] == "lso":
        return of_lso(lso_config(values))
    config = changed(presets.config(str(raw.get("preset"))), values)
    return of_training(raw["preset"], config, raw.get("id"))


def lso_config(values: dict) -> LsoConfig:
    """An LSO's config of some fields. Raises InvalidValue."""
    needed = {field.name for field in fields(LsoConfig) if field.default is MISSING}
    if missing := needed - values.keys():
        raise InvalidValue(f"An LSO needs {', '.join(sorted(missing))}.")
    if not values.get("a") and values.get("xy") is None:
        raise InvalidValue("An LSO starts at an instance (a, or between a and b), or at a place of the map (xy).")
    start = {"a": values.get("a", "-"), "xy": None} if values.get("xy") is None else {"a": "", "xy": (0.0, 0.0)}
    return changed(LsoConfig(space="-", **start), values)


def of_lso(config: LsoConfig) -> dict:
    return {"kind": "lso", "config": plain(config)}


def of_training(preset: str, config, id_: str | None = None) -> dict:
    """The making of an artifact; its id is the preset's unless one is given, another config without a name gets a hash behind it."""
    if id_ is None:
        own = presets.config(preset)
        id_ = preset if config == own else f"{preset}-{hashlib.sha256(json.dumps(plain(config), sort_keys=True).encode()).hexdigest()[:6]}"
    return {"kind": "train", "preset": preset, "id": safe_name(id_), "config": plain(config)}


def config_of(spec: dict):
    """The config dataclass of a checked spec."""
    return lso_config(spec["config"]) if spec["kind"] == "lso" else changed(presets.config(spec["preset"]), spec["config"])


def plain(config) -> dict:
    return json.loads(json.dumps(asdict(config)))


def digest(spec: dict) -> str:
    """Names the work: equal specs have equal digests."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]


def title(spec: dict) -> str:
    """A job in a few words."""
    config = spec["config"]
    if spec["kind"] == "train":
        return f"Training {spec['id']}"
    start = f"{config['a']} to {config['b']} at {config['gamma']:g}" if config["b"] else config["a"] or "a place of the map"
    return f"LSO from {start} in {config['space']}"


def command(spec: dict) -> list[str]:
    """The command line that does the same: what an artifact's provenance says."""
    if spec["kind"] == "lso":
        return ["lso", spec["config"]["space"], spec["config"]["a"]]
    base = plain(presets.config(spec["preset"]))
    changes = [word for name, value in spec["config"].items() if value != base.get(name) for word in (f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value]))]
    return ["train", spec["preset"], *(["--id", spec["id"]] if spec["id"] != spec["preset"] else []), *changes]
