"""Every field of every config says what it is, in words for a person; what it cannot hold is refused when the config is made."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, fields, replace
from typing import Literal

import pytest

from engine import presets
from engine.core.config import fields_of
from engine.core.errors import InvalidValue
from engine.core.told import KEY, check, hints_of, told
from engine.kinds.nern.config import NernConfig, NetworkConfig
from engine.learn.config import LsoConfig
from engine.tasks.distances.config import ShapeSpaceConfig, ShapeZooConfig
from engine.tasks.images.config import MultiSpaceConfig, MultiZooConfig, NetSpaceConfig, ZooConfig
from engine.tasks.signals.config import SignalSpaceConfig, SignalZooConfig

CONFIGS = (
    ZooConfig("lenetlike-digits", "digits"),
    ShapeZooConfig(),
    NetSpaceConfig("zoo-digits"),
    ShapeSpaceConfig("zoo-chairs"),
    LsoConfig("netspace-digits", "a"),
    MultiZooConfig(("a", "b"), "digits", "b", train=(1, 1), steps=(1, 1)),
    MultiSpaceConfig("zoo-digits"),
    NetworkConfig("resnet8-digits", "digits"),
    NernConfig("network-digits"),
    SignalZooConfig(),
    SignalSpaceConfig("zoo-digits-inr"),
)
NUMBERS = [(config, field.name) for config in CONFIGS for field in fields(config) if hints_of(type(config))[field.name] in (int, float)]


def untold(kind: type) -> list[str]:
    """What is wrong with what a config's fields tell."""
    found, labels = [], {}
    for field in fields(kind):
        tale = field.metadata.get(KEY)
        if tale is None:
            found.append(f"{field.name} tells nothing")
            continue
        name = field.name.replace("_", " ")
        if tale.label.lower() == name and " " not in name and name not in PLAIN or not tale.label[0].isupper() or len(tale.label) > 32:
            found.append(f"{field.name}: {tale.label!r} is no label")
        if not re.fullmatch(r"\S.{8,}[.]", tale.help):
            found.append(f"{field.name}: {tale.help!r} is no sentence")
        if tale.label in labels:
            found.append(f"{field.name} has the label of {labels[tale.label]}")
        labels[tale.label] = field.name
    return found


# Names in the code that are the trade's own words, too.
PLAIN = {
    "architecture", "architectures", "teacher", "zoo", "space", "seed", "temperature", "momentum", "original", "betas", "stratified",
    "gamma",
    "objective", "target", "optimiser",
}  # fmt: skip


@pytest.mark.parametrize(
    "kind", sorted({type(config) for config in CONFIGS} | {type(presets.config(name)) for name in presets.presets()}, key=str)
)
def test_every_field_has_a_label_and_a_sentence(kind):
    assert untold(kind) == []


@pytest.mark.parametrize("field", [dataclasses.field(default=1), told("half", "Is a sentence about it.", 1), told("Half of them", "", 1)])
def test_a_field_without_words_is_noticed(field):
    assert untold(dataclasses.make_dataclass("Planted", [("half", int, field)]))


def test_all_kinds_of_configs_are_looked_at():
    assert {type(presets.config(name)) for name in presets.presets()} <= {type(config) for config in CONFIGS}


@pytest.mark.parametrize("config, name", NUMBERS, ids=lambda value: value if isinstance(value, str) else type(value).__name__)
def test_a_number_has_a_lower_bound_and_is_one(config, name):
    label = next(field.told.label for field in fields_of(config) if field.name == name)
    for wrong in (-1, float("nan"), float("inf"), 10**400, "8", True, None, [1]):
        with pytest.raises(InvalidValue) as raised:
            replace(config, **{name: wrong})
        assert f"({name})" in str(raised.value) and label in str(raised.value) and len(str(raised.value)) < 300


@dataclass(frozen=True)
class Oven:
    heat: int = told("Heat", "How hot it is.", 180, unit="degrees", low=50, high=250)
    trays: tuple[int, ...] = told("Trays", "Which are in.", (1, 2), low=1)
    share: float = told("Share", "How full it is.", 0.5, above=0, below=1)
    mode: Literal["top", "fan"] = told("Mode", "Where heat comes from.", "fan")
    note: str = told("Note", "For the cook.", "")
    light: bool = told("Light", "Whether it is on.", True)
    at: tuple[float, float] | None = told("At", "Where it stands.", None)

    def __post_init__(self):
        check(self)


@pytest.mark.parametrize(
    "change", [{}, {"heat": 50}, {"heat": 250}, {"trays": ()}, {"share": 0.1}, {"mode": "top"}, {"at": (1, 2.5)}, {"light": False}], ids=str
)
def test_what_is_within_the_bounds_is_taken(change):
    Oven(**change)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"heat": 49}, "Heat (heat) is at least 50 and at most 250 degrees; got 49."),
        ({"heat": 10**12}, "at most 250 degrees"),
        ({"heat": 10**5000}, "thousands of digits"),
        ({"heat": 180.0}, "whole number"),
        ({"trays": (1, 0)}, "at least 1"),
        ({"trays": [1, 2]}, "list"),
        ({"trays": tuple(range(1, 40))}, "at most 16 values"),
        ({"share": 0}, "above 0 and below 1"),
        ({"share": 1.0}, "above 0 and below 1"),
        ({"mode": "banana"}, "Mode (mode) is one of top, fan; got 'banana'."),
        ({"mode": True}, "one of top, fan"),
        ({"note": "x" * 501}, "500 characters"),
        ({"note": None}, "text"),
        ({"light": 1}, "true or false"),
        ({"at": (0.0, float("nan"))}, "finite"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_is_not_is_refused_in_a_sentence(change, words):
    with pytest.raises(InvalidValue) as raised:
        Oven(**change)
    assert words in str(raised.value) and len(str(raised.value)) < 200
