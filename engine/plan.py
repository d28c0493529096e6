"""What a training makes before it begins: ids, what it is made from, and the command that would do the same. Needs no torch."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import fields, replace
from functools import partial

from . import presets
from .core.artifacts import Manifest, Store, manifest_hash, manifest_of
from .core.config import Reference, plain
from .core.errors import InvalidValue, UnknownId, closest
from .core.provenance import command_line
from .core.replacing import changed_fields
from .kinds.configs import defaults, read_config
from .kinds.kind import Input


def artifact_id(preset: str, seed: int) -> str:
    """A preset's own seed gives its own name; another seed is said in the id."""
    return preset if seed == presets.config(preset).seed else f"{preset}-seed{seed}"


def name_of(preset: str, config) -> str:
    """The id of what nobody named: the preset's, its seed's, or with a hash behind it where other fields were changed."""
    if own := getattr(config, "own_name", None):
        return own(presets.presets())
    if replace(config, seed=presets.config(preset).seed) == presets.config(preset):
        return artifact_id(preset, config.seed)
    return f"{preset}-{hashlib.sha256(json.dumps(plain(config), sort_keys=True).encode()).hexdigest()[:6]}"


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
    if preset in presets.open_presets():
        return store.check_new(id_, replacing)
    for each in plan(store, preset, config, id_):
        way = "" if each.id == id_ else f"{id_} needs it as its preset makes it: replace it (--replace)"
        store.check_free(each, replacing, inputs=bool(each.inputs), way=way, defaults=defaults)


def plan(store: Store, preset: str, config, id_: str) -> list[Manifest]:
    """Manifests, as far as they are known now, of what a training will write, in order: first whatever it needs that is missing.
    Inputs that must be made first are left out of them, and names that stand for nothing."""
    wanted = [(each.preset, each.config, each.id) for each in needs(store, config, lenient=True)]
    manifests = []
    for preset, config, id_ in (*wanted, (preset, config, id_)):  # noqa: B020 - the last is the one that was asked for
        here = [each for each in inputs_of(store, config, lenient=True) if each.here]
        manifests.append(manifest_of(config, id_, preset=preset, inputs=recorded(store, here)))
    return manifests


def needs(store: Store, config, lenient: bool = False) -> list[Input]:
    """What must be made first, in order: the missing things that a config is made from, and what those are made from. Raises what
    `inputs_of` does."""
    found: dict[str, Input] = {}
    for each in inputs_of(store, config, lenient):
        if not each.here:
            found |= {need.id: need for need in (*needs(store, each.config, lenient), each)}
    return list(found.values())


def recorded(store: Store, inputs: list[Input]) -> dict:
    """What a manifest says of what it was made from."""
    return {each.id: {"sha256": manifest_hash(store.open(each.id))} for each in inputs if each.reference.recorded}


def inputs_of(store: Store, config, lenient: bool = False) -> list[Input]:
    """What a config is made from, in the order of its references. Raises UnknownId (`lenient`: leaves out what is unknown),
    InvalidValue, CorruptArtifact."""
    found = []
    for each in config.references:
        if each.optional and not (store.has(each.name) and store.open(each.name).manifest.kind == each.kind):
            continue
        with contextlib.suppress(UnknownId) if lenient else contextlib.nullcontext():
            found.append(resolved(store, each))
    return found


def resolved(store: Store, of: Reference) -> Input:
    """What a name stands for: the preset's artifact, which may have to be made first, or an artifact that is here."""
    preset = of.name in presets.presets()
    if not preset or of.version == "any" and store.has(of.name):
        return at_hand(store, of)
    config = presets.config(of.name)
    if of.kind != config.KIND:
        raise UnknownId(of.missing) if of.missing else InvalidValue(f"A {of.kind} is needed here, and {of.name} is none. Name another.")
    config = config if of.seed is None else replace(config, seed=of.seed)
    id_ = artifact_id(of.name, config.seed)
    here = is_whole(store, id_, config) if of.version == "same" else store.has(id_) and not store.outdated(id_)
    config = read_config(store.open(id_, of.kind)) if here else config
    return Input(of, id_, here, plain(config), config, of.name, partial(remade, of.name))


def at_hand(store: Store, of: Reference) -> Input:
    """An artifact that is here, whatever made it."""
    if not store.has(of.name):
        known = [*presets.presets(), *store.folders()]
        raise UnknownId(of.missing or f"There is no {of.kind} {of.name[:100]!r}.{closest(of.name, known)}")
    manifest = store.open(of.name, of.kind).manifest
    return Input(of, of.name, True, manifest.config, read_config(manifest) if manifest.config_type else None)


def remade(preset: str, changed: dict) -> tuple[str, str]:
    """(the command that makes a preset's artifact with other fields, its id)."""
    fitting = replace(presets.config(preset), **changed)
    return command_line(["train", preset, *changes(fitting, presets.config(preset))]), name_of(preset, fitting)


def is_whole(store: Store, id_: str, config) -> bool:
    """Whether an artifact is here that this config made and that was not trimmed. Raises InvalidValue where another kind has its id."""
    if not store.has(id_):
        return False
    found, wanted = store.open(id_).manifest, manifest_of(config, id_)
    if found.kind != wanted.kind:
        raise InvalidValue(
            f"The name {id_} is taken: it is a {found.kind}, and a {wanted.kind} of that name is needed first. "
            "Move its folder out of the workspace."
        )
    return "trimmed" not in found.provenance and not changed_fields(found, wanted, defaults)
