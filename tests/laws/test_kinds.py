"""Kinds: what makes an artifact asks nothing but its kind, so that one that nobody has heard of is made, resumed, estimated and
measured as the others are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch

from engine import kinds, make, presets
from engine.core import manifests
from engine.core.artifacts import Store
from engine.core.config import Reference
from engine.core.errors import InvalidValue, Stopped, UnknownId
from engine.core.fields import SEED, STEPS
from engine.core.told import check, told
from engine.kinds import configs
from engine.kinds.kind import Inputs, Kind, Made
from engine.learn.trainee import Trainee
from engine.plan import plan
from engine.tasks.zoo import zoos_of

ARCH = "lenetlike-digits"


@dataclass(frozen=True)
class HeapConfig:
    """A number that grows by one a step, upon another one's."""

    KIND: ClassVar[str] = "heap"
    TASK: ClassVar[str] = ""
    below: str = told("Below", "What it is heaped upon: a preset, or nothing.", "")
    steps: int = told(*STEPS, 3, unit="steps", low=1)
    seed: int = told(*SEED, 0, low=0, high=9)

    @property
    def references(self) -> tuple[Reference, ...]:
        return (Reference(self.below, "heap", self.seed),) if self.below else ()

    def __post_init__(self):
        check(self)


class Heap(Trainee):
    def __init__(self, steps: int, height: float):
        self.total, self.height = steps, torch.tensor([height])

    def step(self, index: int) -> dict[str, float]:
        self.height += 1
        return {"loss": 0.0}

    def state(self) -> dict[str, torch.Tensor]:
        return {"height": self.height}


class HeapKind(Kind):
    id = "heap"

    def check(self, store: Store, config: HeapConfig, inputs: Inputs) -> None:
        if config.steps == 13:
            raise InvalidValue("No heap has 13 steps.")

    def archs(self, config, inputs: Inputs):
        from engine.archs import architecture

        return [architecture(ARCH)]

    def trainee(self, store: Store, config: HeapConfig, inputs: Inputs, device: str) -> Heap:
        return Heap(config.steps, sum(self.load(store, each.id) for each in inputs))

    def stand_in(self, store: Store, config: HeapConfig, inputs: Inputs, device: str) -> Heap:
        return Heap(config.steps, 0.0)

    def finish(self, store: Store, config: HeapConfig, inputs: Inputs, trainee: Heap, progress: Callable[[str, int], Any]) -> Made:
        height = {"height": trainee.height.numpy()}
        return Made("A heap", {"heap.safetensors": height}, metrics=self.metrics(float(trainee.height)))

    def load(self, store: Store, id_: str, device: str = "cpu") -> float:
        return float(store.open(id_, "heap").arrays("heap.safetensors")["height"][0])

    def measure(self, store: Store, artifact, device: str, seed: int = 0) -> dict:
        return self.metrics(self.load(store, artifact.id))

    def metrics(self, height: float) -> dict:
        return {"height": {"value": height, "split": "the whole", "n": 1}}


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    monkeypatch.setitem(kinds.kinds(), "heap", HeapKind())
    monkeypatch.setitem(configs.config_types(), "HeapConfig", HeapConfig)
    monkeypatch.setitem(presets.presets(), "heap-first", lambda: HeapConfig(steps=5))
    monkeypatch.setitem(presets.presets(), "heap-second", lambda: HeapConfig("heap-first"))
    monkeypatch.setattr(manifests, "KINDS", (*manifests.KINDS, "heap"))
    return Store(tmp_path / "workspace", tmp_path / "gallery")


def quiet(title: str, total: int):
    return lambda step, metrics: None


def test_a_kind_from_outside_is_made_with_what_it_needs_and_measured(store):
    config = presets.config("heap-second")
    assert [each.id for each in plan(store, "heap-second", config, "heap-second")] == ["heap-first", "heap-second"]
    found, first = make.estimate(store, config, "cpu")
    assert found.steps == 3 and first > 0 and not store.folders()
    made = make.train(store, "heap-second", config, "cpu", quiet)
    assert made.manifest.metrics["height"]["value"] == 8 and tuple(made.manifest.inputs) == ("heap-first",)
    assert (made.manifest.kind, made.manifest.task, made.manifest.config_type) == ("heap", "", "HeapConfig")
    assert configs.read_config(made) == config and not store.outdated("heap-second")
    assert make.evaluate(store, made, "cpu") == made.manifest.metrics
    assert [each.id for each in plan(store, "heap-second", config, "heap-second")] == ["heap-second"]
    assert make.estimate(store, config, "cpu")[1] == 0
    assert make.train(store, "heap-second", config, "cpu", quiet).manifest.files == made.manifest.files


def test_a_kind_from_outside_is_resumed_and_begins_again_where_its_input_is_another(store, monkeypatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINT_SECONDS", "0")
    seen = []

    def stopping(title: str, total: int):
        def on_step(step: int, metrics: dict) -> None:
            seen.append((title, step))
            if (title, step) == ("heap-second", 2) and seen.count((title, step)) == 1:
                raise Stopped

        return on_step

    config = presets.config("heap-second")
    with pytest.raises(Stopped):
        make.train(store, "heap-second", config, "cpu", stopping)
    seen.append(("heap-second", 2))
    assert make.train(store, "heap-second", config, "cpu", stopping).manifest.metrics["height"]["value"] == 8
    assert [step for title, step in seen if title == "heap-second"] == [1, 2, 2, 3], "it went on where it was"


def test_what_a_kind_refuses_is_refused_before_the_first_step(store):
    def never(title: str, total: int):
        raise AssertionError(f"{title} was begun")

    for config, error, words in (
        (HeapConfig(steps=13), InvalidValue, "13 steps"),
        (HeapConfig("heap-nobody"), UnknownId, "There is no heap 'heap-nobody'"),
        (HeapConfig("zoo-digits"), InvalidValue, "a heap is needed here|A heap is needed here"),
    ):
        with pytest.raises(error, match=words):
            make.train(store, "x", config, "cpu", never, "x")
    assert not store.folders()


def test_a_kind_that_lacks_a_method_says_so(store):
    made = make.train(store, "heap-first", HeapConfig(steps=1), "cpu", quiet, "h")
    with pytest.raises(InvalidValue, match="an instance of a zoo"):
        kinds.kind_of("heap").network(store, made.id, "a", None, 0.0, "weights", "cpu")
    with pytest.raises(InvalidValue, match="A heap cannot be trimmed"):
        from engine.kinds.trim import trim

        trim(store, made.id)
    with pytest.raises(InvalidValue, match="no kind 'pile'"):
        kinds.kind_of("pile")


def test_every_kind_and_every_type_of_config_is_registered():
    assert set(kinds.kinds()) == set(manifests.KINDS)
    for of in configs.config_types().values():
        assert kinds.kind_of(of.KIND).id == of.KIND
        assert of.TASK == "" or zoos_of(of.TASK).holds, of
    for name in presets.presets():
        config = presets.config(name)
        assert configs.config_types()[type(config).__name__] is type(config)
        assert all(each.kind in kinds.kinds() for each in replace(config).references)
