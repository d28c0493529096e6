"""A run that was stopped goes on with what it began with, or begins again: never half on one zoo or original and half on another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from safetensors.numpy import load, save

from engine import presets
from engine.core.artifacts import Store
from engine.core.errors import InvalidValue, Stopped
from engine.jobs import work
from engine.jobs.folder import Folder
from engine.kinds.configs import read_config
from engine.make import train
from engine.tasks.images.config import NetSpaceConfig, ZooConfig
from tests.tiny import SPACE, tamper, write_tiny
from tests.tiny_jobs import lso_spec
from tests.tiny_nern import CONFIG, NERN, NETWORK, ORIGINAL, quiet, write_tiny_nern


@pytest.fixture
def store(tmp_path) -> Store:
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    write_tiny_nern(store)
    write_tiny(store)
    return store


def first_step(store: Store, config, id_: str, stop_at: int) -> int:
    """The first step that a training of this config does; it is stopped at `stop_at`."""
    done = []

    def progress(title: str, total: int):
        def on_step(step: int, metrics: dict) -> None:
            done.append(step)
            if step == stop_at:
                raise Stopped("enough")

        return on_step

    with pytest.raises(Stopped):
        train(store, "x", config, "cpu", progress, id_)
    return done[0]


def small_space(store: Store) -> NetSpaceConfig:
    return replace(read_config(store.open(SPACE)), steps=20, networks=2, images=8, warmup=2, validate_every=10)


def nudged(data: bytes) -> bytes:
    """The same file with one number of each tensor changed."""
    arrays = {name: array.copy() for name, array in load(data).items()}
    for array in arrays.values():
        array.flat[0] += 0.5
    return save(arrays)


def test_a_nern_begins_again_where_its_original_was_made_again(store, capsys):
    assert first_step(store, CONFIG, "nern-x", 30) == 1
    assert "is resumed from its checkpoint" not in capsys.readouterr().err
    assert first_step(store, CONFIG, "nern-x", 40) == 31  # control
    assert "is resumed from its checkpoint" in capsys.readouterr().err
    train(store, "network-digits", replace(NETWORK, seed=1, steps=3), "cpu", quiet, ORIGINAL, replacing=True)
    assert first_step(store, CONFIG, "nern-x", 40) == 1
    assert "is resumed from its checkpoint" not in capsys.readouterr().err


def test_a_space_begins_again_where_its_zoo_was_made_again(store):
    zoo = ZooConfig("lenetlike-digits", "digits", train=3, val=1, test=2, steps_min=2, steps_max=4)
    train(store, "x", zoo, "cpu", quiet, "zoo-x")
    config = replace(small_space(store), zoo="zoo-x")
    assert first_step(store, config, "netspace-x", 5) == 1
    assert first_step(store, config, "netspace-x", 6) == 6  # control
    tamper(store.open("zoo-x").folder, "parameters.safetensors", nudged, honest=True)
    assert first_step(store, config, "netspace-x", 6) == 1


def test_a_space_of_a_zoo_with_one_test_instance_is_refused_before_it_is_trained(store):
    """It would have no path to be measured on."""
    with pytest.raises(InvalidValue, match="--test 2"):
        train(store, "x", small_space(store), "cpu", quiet, "netspace-x")


def test_the_first_stage_of_a_nern_is_made_again_with_its_original(store, monkeypatch):
    """Where a preset goes on from another preset."""
    first, second = replace(CONFIG, steps=3), replace(CONFIG, start="nern-digits-coarse", steps=2)
    real = presets.config
    monkeypatch.setattr("engine.presets.config", lambda name: first if name == "nern-digits-coarse" else real(name))
    train(store, "x", second, "cpu", quiet, "nern-x")
    made = store.open("nern-digits-coarse").manifest
    train(store, "x", second, "cpu", quiet, "nern-x")
    assert store.open("nern-digits-coarse").manifest == made  # control
    train(store, "network-digits", replace(NETWORK, seed=1, steps=3), "cpu", quiet, ORIGINAL, replacing=True)
    assert store.outdated("nern-digits-coarse") == [ORIGINAL] == store.outdated(NERN)
    with pytest.raises(InvalidValue, match=f"another version of {ORIGINAL}.*--replace"):
        train(store, "x", second, "cpu", quiet, "nern-x")
    train(store, "x", second, "cpu", quiet, "nern-x", replacing=True)
    assert store.open("nern-digits-coarse").manifest.inputs != made.inputs and not store.outdated("nern-digits-coarse")


def test_an_lso_begins_again_where_its_space_was_made_again(store, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["engine"])
    spec = lso_spec(SPACE, str(store.open(SPACE).table("instances.parquet")["id"][0]), steps=20, validate_every=1)

    def steps_until(last: int) -> list[dict]:
        """The points of the job, which goes on until that step."""
        folder = Folder(tmp_path / "job")
        with pytest.raises(Stopped):
            work.carry_out(store, spec, folder.path, lambda: folder.metrics()[-1]["step"] == last, "cpu")
        return folder.metrics()

    first = steps_until(3)
    assert [point["step"] for point in first] == [0, 1, 2, 3]
    assert steps_until(5)[:4] == first  # control
    tamper(store.open(SPACE).folder, "embeddings.safetensors", nudged, honest=True)
    again = steps_until(2)
    assert [point["step"] for point in again] == [0, 1, 2]
    assert again[0]["val_loss"] != first[0]["val_loss"], "the start is measured in the space as it is now"
