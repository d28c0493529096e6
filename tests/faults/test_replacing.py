"""Nothing that was made is lost to a name: what another thing has is refused before work and at the write, and what is replaced on
purpose comes back."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from engine import presets
from engine.core import replacing
from engine.core.artifacts import GALLERY, Manifest, Store, manifest_hash
from engine.core.errors import ExplorerError, InvalidValue, StorageError, UnknownId
from engine.jobs import specs, views
from engine.jobs.queue import Queue
from engine.make import train
from engine.plan import check_free, name_of, plain, train_arguments
from tests.commands import call
from tests.tiny_jobs import zoo_spec

SMALL = replace(presets.config("zoo-digits"), train=2, val=1, test=1, steps_min=1, steps_max=2, batch=8)


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "workspace", tmp_path / "gallery")


def put(
    store: Store,
    id_: str = "mine",
    kind: str = "netspace",
    value: float = 1.0,
    preset: str = "",
    config: dict | None = None,
    inputs: dict | None = None,
    provenance: dict | None = None,
    **options,
):
    return store.write(
        Manifest(id_, kind, id_, "", preset, config or {}, inputs or {}, provenance=provenance or {}, **named(preset)),
        {"w.safetensors": {"w": np.full(4, value, "float32")}},
        **options,
    )


def named(preset: str) -> dict:
    """Task and type of a preset's config."""
    if preset not in presets.presets():
        return {}
    return {"task": presets.config(preset).TASK, "config_type": type(presets.config(preset)).__name__}


def value(store: Store, id_: str = "mine") -> float:
    return float(store.open(id_).arrays("w.safetensors")["w"][0])


def silent(title: str, total: int):
    return lambda step, metrics: None


def no_step(title: str, total: int):
    pytest.fail("a step was done")


OTHERS = {
    "another kind": {"kind": "zoo"},
    "another config": {"config": {"steps": 2}},
    "a setting more": {"config": {"steps": 1, "colour": "red"}},
    "other inputs": {"inputs": {"b": {"sha256": "1"}}},
    "another version of its input": {"inputs": {"a": {"sha256": "2"}}},
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("root", ("workspace", "gallery"))
def test_the_write_refuses_what_is_not_the_same_work(store, other, root):
    known = {"config": {"steps": 1}, "inputs": {"a": {"sha256": "1"}}}
    put(store, **known, root=getattr(store, root))
    put(store, **known, value=2.0)  # control: the same work
    with pytest.raises(InvalidValue, match="mine is taken.*--replace.*artifacts restore mine"):
        put(store, **{**known, **OTHERS[other]}, value=3.0)
    assert value(store) == 2.0
    put(store, **{**known, **OTHERS[other]}, value=3.0, replace=True)
    assert value(store) == 3.0 and [each.id for each in store.kept_aside()] == ["mine"]


def test_a_broken_artifact_is_not_written_over_unasked(store):
    folder = put(store).folder
    (folder / "manifest.json").write_text("{")
    with pytest.raises(InvalidValue, match="broken"):
        put(store, value=2.0)
    put(store, value=2.0, replace=True)
    assert value(store) == 2.0 and (store.workspace / replacing.FOLDER / "mine" / "w.safetensors").is_file()


def test_a_space_made_again_of_the_same_work_is_the_same_work(store):
    """Its zoo was made again, from the same preset and config, elsewhere: other bits, nothing that anybody chose."""
    config = plain(presets.config("zoo-digits"))
    old = put(store, "z", "zoo", 1.0, "zoo-digits", config, root=store.gallery)
    put(store, "s", inputs={"z": {"sha256": manifest_hash(old)}}, root=store.gallery)
    new = put(store, "z", "zoo", 2.0, "zoo-digits", config)
    put(store, "s", inputs={"z": {"sha256": manifest_hash(new)}}, value=3.0)
    assert value(store, "s") == 3.0
    other = put(store, "z", "zoo", 4.0, "zoo-digits", {**config, "steps_max": 7}, replace=True)
    with pytest.raises(InvalidValue, match="another version of z"):
        put(store, "s", inputs={"z": {"sha256": manifest_hash(other)}}, value=5.0)


def test_restore_brings_the_last_one_back_and_twice_is_nothing(store):
    for number in (1.0, 2.0, 3.0):
        put(store, value=number, config={"n": number}, replace=True)
    assert store.restore("mine").manifest.config == {"n": 2.0} and value(store) == 2.0
    store.restore("mine")
    assert value(store) == 3.0
    assert {path.name for path in store.workspace.iterdir()} == {"mine", replacing.FOLDER}, "no litter"


def test_restore_shows_a_shipped_one_again(store):
    put(store, root=store.gallery)
    put(store, kind="zoo", value=2.0, replace=True)
    assert store.restore("mine").manifest.kind == "netspace" and value(store) == 1.0
    assert store.restore("mine").manifest.kind == "zoo" and value(store) == 2.0


@pytest.mark.parametrize("id_", ("mine", "other"))
def test_restore_of_nothing_says_so(store, id_):
    put(store)
    with pytest.raises(UnknownId, match="Nothing"):
        store.restore(id_)
    assert value(store) == 1.0


def test_a_file_system_that_cannot_exchange_replaces_all_the_same(store, monkeypatch):
    monkeypatch.setattr(replacing.ctypes, "CDLL", lambda name: object())
    put(store)
    put(store, kind="zoo", value=2.0, replace=True)
    assert value(store) == 2.0 and store.restore("mine").manifest.kind == "netspace"
    assert {path.name for path in store.workspace.iterdir()} == {"mine", replacing.FOLDER}


def test_a_write_that_fails_keeps_what_was_kept(store, monkeypatch):
    put(store)
    put(store, kind="zoo", value=2.0, replace=True)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken, pytest.raises(StorageError, match="unchanged"):
        broken.setattr(replacing, "exchange", full)
        put(store, kind="nern", value=3.0, replace=True)
    assert value(store) == 2.0 and store.restore("mine").manifest.kind == "netspace"


# ---- before work


@pytest.mark.parametrize("id_", ("netspace-digits", "zoo-chairs", "nern-digits", "zoo-digits"))
def test_a_training_is_refused_before_its_first_step(tmp_path, id_):
    """A shipped id, of another kind or of another config."""
    store = Store(tmp_path, GALLERY)
    with pytest.raises(InvalidValue, match=f"{id_} is taken: one ships with the explorer"):
        train(store, "zoo-digits", SMALL, "cpu", no_step, id_)
    with pytest.raises(InvalidValue, match=f"{id_} is taken"):
        views.submit(store, {"kind": "train", "preset": "zoo-digits", "id": id_, "config": plain(SMALL)})
    assert not Queue(tmp_path).exists
    job, _ = views.submit(store, {"kind": "train", "preset": "zoo-digits", "id": id_, "config": plain(SMALL), "replace": True})
    assert job.spec["replace"] is True


@pytest.mark.parametrize("name", presets.presets())
def test_every_preset_can_be_made_here_over_what_ships(tmp_path, name):
    """The first thing that the README says: the same preset, whose zoo ships trimmed."""
    check_free(Store(tmp_path, GALLERY), name, presets.config(name), name)


def test_what_a_training_needs_first_is_not_written_over_either(tmp_path):
    store = Store(tmp_path, tmp_path / "gallery")
    train(store, "zoo-digits", SMALL, "cpu", silent, "zoo-digits")
    with pytest.raises(
        InvalidValue, match="zoo-digits is taken: it has steps_max 2 instead of 1200|zoo-digits is taken.*netspace-digits needs it"
    ):
        train(store, "netspace-digits", presets.config("netspace-digits"), "cpu", no_step)


def test_a_name_taken_meanwhile_is_refused_at_the_write_and_the_work_is_kept(store):
    steps = []

    def progress(title: str, total: int):
        def on_step(step: int, metrics: dict) -> None:
            steps.append(step)
            if step == total:
                put(store, "zoo-mine")

        return on_step

    with pytest.raises(InvalidValue, match="zoo-mine is taken: it is a netspace"):
        train(store, "zoo-digits", SMALL, "cpu", progress, "zoo-mine")
    assert steps and store.open("zoo-mine").manifest.kind == "netspace"


def test_the_command_says_it_and_replaces_and_restores(store, capsys, monkeypatch):
    put(store, "zoo-mine")
    fields = [
        word
        for name in ("train", "val", "test", "steps_min", "steps_max", "batch")
        for word in (f"--{name.replace('_', '-')}", str(getattr(SMALL, name)))
    ]
    arguments = ("train", "zoo-digits", "--id", "zoo-mine", *fields)
    code, _, error = call(capsys, store.workspace, *arguments)
    assert code == 2 and error.count("\n") == 1 and "zoo-mine is taken: it is a netspace" in error
    code, said, _ = call(capsys, store.workspace, *arguments, "--replace")
    assert code == 0 and said["kind"] == "zoo"
    assert [row["id"] for row in call(capsys, store.workspace, "artifacts")[1]["kept"]] == ["zoo-mine"]
    assert (
        call(capsys, store.workspace, "artifacts", "restore", "zoo-mine")[1]["kind"] == "netspace" == store.open("zoo-mine").manifest.kind
    )
    assert (
        call(capsys, store.workspace, "artifacts", "restore", "nothing")[0] == call(capsys, store.workspace, "artifacts", "restore")[0] == 2
    )


@pytest.mark.parametrize("wrong", ("yes", 1, None, []))
def test_replace_is_true_or_false(wrong):
    with pytest.raises(ExplorerError, match="true or false"):
        specs.parse({"kind": "train", "preset": "zoo-digits", "replace": wrong})


# ---- names and commands


def test_what_nobody_named_is_named_alike_everywhere():
    own = presets.config("zoo-digits")
    assert name_of("zoo-digits", own) == "zoo-digits" and name_of("zoo-digits", replace(own, seed=3)) == "zoo-digits-seed3"
    assert (
        name_of("zoo-digits", SMALL).startswith("zoo-digits-")
        and name_of("zoo-digits", SMALL) == specs.of_training("zoo-digits", SMALL)["id"]
    )
    assert name_of("zoo-digits", SMALL) != name_of("zoo-digits", replace(SMALL, seed=1))


@pytest.mark.parametrize("preset", presets.presets())
def test_the_command_in_the_provenance_makes_the_same_config(preset):
    from engine.__main__ import parser
    from engine.cli.command import overridden

    own = presets.config(preset)
    switched = {name: not value for name, value in asdict(own).items() if isinstance(value, bool)}
    doubled = {name: value * 2 for name, value in asdict(own).items() if isinstance(value, float)}
    for changed in ({}, {"seed": 7}, *({name: value} for name, value in (switched | doubled).items())):
        try:
            config = replace(own, **changed)
        except InvalidValue:
            continue
        arguments = train_arguments(preset, config, "an-id")
        options, rest = parser().parse_known_args(arguments)
        assert options.id == "an-id" and overridden(own, rest) == replace(
            config, seed=own.seed if options.seed is not None else config.seed
        )
        assert (own.seed if options.seed is None else options.seed) == config.seed


def test_what_a_job_makes_says_the_command_not_the_process(store, tmp_path, monkeypatch):
    from engine.jobs.work import carry_out

    monkeypatch.setattr("sys.argv", ["engine", "--open", "--port", "8501"])
    spec = zoo_spec(steps=4)
    carry_out(store, spec, tmp_path / "job", lambda: False, "cpu")
    command = store.open(spec["id"]).manifest.provenance["command"]
    assert (
        command.startswith(f"python -m engine train zoo-digits --id {spec['id']} ")
        and "--steps-max 4" in command
        and "--port" not in command
    )


def test_an_lso_says_all_of_its_command():
    spec = specs.parse({"kind": "lso", "config": {"space": "s", "a": "x", "b": "y", "gamma": 0.25, "objective": "task", "steps": 7}})
    assert specs.command(spec) == ["lso", "s", "x", "--b", "y", "--gamma", "0.25", "--objective", "task", "--steps", "7"]
    assert specs.command(specs.parse({"kind": "lso", "config": {"space": "s", "xy": [1, 2.5]}})) == ["lso", "s", "--xy", "1", "2.5"]


def test_nothing_asks_the_process_what_its_arguments_were():
    """Only what is a program of its own does."""
    programs = {"engine/__main__.py", "engine/core/limits.py", "engine/tasks/distances/fit_process.py", "engine/tasks/distances/draw.py"}
    root = Path(__file__).resolve().parents[2]
    asking = {path.relative_to(root).as_posix() for path in (root / "engine").rglob("*.py") if "sys.argv" in path.read_text("utf-8")}
    assert asking <= programs, asking - programs
