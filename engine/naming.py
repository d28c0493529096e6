"""What a training makes before it begins: the ids of its artifacts, and the command that would do the same. Needs no torch."""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import asdict, fields, replace

from . import presets
from .artifacts import Manifest, Store, manifest_hash
from .core.replacing import changed_fields
from .errors import InvalidValue

PROGRAM = "python -m engine"


def artifact_id(preset: str, seed: int) -> str:
    """A preset's own seed gives its own name; another seed is said in the id."""
    return preset if seed == presets.config(preset).seed else f"{preset}-seed{seed}"


def name_of(preset: str, config) -> str:
    """The id of what nobody named: the preset's, its seed's, or with a hash behind it where other fields were changed."""
    if replace(config, seed=presets.config(preset).seed) == presets.config(preset):
        return artifact_id(preset, config.seed)
    return f"{preset}-{hashlib.sha256(json.dumps(plain(config), sort_keys=True).encode()).hexdigest()[:6]}"


def plain(config) -> dict:
    """A config as JSON has it."""
    return json.loads(json.dumps(asdict(config)))


def said(arguments: list[str]) -> str:
    """A command line as a shell takes it."""
    return f"{PROGRAM} {shlex.join(arguments)}"


def train_arguments(preset: str, config, id_: str) -> list[str]:
    """The arguments of the command that makes the artifact `id_` of a config; tests make the config again from them."""
    known = preset in presets.presets()
    own = ["--id", id_] if not known or id_ != name_of(preset, config) else []
    return ["train", preset, *own, *changes(config, presets.config(preset) if known else None)]


def changes(config, base=None) -> list[str]:
    """--FIELD VALUE for each field of a config that is not that of `base` (None: for all)."""
    words = []
    for field in fields(config):
        value, flag = getattr(config, field.name), field.name.replace("_", "-")
        if base is not None and value == getattr(base, field.name) or value is None:
            continue
        if isinstance(value, bool):
            words.append(f"--{'' if value else 'no-'}{flag}")
        else:
            words += [f"--{flag}", *map(str, value if isinstance(value, (list, tuple)) else [value])]
    return words


def check_free(store: Store, preset: str, config, id_: str, replacing: bool = False) -> None:
    """Raises InvalidValue where the name of something that this training would write is taken by another thing."""
    for each in plan(store, preset, config, id_):
        way = "" if each.id == id_ else f"{id_} needs it as its preset makes it: replace it (--replace)"
        store.check_free(each, replacing, inputs=bool(each.inputs), way=way)


def plan(store: Store, preset: str, config, id_: str) -> list[Manifest]:
    """Manifests, as far as they are known now, of what a training will write, in order: first what it needs that is not here as it
    needs it. Inputs that are not made yet are left out."""
    needed, inputs = needs(store, config)
    return [*needed, Manifest(id_, config.KIND, "", "", preset, plain(config), inputs)]


def needs(store: Store, config) -> tuple[list[Manifest], dict]:
    """(what is made first for a config, what is at hand for it: the `inputs` of its manifest)."""
    if config.KIND == "netspace":
        if config.zoo not in presets.presets():
            return [], inputs_of(store, config.zoo)
        wanted = replace(presets.config(config.zoo), seed=config.seed)
        zoo = Manifest(artifact_id(config.zoo, config.seed), wanted.KIND, "", "", config.zoo, plain(wanted))
        return ([], inputs_of(store, zoo.id)) if is_whole(store, zoo) else ([zoo], {})
    if config.KIND == "nern":
        here = store.has(config.original)
        made = [] if here or config.original not in presets.presets() else plan(store, config.original, presets.config(config.original), config.original)
        if config.start in presets.presets() and (not store.has(first := artifact_id(config.start, config.seed)) or store.outdated(first)):
            made += plan(store, config.start, replace(presets.config(config.start), seed=config.seed), first)
        return made, inputs_of(store, config.original)
    return [], {}


def inputs_of(store: Store, id_: str) -> dict:
    return {id_: {"sha256": manifest_hash(store.open(id_))}} if store.has(id_) else {}


def is_whole(store: Store, wanted: Manifest) -> bool:
    """Whether an artifact is at hand that this config made and that was not trimmed. Raises InvalidValue where another kind has its id."""
    if not store.has(wanted.id):
        return False
    found = store.open(wanted.id).manifest
    if found.kind != wanted.kind:
        raise InvalidValue(f"The name {wanted.id} is taken: it is a {found.kind}, and a {wanted.kind} of that name is needed first. Move its folder out of the workspace.")
    return "trimmed" not in found.provenance and not changed_fields(found, wanted)
