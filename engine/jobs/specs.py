"""What a job is to do, as plain JSON: {"kind": "lso", "config"}, {"kind": "train", "preset", "id", "config"} or {"kind": "import", "id",
"config"} (a zoo that others trained). Two equal specs are the same work. Needs no torch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, fields
from typing import Any

from .. import presets
from ..core import small_json
from ..core.artifacts import safe_name
from ..core.boundary import untrusted
from ..core.config import changed, plain
from ..core.errors import InvalidValue
from ..core.manifests import is_number
from ..learn.config import LsoConfig
from ..plan import changes, name_of, train_arguments
from ..zoos.config import ImportConfig

KINDS = ("lso", "train", "import")
MADE = ("train", "import")  # those that make the artifact of their id
BROKEN = {"kind": "broken", "config": {"space": None, "objective": None}}  # stands for a spec that cannot be read


def parse(raw: object) -> dict:
    """The spec that a stranger's JSON means, checked and complete. Raises InvalidValue, UnknownId."""
    if not isinstance(raw, dict) or raw.get("kind") not in KINDS:
        raise InvalidValue('A job is {"kind": "lso" or "import", "config": {...}} or {"kind": "train", "preset": "...", "config": {...}}.')
    values = raw.get("config", {})
    if not isinstance(values, dict):
        raise InvalidValue("config must be an object of fields and values.")
    if raw["kind"] == "lso":
        return of_lso(lso_config(values))
    if not isinstance(raw.get("replace", False), bool):
        raise InvalidValue("replace must be true or false: whether another artifact of that name may be replaced.")
    if raw["kind"] == "import":
        return of_import(changed(ImportConfig(), values), raw.get("id"), raw.get("replace", False))
    config = changed(presets.config(str(raw.get("preset"))), values)
    return of_training(raw["preset"], config, raw.get("id"), raw.get("replace", False))


def stored(text: object) -> dict:
    """A spec that the queue kept, in the form that its readers rely on. Raises InvalidValue."""
    with untrusted("A job's spec"):
        spec = small_json.parse(text) if isinstance(text, str | bytes) else None
        if not isinstance(spec, dict):
            raise InvalidValue("A job's spec has wrong fields.")
        words = ("space", "a", "b") if spec["kind"] == "lso" else ()
        config = spec["config"]
        if spec["kind"] not in KINDS or not isinstance(config, dict) or not all(isinstance(config[name], str) for name in words):
            raise InvalidValue("A job's spec has wrong fields.")
        named = {"train": ("id", "preset"), "import": ("id",)}.get(spec["kind"], ())
        if not all(isinstance(spec[name], str) for name in named) or spec["kind"] == "lso" and not is_number(config["gamma"]):
            raise InvalidValue("A job's spec has wrong fields.")
        return spec


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


def of_training(preset: str, config, id_: str | None = None, replace: bool = False) -> dict:
    """The making of an artifact; its id is that of `name_of` unless one is given. `replace`: whatever has it is replaced."""
    id_ = safe_name(name_of(preset, config) if id_ is None else id_)
    return {"kind": "train", "preset": preset, "id": id_, "config": plain(config), **({"replace": True} if replace else {})}


def of_import(config: ImportConfig, id_: str | None = None, replace: bool = False) -> dict:
    """The import of somebody's zoo."""
    id_ = safe_name(config.own_name if id_ is None else id_)
    return {"kind": "import", "id": id_, "config": plain(config), **({"replace": True} if replace else {})}


def config_of(spec: dict) -> Any:
    """The config dataclass of a checked spec. Raises InvalidValue for one that is broken, or of an older version."""
    if spec is BROKEN:
        raise InvalidValue("This job cannot be read. Delete it, and launch it again.")
    if spec["kind"] == "import":
        return changed(ImportConfig(), spec["config"])
    return lso_config(spec["config"]) if spec["kind"] == "lso" else changed(presets.config(spec["preset"]), spec["config"])


def digest(spec: dict) -> str:
    """Names the work: equal specs have equal digests."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]


def title(spec: dict) -> str:
    """A job in a few words."""
    config = spec["config"]
    if spec is BROKEN:
        return "A job that cannot be read"
    if spec["kind"] == "train":
        return f"Training {spec['id']}"
    if spec["kind"] == "import":
        return f"Importing {spec['id']}"
    start = f"{config['a']} to {config['b']} at {config['gamma']:g}" if config["b"] else config["a"] or "a place of the map"
    return f"LSO from {start} in {config['space']}"


def command(spec: dict) -> list[str]:
    """The arguments of the command that does the same: what an artifact's provenance says."""
    config = config_of(spec)
    if spec["kind"] == "train":
        return train_arguments(spec["preset"], config, spec["id"])
    if spec["kind"] == "import":
        return ["zoo", "import", *config.arguments(spec["id"])]
    base = LsoConfig(config.space, a=config.a) if config.a else LsoConfig(config.space, xy=config.xy)
    start = [config.a] if config.a else ["--xy", *map(str, config.xy or ())]
    return ["lso", config.space, *start, *changes(config, base)]
