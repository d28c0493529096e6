"""The types of configs by name, collected from the `config.py` of every room of tasks and kinds; and what a manifest stores as a
config again. Needs no torch.
"""

from __future__ import annotations

import json
import pkgutil
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from .. import kinds, tasks
from ..core.artifacts import Artifact
from ..core.config import from_fields
from ..core.errors import CorruptArtifact, InvalidValue
from ..core.manifests import Manifest


@cache
def config_types() -> dict[str, type]:
    """Name -> dataclass of every config that makes artifacts (it has a KIND)."""
    found: dict[str, type] = {}
    for package in (tasks, kinds):
        for room in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if not room.ispkg or find_spec(f"{room.name}.config") is None:
                continue
            module = import_module(f"{room.name}.config")
            own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
            found |= {each.__name__: each for each in own if is_dataclass(each) and getattr(each, "KIND", "")}
    return found


def read_config(of: Artifact | Manifest):
    """The config that made an artifact. Raises CorruptArtifact where it cannot be used or the manifest names none, InvalidValue where
    its type is unknown here."""
    manifest = of.manifest if isinstance(of, Artifact) else of
    if not manifest.config_type:
        raise CorruptArtifact(f"{manifest.id}: its manifest names no type of config. Fetch or make it again.")
    if manifest.config_type not in config_types():
        raise InvalidValue(f"{manifest.id} was made from a {manifest.config_type[:60]}, which is unknown here. Update the explorer.")
    kind = config_types()[manifest.config_type]
    try:
        if (kind.KIND, kind.TASK) != (manifest.kind, manifest.task):
            raise InvalidValue(f"a {kind.__name__} makes no {manifest.kind} with the task {manifest.task[:60]!r}")
        return from_fields(kind, manifest.config)
    except (TypeError, ValueError) as error:
        reason = str(error).rstrip(".")
        raise CorruptArtifact(f"{manifest.id}: its config cannot be used ({reason}). Fetch or make it again.") from error


def defaults(config_type: str) -> dict:
    """The defaults of a type's fields as JSON has them: what an older manifest means that lacks a field. {} for an unknown type."""
    of = config_types().get(config_type)
    values = {} if of is None else {field.name: field.default for field in fields(of) if field.default is not MISSING}
    return json.loads(json.dumps(values))
