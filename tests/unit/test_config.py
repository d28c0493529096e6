"""Configs and presets: what cannot be is refused when it is made; the name of a run depends on every field."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, asdict, dataclass, fields, replace

import pytest

from engine.core import format1
from engine.core.artifacts import GALLERY, manifest_of, read_manifest
from engine.core.config import digest, from_fields
from engine.core.errors import CorruptArtifact, InvalidValue, UnknownId
from engine.kinds.configs import config_types, read_config
from engine.presets import config, name_of_zoo, presets
from engine.tasks.config import SpaceConfig
from engine.tasks.distances.config import ShapeSpaceConfig, ShapeZooConfig
from engine.tasks.images.config import NetSpaceConfig, ZooConfig

ZOO = ZooConfig("lenetlike-digits", "digits")
SPACE = NetSpaceConfig("zoo-digits")
SHAPE_ZOO = ShapeZooConfig()
SHAPE_SPACE = ShapeSpaceConfig("zoo-chairs", queries=400_000)


@pytest.mark.parametrize(
    "base, change",
    [
        (ZOO, {"train": 0}),
        (ZOO, {"val": 0}),
        (ZOO, {"test": 0}),
        (ZOO, {"steps_min": 0}),
        (ZOO, {"steps_min": 20, "steps_max": 10}),
        (ZOO, {"batch": 0}),
        (ZOO, {"stack": 0}),
        (ZOO, {"lr": 0.0}),
        (SPACE, {"embedding": 4095}),
        (SPACE, {"embedding": 81, "encoder_width": 3}),  # the square of an odd number
        (SPACE, {"prep_height": 6}),
        (SPACE, {"prep_height": 0}),
        (SPACE, {"prep_width": 10_001}),
        (SPACE, {"decoder_channels": (128, 2047, 256)}),
        (SPACE, {"decoder_channels": (1, 4, 256)}),
        (SPACE, {"encoder_width": 100}),
        (SPACE, {"networks": 0}),
        (SPACE, {"images": 0}),
        (SPACE, {"steps": 0}),
        (SPACE, {"temperature": 0.0}),
        (SPACE, {"lr": -1e-4}),
        (SPACE, {"clip": -1.0}),
        (SHAPE_ZOO, {"test": 0}),
        (SHAPE_ZOO, {"steps": 0}),
        (SHAPE_ZOO, {"batch": 255}),  # half of the queries are inside
        (SHAPE_ZOO, {"queries": 10_000}),
        (SHAPE_ZOO, {"schedule": "linear"}),
        (SHAPE_ZOO, {"lr": 0.0}),
        (SHAPE_SPACE, {"encoder": "none"}),
        (SHAPE_SPACE, {"points": 49_999}),
        (SHAPE_SPACE, {"queries": 49_998}),
        (SHAPE_SPACE, {"probes": 0}),
        (SHAPE_SPACE, {"scale": 0.0}),
        (SHAPE_SPACE, {"prep_height": 6}),
    ],
    ids=str,
)
def test_impossible_configs_are_refused(base, change):
    with pytest.raises(InvalidValue):
        replace(base, **change)


def test_configs_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        ZOO.lr = 1.0


def other(value):
    """A value of the same type that is not this one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return {"none": "layer", "paper": "zoo", "prep": "probe", "steps": "cosine", "y": "z", "adam": "sgd"}.get(value, value + "-x")
    if isinstance(value, tuple):
        return (*value[:-1], value[-1] * 2) if value else (0.5,)
    return (value / 2 if isinstance(value, float) else value * 4) if value else 1


def test_a_stored_config_is_read_as_what_it_was():
    for base in (ZOO, SHAPE_ZOO, SPACE, SHAPE_SPACE, *(config(name) for name in presets())):
        manifest = manifest_of(base, "some-id")
        stored = replace(manifest, config=json.loads(json.dumps(asdict(base))))
        assert read_config(stored) == base and type(read_config(stored)) is type(base)
        for wrong in (
            {"config": {**stored.config, "surprise": 1}},
            {"config": {**stored.config, "seed": "0"}},
            {"config_type": ""},
            {"kind": "network" if base.KIND == "nern" else "nern"},
            {"task": "other"},
        ):
            with pytest.raises(CorruptArtifact, match="some-id"):
                read_config(replace(stored, **wrong))
        with pytest.raises(InvalidValue, match="LaterConfig"):
            read_config(replace(stored, config_type="LaterConfig"))
    with pytest.raises(CorruptArtifact, match="architecture"):
        read_config(replace(manifest_of(ZOO, "x"), config={"dataset": "digits"}))


def test_whole_numbers_and_lists_are_what_their_fields_are():
    @dataclass(frozen=True)
    class Typed:
        rate: float = 0.0
        count: int = 0
        pair: tuple[float, float] | None = None
        names: tuple[str, ...] = ()

    made = from_fields(Typed, {"rate": 1, "count": 1, "pair": [1, 2.5], "names": ["a"]})
    assert made == Typed(1.0, 1, (1.0, 2.5), ("a",)) and (type(made.rate), type(made.count), type(made.pair)) == (float, int, tuple)
    assert from_fields(Typed, {"count": 1.0, "pair": None, "rate": 10**400}) == Typed(10**400, 1.0)  # for `check` to refuse
    for values, word in (({"rat": 1}, "rate"), ({1: 2}, "no field")):
        with pytest.raises(InvalidValue, match=word):
            from_fields(Typed, values)


SHIPPED = sorted(path.name for path in GALLERY.iterdir() if (path / "manifest.json").is_file())


def test_every_shipped_manifest_of_format_1_is_read_as_its_presets_config():
    """As they lie, before format 2: the frozen guesser finds the type of every one."""
    found = set()
    for id_ in SHIPPED:
        manifest = read_manifest(GALLERY / id_)
        of = type(config(manifest.preset))
        assert (manifest.config_type, manifest.task, manifest.kind) == (of.__name__, of.TASK, of.KIND), id_
        assert read_config(manifest) == config(manifest.preset), id_
        found.add(manifest.config_type)
    assert len(found) >= 8 and found <= set(config_types())


@pytest.mark.parametrize(
    "kind, stored, expected",
    [
        ("network", {"architecture": "resnet8-digits", "dataset": "digits", "source": "a.pt", "note": ""}, ("images", "")),
        ("network", {"space": "netspace-chairs", "name": "box", "architecture": "siren-small"}, ("distances", "")),
        ("network", {"architecture": ["odd"]}, ("images", "")),
        ("zoo", {}, ("images", "ZooConfig")),
        ("netspace", {"queries": 1}, ("distances", "ShapeSpaceConfig")),
        ("nern", {}, ("images", "NernConfig")),
        (["odd"], {}, ("images", "")),
        ("zoo", [], ("", "")),
    ],
)
def test_format_1_is_guessed_as_ever(kind, stored, expected):
    assert format1.guess({"kind": kind, "config": stored}) == expected


@pytest.mark.parametrize("base", (ZOO, SPACE, SHAPE_ZOO, SHAPE_SPACE), ids=("zoo", "space", "zoo of shapes", "space of shapes"))
def test_the_digest_depends_on_every_field_and_on_nothing_else(base):
    assert digest(base) == digest(type(base)(**asdict(base)))
    changed = {field.name: digest(replace(base, **{field.name: other(getattr(base, field.name))})) for field in fields(base)}
    assert digest(base) not in changed.values()
    assert len(set(changed.values())) == len(changed)


def test_presets_are_named_alike_and_can_be_made():
    assert {"zoo-digits", "zoo-digits-resnet8", "netspace-digits", "netspace-digits-resnet8", "netspace-cifar10-resnet8"} <= set(presets())
    for name in presets():
        assert re.fullmatch(r"(zoo|netspace|nern|network)-[a-z0-9]+(-[a-z0-9]+)*", name)
        made = config(name)
        assert made == config(name)
        assert isinstance(made, SpaceConfig) == name.startswith("netspace-")


def test_a_spaces_zoo_is_a_preset_and_fits_its_prep():
    from engine.archs import architecture

    for name in presets():
        if name.startswith("netspace-"):
            zoo, space = config(name_of_zoo(name)), config(name)
            cells = space.prep_height * space.prep_width
            for id_ in getattr(zoo, "architectures", None) or [zoo.architecture]:
                assert architecture(id_).parameters <= cells, name


def test_shipped_zoos_hold_out_at_least_32_instances():
    for name in ("zoo-digits", "zoo-digits-resnet8"):
        assert config(name).test >= 32


def test_unknown_preset_names_the_nearest():
    with pytest.raises(UnknownId, match="netspace-digits"):
        config("netspace-digit")


@pytest.mark.parametrize("name", sorted(presets()))
def test_every_config_says_whose_networks_it_is_about(name):
    """A space is about its zoo's networks, a NeRN about its original's: at the end of the way stands who makes networks."""
    made = config(name)
    while made.networks_of in presets():
        made = config(made.networks_of)
    if made.networks_of:
        return  # a file that is imported
    assert made.KIND in ("zoo", "network") and made.arch_ids and made.dataset
    assert all(id_ in json.dumps(asdict(made)) for id_ in made.arch_ids)
    if made.KIND == "zoo":
        assert made.instances == sum(made.counts) and min(made.counts) > 0


def test_a_zoo_of_several_counts_those_of_each_architecture_and_its_space_those_that_it_never_sees():
    zoo, space = config("zoo-digits-multi"), config("netspace-digits-multi")
    assert zoo.counts == (sum(zoo.train), len(zoo.arch_ids) * zoo.val, len(zoo.arch_ids) * zoo.test)
    assert replace(space, train=(60, 0, 0, 100)).unseen == 2 and SPACE.unseen == 0
