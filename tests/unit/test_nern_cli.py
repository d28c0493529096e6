"""The commands about NeRNs, and every preset: its sizes, and a step of the paper's smallest."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.archs import architecture
from engine.core.artifacts import Store
from engine.core.config import digest
from engine.datasets import Images
from engine.kinds.nern.config import NernConfig, NetworkConfig
from engine.kinds.nern.loading import load_nern
from engine.kinds.nern.nern import places, sizes
from engine.kinds.nern.original import of_module
from engine.kinds.nern.training import NernTraining
from engine.papers.sweep import COLUMNS
from engine.presets import config, presets
from engine.presets.nern_tables import PRESET, TABLES
from tests.commands import call as run
from tests.tiny import SPACE, ZOO, write_tiny
from tests.tiny_nern import NERN, ORIGINAL, write_tiny_nern

NERNS = [name for name in presets() if name.startswith("nern-")]
ARCHS = {
    "network-digits": "resnet8-wide-digits",
    "network-imagenet-resnet18": "resnet18-imagenet",
    "network-imagenet-squeezenet": "squeezenet1_1-imagenet",
}
pytestmark = pytest.mark.usefixtures("one_thread", "read_here")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("nern-cli")
    store = Store(root / "workspace", root / "gallery")
    write_tiny_nern(store)
    write_tiny(store, "resnet8-digits")
    return store


@pytest.fixture
def call(store, capsys):
    return lambda *arguments: run(capsys, store.workspace, *arguments, "--device", "cpu")


def test_evaluate_measures_what_the_manifest_says(call, store):
    for id_ in (NERN, ORIGINAL):
        code, value, _ = call("evaluate", id_)
        stored = store.open(id_).manifest.metrics
        assert (
            code == 0
            and value["metrics"].keys() >= {"test_accuracy"}
            or {"agreement", "size_ratio", "weight_error"} <= value["metrics"].keys()
        )
        for name, entry in value["metrics"].items():
            assert entry["value"] == pytest.approx(stored[name]["value"], abs=1e-4) and entry["n"] == stored[name]["n"]


def test_reconstruct_writes_the_network(call, store, tmp_path):
    file = tmp_path / "network.safetensors"
    code, value, _ = call("reconstruct", NERN, "--prune", "0.2", "--bits", "8", "--output", str(file))
    assert code == 0 and value == {"file": str(file), "bytes": file.stat().st_size}
    module = architecture("resnet8-digits").build()
    module.load_state_dict(load_file(file))
    assert not torch.equal(module.stem.conv.weight, load_nern(store, NERN).original.module.stem.conv.weight)


def test_send_and_import(call, store, tmp_path):
    code, value, _ = call("send", ZOO, "digits-resnet8-0002", "--name", "network-sent")
    assert code == 0 and value["kind"] == "network" and value["metrics"]["test_accuracy"]["n"] == 360
    save_file(load_nern(store, NERN).original.module.state_dict(), tmp_path / "x.safetensors")
    code, value, _ = call(
        "import", str(tmp_path / "x.safetensors"), "--architecture", "resnet8-digits", "--dataset", "digits", "--id", "network-imported"
    )
    assert code == 0 and value["metrics"] == store.open(ORIGINAL).manifest.metrics
    for arguments in (
        ("import", str(tmp_path / "x.safetensors"), "--architecture", "lenetlike-digits", "--id", "network-y"),
        ("import", "no-such.pt", "--architecture", "resnet8-digits"),
        ("send", ZOO, "no-such"),
        ("reconstruct", NERN, "--bits", "5"),
        ("reconstruct", ORIGINAL),
    ):
        code, value, error = call(*arguments)
        assert (code, value) == (2, None) and error.count("\n") == 1 and "Traceback" not in error


def test_export_says_which_network_it_lacks(call, store, tmp_path):
    for id_, anchors, words in (
        (ZOO, (), f"export {ZOO} INSTANCE"),
        (ZOO, ("no-such",), "no-such"),
        (NERN, ("0",), "represents a single network"),
        (SPACE, (), f"export {SPACE} A B"),
    ):
        code, value, error = call("export", id_, *anchors, "--output", str(tmp_path / "x.safetensors"))
        assert (code, value) == (2, None) and words in error and error.count("\n") == 1 and not (tmp_path / "x.safetensors").exists()
    assert call("export", NERN, "--output", str(tmp_path / "x.safetensors"))[0] == 0


def test_import_finds_the_architecture_and_refuses_what_does_not_fit(call, store, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "no-data"))
    ours, he, stem = (tmp_path / f"{name}.pt" for name in ("ours", "he", "stem"))
    torch.save({"net": load_nern(store, NERN).original.module.state_dict()}, ours)
    torch.save({"state_dict": architecture("resnet20a-cifar10").build().state_dict()}, he)
    torch.save(architecture("resnet18-imagenet-c10").build().state_dict(), stem)
    for arguments, words in (
        (("--dataset", "nosuch"), "no dataset 'nosuch'"),
        (("--dataset", "cifar10"), "8 x 8 grey and 10 classes; CIFAR-10 has 32 x 32 colour"),
        (("--weights", "ema"), "no weights called 'ema'"),
    ):
        code, value, error = call("import", str(ours), *arguments, "--id", "network-x")
        assert (code, value) == (2, None) and words in error and not store.has("network-x")
    code, value, error = call("import", str(ours), "--dataset", "digits", "--id", "network-found")
    assert (
        code == 0
        and value["metrics"] == store.open(ORIGINAL).manifest.metrics
        and store.open("network-found").manifest.config["architecture"] == "resnet8-digits"
    )
    code, value, error = call("import", str(he), "--dataset", "cifar10")
    assert code == 0 and value["id"] == "network-resnet20a-cifar10" and value["metrics"] == {} and "Not measured" in error
    assert call("import", str(he), "--dataset", "cifar100", "--id", "network-x")[0] == 2
    code, value, _ = call("import", str(stem), "--dataset", "cifar10")
    assert code == 0 and value["id"] == "network-resnet18-imagenet-c10-32px"  # it takes any size, and is told which
    assert call("evaluate", "network-resnet20a-cifar10")[0] == 0
    fields = [
        "--original",
        "network-resnet20a-cifar10",
        "--steps",
        "1",
        "--start",
        "",
        "--hidden",
        "8",
        "--inputs",
        "noise",
        "--images",
        "2",
        "--batch",
        "64",
        "--permutation",
        "none",
    ]
    code, value, error = call("train", "nern-digits", "--id", "nern-he", *fields)
    assert code == 0 and value["metrics"]["weight_error"]["value"] > 0, error


def test_a_sweep_is_one_table_and_trains_nothing_twice(call, store, tmp_path):
    fields = ["--original", ORIGINAL, "--steps", "4", "--start", "", "--hidden", "8", "--images", "8"]
    arguments = ("sweep", "nern-digits", "nern-digits-none", "--seeds", "2", "--output", str(tmp_path / "table.csv"), *fields)
    code, value, _ = call(*arguments)
    table = pd.read_csv(tmp_path / "table.csv")
    assert code == 0 and len(value["rows"]) == len(table) == 2 * len(COLUMNS) and set(table["n"]) == {2} and set(table["hidden"]) == {8}
    assert list(table.columns[:8]) == ["variant", "preset", "metric", "mean", "spread", "n", "seeds", "split"] and set(table["seeds"]) == {
        "0 to 1"
    }
    made = {id_ for id_ in store.folders() if id_.startswith("nern-digits")}
    assert len(made) == 4
    values = [
        store.open(id_).manifest.metrics["weight_error"]["value"]
        for id_ in made
        if store.open(id_).manifest.config["permutation"] == "none"
    ]
    row = table[(table["preset"] == "nern-digits-none") & (table["metric"] == "weight_error")].iloc[0]
    assert row["mean"] == pytest.approx(sum(values) / 2, abs=1e-6) and row["spread"] == pytest.approx(
        abs(values[0] - values[1]) / math.sqrt(2), abs=1e-6
    )
    stamps = {id_: store.open(id_).manifest.created for id_ in made}
    again = call(*arguments)
    assert again[0] == 0 and again[1] == value and stamps == {id_: store.open(id_).manifest.created for id_ in made}
    assert call("sweep", "zoo-digits")[0] == 2 and call("sweep", "nern-table55")[0] == 2


def test_a_table_is_its_variants_and_shares_what_is_the_same(call, store):
    fields = ["--steps", "2", "--hidden", "8", "--images", "8", "--validate-every", "2", "--original", ORIGINAL]
    code, value, _ = call("sweep", "nern-table5", "--seeds", "1", *fields)
    rows = [row for row in value["rows"] if row["metric"] == "size_ratio"]
    assert (
        code == 0
        and [row["variant"] for row in rows] == list(TABLES["nern-table5"][1])
        and rows[0]["mean"] < rows[1]["mean"] < rows[2]["mean"]
    )
    made = {id_ for id_ in store.folders() if id_.startswith(PRESET)}
    again = call("sweep", "nern-table7", "--seeds", "1", *fields)[1]["rows"]
    new = {id_ for id_ in store.folders() if id_.startswith(PRESET)} - made
    assert len(made) == 3 and len(new) == 3 and [row["mean"] for row in again[-6:]] == [row["mean"] for row in value["rows"][-6:]]


@pytest.mark.parametrize("name", TABLES)
def test_variants_of_a_table_differ_in_what_they_name_alone(name):
    preset, departures = TABLES[name]
    base = config(preset)
    configs = [replace(base, **fields) for fields in departures.values()]
    assert len({digest(made) for made in configs}) == len(configs) and {made.steps for made in configs} == {base.steps}
    for made in configs:
        assert made.original in presets() and (made.original == base.original or name == "nern-table10")
        if made.start:  # both stages are of one original, order and size
            first = config(made.start)
            assert all(getattr(first, field) == getattr(made, field) for field in ("original", "permutation", "hidden", "levels", "base"))


@pytest.mark.parametrize("name", NERNS)
def test_every_preset_has_an_original_and_a_size(name):
    made = config(name)
    original = presets().get(made.original)
    arch_id = original().architecture if original else ARCHS[made.original]
    assert original is None or isinstance(original(), NetworkConfig)
    with torch.device("meta"):
        module = architecture(arch_id).build()
    size = sizes(made, of_module(made.original, module, None, arch_id, skip=made.skip))
    assert 0.1 < size["ratio"] < 0.9 and (size["permutation"] == 0) == (made.permutation == "none")
    if not (name.startswith("nern-digits") or "-mini" in name):  # ours are small, and may differ
        assert (made.levels, made.base, made.lr, made.betas, made.start) == (40, 0.76, 5e-3, (0.5, 0.999), "")  # the paper's
        assert made.distillation == made.features == (1e-6 if "imagenet" in name else 1e-4)
    else:
        assert not made.start or replace(config(made.start), seed=0).hidden == made.hidden
    assert digest(made) == digest(config(name))


def test_the_papers_smallest_steps():
    made = replace(config("nern-cifar10-resnet20-140"), images=2, batch=512)
    assert isinstance(made, NernConfig)
    torch.manual_seed(0)
    original = of_module("x", architecture("resnet20-cifar10").build(), "cifar10", "resnet20-cifar10")
    pictures = {split: torch.randn(4, 3, 32, 32) for split in ("train", "val", "test")}
    images = Images("cifar10", "CIFAR-10", tuple("0123456789"), pictures, {split: torch.arange(4) for split in pictures})
    training = NernTraining(made, places(made, original), images)
    before = training.predictor.layers[0].weight.clone()
    assert math.isfinite(training.step(0)["loss"]) and not torch.equal(before, training.predictor.layers[0].weight)
