"""Placing all of a folder, and keeping what was placed as an anchor; networks of another architecture by their answers alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine import library
from engine.__main__ import main
from engine.archs import architecture
from engine.core.artifacts import Store
from engine.host import placing
from engine.host.columns import of_space
from engine.host.host import Host
from engine.host.placing import NetworkJob
from engine.kinds.netspace import kept
from engine.kinds.netspace.placing import place_network
from engine.kinds.netspace.space import load_space
from engine.make import evaluate
from engine.nets.networks import read
from engine.nets.stacked import unflatten
from explorer.tasks import screens
from tests.commands import call
from tests.tiny import SPACE, write_tiny

pytestmark = pytest.mark.usefixtures("one_thread", "read_here")


@pytest.fixture(scope="module")
def placed(tmp_path_factory, read_here):
    """(store, folder) with an instance's own file, one of another architecture, and a text named as a checkpoint."""
    root = tmp_path_factory.mktemp("many")
    store = Store(root / "workspace", root / "gallery")
    write_tiny(store)
    space, folder = load_space(store, SPACE), root / "nets"
    (folder / "deeper").mkdir(parents=True)
    tensors = unflatten(space.parameters_NP[4], space.arch)
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, folder / "mine.safetensors")
    torch.manual_seed(0)
    save_file(architecture("resnet8-digits").build().state_dict(), folder / "deeper" / "other.safetensors")
    (folder / "broken.pt").write_text("these are words")
    (folder / "notes.md").write_text("no network by its name: passed over")
    return store, folder


def test_a_folder_is_placed_but_for_the_broken_one_and_what_is_kept_is_an_anchor(placed, capsys, tmp_path):
    store, folder = placed
    code, value, said = call(capsys, store.workspace, "place", SPACE, str(folder), "--steps", "3", "--keep", "--device", "cpu")
    assert code == 0 and "broken.pt was not placed: broken.pt is a text" in said
    assert isinstance(value, dict)
    other, mine = value["placed"]
    assert [each["what"] for each in value["failed"]] == [str(folder / "broken.pt")] and (mine["kept"], other["kept"]) == ("mine", "other")
    assert mine["encoded"] == "prep" and not mine["note"] and mine["n"] == 360
    command = store.open("mine").manifest.provenance["command"]
    assert command == f"python -m engine place {SPACE} mine.safetensors --steps 3 --keep", "it names the file"
    assert other["encoded"] == "nearest" and "placed by its answers alone" in other["note"]
    space = library.space(SPACE, store.workspace, "cpu")
    assert space.instances[-2:] == ["mine", "other"] and 0 <= space.accuracy(space.at("mine", space.instances[0], 0.5)).value <= 1
    loaded = load_space(store, SPACE)
    zoo = len(loaded.table) - 2
    assert f"one of the {zoo} trained networks of the zoo, or one of 2 kept in the space, put" in screens("images").map_caption(loaded)
    itself, decoded = loaded.row("mine"), loaded.row("other")
    assert torch.equal(loaded.parameters_NP[itself], loaded.parameters_NP[4]), "the network itself"
    assert torch.allclose(loaded.parameters_NP[decoded], loaded.decode(loaded.embeddings_NE[[decoded]])[0], atol=1e-6), "the space's answer"
    row = loaded.table.iloc[itself]
    assert row["split"] == kept.SPLITS[kept.PLACE] and np.isfinite([row[name] for name in ("x2", "y2", "x3", "y3", "z3")]).all()
    assert row["test_accuracy"] == pytest.approx(mine["accuracy"]) == pytest.approx(loaded.table["test_accuracy"].iloc[4], abs=1e-6)
    assert row["predicted_test_accuracy"] == pytest.approx(mine["placed_accuracy"])
    assert mine["gap"] == pytest.approx(abs(mine["accuracy"] - mine["placed_accuracy"]))
    assert loaded.agreements["mine"] == pytest.approx(mine["agreement"], abs=1e-6)
    measured = evaluate(store, store.open("mine"), "cpu")
    assert measured["test_accuracy"]["value"] == pytest.approx(mine["accuracy"], abs=1e-6)
    assert all(np.array_equal(array, load_file(folder / "mine.safetensors")[name]) for name, array in read(store, "mine").tensors.items())
    host = Host(store, "cpu")
    try:
        assert host.step(SPACE, "mine", "other", 0.5, images="all").n == 360
        columns = of_space(host, SPACE)
        assert columns.row(columns.row_of("mine"))["kept"] and not columns.row(0)["kept"]
    finally:
        host.close()
    assert call(capsys, store.workspace, "export", SPACE, "mine", "other", "--output", str(tmp_path / "out.safetensors"))[0] == 0
    again = call(capsys, store.workspace, "place", SPACE, str(folder / "mine.safetensors"), "--steps", "3", "--keep")[1]
    assert isinstance(again, dict) and again["kept"] == "mine" and len(load_space(store, SPACE).table) == len(loaded.table), (
        "kept twice is kept once"
    )


@pytest.mark.parametrize("stops", [True, False])
def test_a_job_that_was_stopped_shows_nothing(placed, monkeypatch, stops):
    store, folder = placed
    host = Host(store, "cpu")
    job = NetworkJob(host, SPACE, "mine.safetensors", (folder / "mine.safetensors").read_bytes())

    def place(*arguments):
        if stops:
            job.stop()
        return place_network(*arguments, steps=0)

    monkeypatch.setattr(placing, "place_network", place)
    try:
        job.start().thread.join(60)
    finally:
        host.close()
    assert job.done and (job.placement is None) == stops and ("was stopped" in str(job.error)) == stops


def test_several_are_a_table_and_where_none_can_be_placed_it_fails(placed, capsys):
    store, folder = placed
    before = set(store.folders())
    code, value, _ = call(capsys, store.workspace, "place", SPACE, str(folder / "mine.safetensors"), "no-such-instance", "--steps", "0")
    assert code == 0 and isinstance(value, dict) and len(value["placed"]) == 1 and "no-such-instance" in value["failed"][0]["error"]
    main(["place", SPACE, str(folder), "--steps", "0", "--workspace", str(store.workspace)])
    lines = capsys.readouterr().out.splitlines()
    assert "encoder" in lines[1] and "gap" in lines[1] and [line.split()[0] for line in lines[2:]] == [
        "other.safetensors", "mine.safetensors", "*", "1"
    ]  # fmt: skip
    assert lines[2].endswith("*") and not lines[3].endswith("*") and lines[-1] == "1 of 3 could not be placed."
    assert call(capsys, store.workspace, "place", SPACE, str(folder / "broken.pt"))[0] == 2
    code, _, said = call(capsys, store.workspace, "place", SPACE, "no-such-a", "no-such-b")
    assert code == 2 and "None of the 2 networks" in said
    (folder.parent / "empty").mkdir()
    code, _, said = call(capsys, store.workspace, "place", SPACE, str(folder.parent / "empty"))
    assert code == 2 and "holds no file" in said and set(store.folders()) == before
