"""Configs and presets: what cannot be is refused when it is made; the name of a run depends on every field."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, asdict, fields, replace

import pytest

from engine.config import SPACE_CONFIGS, ZOO_CONFIGS, NetSpaceConfig, ShapeSpaceConfig, ShapeZooConfig, SpaceConfig, ZooConfig, digest, from_fields
from engine.errors import InvalidValue, UnknownId
from engine.presets import config, name_of_zoo, presets

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
        return {"none": "layer", "paper": "zoo", "prep": "probe", "steps": "cosine", "y": "z"}.get(value, value + "-x")
    if isinstance(value, tuple):
        return (*value[:-1], value[-1] * 2)
    return value * 4 if value else 1


def test_a_stored_config_is_read_as_what_it_was():
    for base, kinds in ((ZOO, ZOO_CONFIGS), (SHAPE_ZOO, ZOO_CONFIGS), (SPACE, SPACE_CONFIGS), (SHAPE_SPACE, SPACE_CONFIGS)):
        stored = json.loads(json.dumps(asdict(base)))
        assert from_fields(stored, kinds) == base and type(from_fields(stored, kinds)) is type(base)
        with pytest.raises(TypeError):
            from_fields({**stored, "surprise": 1}, kinds)


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
