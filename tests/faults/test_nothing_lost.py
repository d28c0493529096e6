"""What lies in the way of a write is kept, whatever it is, and what is broken takes nothing else down."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from engine.core import replacing
from engine.core.artifacts import Store, manifest_hash
from engine.core.errors import CorruptArtifact, ExplorerError, StorageError
from tests.faults.test_replacing import put, store, value  # noqa: F401 - a fixture


def own_folder(place: Path) -> None:
    place.mkdir()
    (place / "thesis.txt").write_text("mine")


def own_file(place: Path) -> None:
    place.write_text("mine")


def dangling(place: Path) -> None:
    own_folder(place)
    (place / "manifest.json").symlink_to("/nowhere")


@pytest.mark.parametrize("own", (own_folder, own_file, dangling))
def test_what_is_no_artifact_is_kept_aside(store, own):
    store.workspace.mkdir()
    own(store.workspace / "mine")
    put(store)
    kept = store.workspace / replacing.FOLDER / "mine"
    assert (kept if kept.is_file() else kept / "thesis.txt").read_text() == "mine" and value(store) == 1.0
    assert {path.name for path in store.workspace.iterdir()} == {"mine", replacing.FOLDER}, "no litter"
    put(store, kind="zoo", value=2.0, replace=True)
    assert {path.name for path in store.workspace.iterdir()} == {"mine", replacing.FOLDER} and store.restore(
        "mine"
    ).manifest.kind == "netspace"


def test_a_file_that_was_put_beside_an_artifacts_own_is_kept_when_it_is_made_again(store):
    put(store)
    (store.workspace / "mine" / "notes.txt").write_text("mine")
    put(store, value=2.0)
    assert (store.workspace / replacing.FOLDER / "mine" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("other", ({"kind": "zoo"}, {"config": {"normalise": "x"}}, {"inputs": {"z": {"sha256": "1"}}}), ids=str)
def test_the_same_weights_as_something_else_are_kept_aside_too(store, other):
    """A network that is brought again with another normalisation has the same files."""
    before = put(store).manifest
    put(store, **other, replace=True)
    restored = store.restore("mine").manifest
    assert (restored.kind, restored.config, restored.inputs) == (before.kind, before.config, before.inputs)


@pytest.mark.parametrize("again", (False, True), ids=("first", "again"))
def test_where_nothing_can_be_set_aside_nothing_is_replaced(store, again, monkeypatch):
    """The old one has left its place by then."""
    put(store)
    if again:
        put(store, kind="nern", value=2.0, replace=True)
        store.restore("mine")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken, pytest.raises(StorageError, match="unchanged"):
        broken.setattr(replacing, "set_aside", full)
        put(store, kind="zoo", value=3.0, replace=True)
    assert value(store) == 1.0 and store.open("mine").manifest.kind == "netspace"
    assert {path.name for path in store.workspace.iterdir()} <= {"mine", replacing.FOLDER}


def test_a_file_where_the_kept_ones_belong_is_a_sentence_and_loses_nothing(store):
    put(store)
    (store.workspace / replacing.FOLDER).write_text("")
    with pytest.raises(StorageError, match="unchanged"):
        put(store, kind="zoo", value=2.0, replace=True)
    assert value(store) == 1.0 and store.open("mine").manifest.kind == "netspace"


def test_who_reads_while_others_replace_and_restore_always_finds_a_whole_one(store):
    put(store)
    put(store, kind="zoo", value=2.0, replace=True)
    errors, over = [], threading.Event()

    def often(work):
        try:
            for _ in range(40):
                work()
        except ExplorerError as error:
            errors.append(error)

    def read():
        while not over.is_set():
            often(lambda: store.open("mine"))

    reader = threading.Thread(target=read)
    works = [
        lambda: put(store, kind="nern", value=3.0, replace=True),
        lambda: put(store, kind="zoo", value=2.0, replace=True),
        lambda: store.restore("mine"),
    ]
    writers = [threading.Thread(target=often, args=(work,)) for work in works]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    reader.join()
    assert not errors and {path.name for path in store.workspace.iterdir()} == {"mine", replacing.FOLDER}


def test_a_broken_input_of_ones_own_takes_no_space_down(store):
    """It hides the shipped one, which the space was made from."""
    zoo = put(store, "z", "zoo", root=store.gallery)
    space = put(store, "s", inputs={"z": {"sha256": manifest_hash(zoo)}}, root=store.gallery)
    (store.workspace / "z").mkdir(parents=True)
    (store.workspace / "z" / "manifest.json").write_text("[" * 100_000)
    assert store.made_from(space, "z").folder == store.gallery / "z"
    assert store.outdated("s") == ["z"] and len(store.verify("s")) == 1
    with pytest.raises(CorruptArtifact, match="z: "):
        store.open("z")


@pytest.mark.parametrize("sha256", ([1], {}, None, 5), ids=str)
@pytest.mark.parametrize("name", ("w.safetensors", "readme.txt"))
def test_a_hash_that_is_no_text_is_damage(store, sha256, name):
    folder = put(store).folder
    (folder / "readme.txt").write_text("x")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(
        json.dumps({**manifest, "files": {name: {"sha256": sha256, "bytes": (folder / name).stat().st_size}}})
    )
    assert any("damaged" in problem for problem in Store(store.workspace, store.gallery).verify("mine"))


def test_a_write_waits_for_whoever_moves_artifacts(store):
    """So that between its look at what has the name and its move nobody takes the name."""
    put(store)
    writer = threading.Thread(target=put, args=(store, "other"))
    with replacing.alone(store.workspace):
        writer.start()
        writer.join(0.5)
        assert writer.is_alive() and not store.has("other")
    writer.join()
    assert store.has("other")


@pytest.mark.parametrize("was, now, kept", (({}, {"trimmed": "2 of 3"}, True), ({"trimmed": "2 of 3"}, {}, True), ({}, {}, False)), ids=str)
def test_a_whole_one_and_a_trimmed_one_are_not_the_same(store, was, now, kept):
    """The same command would not make the other again."""
    put(store, provenance=was)
    put(store, value=2.0, provenance=now)
    assert [manifest.id for manifest in store.kept_aside()] == ["mine"] * kept
