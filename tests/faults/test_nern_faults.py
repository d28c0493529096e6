"""Bad originals, checkpoints, permutations and NeRNs: a named error before training starts, and what was there stays."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from engine.archs import architecture
from engine.core.artifacts import Store
from engine.core.errors import CheckpointMismatch, CorruptArtifact, DataMissing, InvalidValue, UnknownId
from engine.kinds.nern.bringing import import_network, send
from engine.kinds.nern.config import NernConfig
from engine.kinds.nern.loading import load_nern
from engine.kinds.nern.nern import places
from engine.kinds.nern.original import load_original, of_module
from engine.make import train
from engine.nets.networks import build
from engine.nets.reading import read_checkpoint
from tests.tiny import SPACE, ZOO, tamper, write_tiny
from tests.tiny_nern import CONFIG, NERN, ORIGINAL, quiet, write_tiny_nern

ARCH = "resnet8-digits"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("nern")
    store = Store(root / "workspace", root / "gallery")
    write_tiny_nern(store)
    write_tiny(store, ARCH)
    return store


@pytest.fixture
def store(made, tmp_path) -> Store:
    """A copy, to be spoilt."""
    shutil.copytree(made.workspace, tmp_path / "workspace")
    return Store(tmp_path / "workspace", tmp_path / "gallery")


def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return architecture(ARCH).build().state_dict()


def without(tensors, name):
    return {key: value for key, value in tensors.items() if key != name}


SPOILT = {
    "missing": lambda s: without(s, "fc.weight"),
    "extra": lambda s: {**s, "head.weight": torch.zeros(2)},
    "misshapen": lambda s: {**s, "fc.weight": torch.zeros(3, 3)},
    "NaN": lambda s: {**s, "fc.bias": torch.full_like(s["fc.bias"], torch.nan)},
    "infinity": lambda s: {**s, "stem.conv.weight": s["stem.conv.weight"] / 0},
    "another architecture": lambda s: architecture("lenetlike-digits").build().state_dict(),
}


@pytest.mark.parametrize("form", ("safetensors", "pt"))
def test_a_checkpoint_comes_in_as_it_is(store, tmp_path, form):
    tensors, path = state(), tmp_path / f"mine.{form}"
    save_file(tensors, path) if form == "safetensors" else torch.save(
        {"state_dict": {f"module.{name}": tensor for name, tensor in tensors.items()}}, path
    )
    artifact = import_network(store, path, ARCH, "network-mine", "digits", "cpu")
    loaded = load_original(store, "network-mine").module.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())
    assert artifact.manifest.metrics["test_accuracy"]["n"] == 360 and store.verify("network-mine") == []


@pytest.mark.parametrize("spoil, form", [*((spoil, "safetensors") for spoil in SPOILT), ("missing", "pt")])
def test_a_spoilt_checkpoint_is_named_and_nothing_is_written(store, tmp_path, spoil, form):
    tensors, path = SPOILT[spoil](state()), tmp_path / f"mine.{form}"
    save_file(tensors, path) if form == "safetensors" else torch.save(tensors, path)
    before = set(store.folders())
    with pytest.raises((CheckpointMismatch, InvalidValue)) as refused:
        import_network(store, path, ARCH, "network-mine", "digits", "cpu")
    assert ("NaN" in str(refused.value)) == (spoil in ("NaN", "infinity")) and set(store.folders()) == before
    assert isinstance(refused.value, CheckpointMismatch) == (spoil not in ("NaN", "infinity"))


class Evil:
    def __reduce__(self):
        return (exec, ("open('stolen', 'w').write('x')",))


def test_a_pickle_that_would_run_code_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": torch.zeros(2), "evil": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(InvalidValue, match="evil.pt"):
        read_checkpoint(tmp_path / "evil.pt")
    assert not (tmp_path / "stolen").exists()
    torch.load(tmp_path / "evil.pt", weights_only=False)  # control: it would have
    assert (tmp_path / "stolen").exists()


@pytest.mark.parametrize("content", (b"", b"not a checkpoint", b"PK\x03\x04" + bytes(100)), ids=("empty", "text", "torn zip"))
@pytest.mark.parametrize("name", ("x.pt", "x.safetensors"))
def test_what_is_no_checkpoint_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidValue, match="checkpoint"):
        read_checkpoint(tmp_path / name)
    with pytest.raises(InvalidValue, match="no file"):
        read_checkpoint(tmp_path / f"missing-{name}")


def test_a_pt_that_holds_something_else_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(InvalidValue, match="state dict"):
        read_checkpoint(tmp_path / "list.pt")


def test_a_network_without_convolutions_is_refused():
    with pytest.raises(InvalidValue, match="convolution"):
        of_module("mlp", nn.Sequential(nn.Linear(4, 4)), None)
    with pytest.raises(InvalidValue, match="skipped"):
        of_module("all-skipped", nn.Sequential(nn.Conv2d(1, 2, 3)), None, skip=("0",))


def test_kernels_larger_than_the_output_are_refused_before_training():
    found = of_module("wide", nn.Sequential(nn.Conv2d(1, 2, 7), nn.Conv2d(2, 2, 3)), None)
    with pytest.raises(InvalidValue, match="7 x 7"):
        places(NernConfig("wide", kernel=3), found)
    assert places(NernConfig("wide", kernel=9), found).kernels == [(9, 9)] and places(NernConfig("wide"), found).kernels == [(7, 7)]
    with pytest.raises(InvalidValue, match="leave it at 0"):
        places(NernConfig("wide", kernel=9, predictors="each"), found)


@pytest.mark.parametrize(
    "spoil",
    (lambda o: np.zeros_like(o), lambda o: o[:-1], lambda o: o.astype(np.int64) + 1, lambda o: o.astype(np.float32)),
    ids=("repeats", "short", "beyond", "floats"),
)
def test_a_stored_permutation_that_is_none_is_refused(store, spoil):
    folder = store.workspace / NERN
    orders = load_file(folder / "permutation.safetensors")
    name = max(orders, key=lambda name: len(orders[name]))
    changed = {**orders, name: torch.from_numpy(np.ascontiguousarray(spoil(orders[name].numpy())))}
    save_file(changed, folder / "new.safetensors")
    data = (folder / "new.safetensors").read_bytes()
    tamper(folder, "permutation.safetensors", lambda old: data, honest=True)
    with pytest.raises(InvalidValue, match="permutation"):
        load_nern(store, NERN)


@pytest.mark.parametrize("name", ("predictor.safetensors", "permutation.safetensors"))
def test_a_damaged_nern_is_refused(store, name):
    load_nern(store, NERN)  # control
    tamper(store.workspace / NERN, name, lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(CorruptArtifact, match="damaged"):
        load_nern(store, NERN)


def test_a_nern_of_another_size_than_its_config_is_refused(store):
    path = store.workspace / NERN / "manifest.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "config": {**raw["config"], "hidden": 17}}))
    with pytest.raises(CorruptArtifact, match="predictor"):
        load_nern(store, NERN)


def test_training_without_its_original_or_its_images_says_what_to_do(store):
    with pytest.raises(UnknownId, match="import"):
        train(store, "x", replace(CONFIG, original="network-imagenet-resnet18"), "cpu", quiet, "nern-x")
    save_file(state(), store.workspace / "x.safetensors")
    import_network(store, store.workspace / "x.safetensors", ARCH, "network-mine", None, "cpu")
    with pytest.raises(DataMissing, match="noise"):
        train(store, "x", replace(CONFIG, original="network-mine"), "cpu", quiet, "nern-x")
    artifact = train(store, "x", replace(CONFIG, original="network-mine", inputs="noise", steps=3), "cpu", quiet, "nern-x")
    assert artifact.manifest.metrics["agreement"]["split"] == "noise" and "reconstructed_accuracy" not in artifact.manifest.metrics
    assert artifact.manifest.metrics["weight_error"]["value"] > 0


def test_a_nern_goes_on_only_from_one_of_its_own_form(store):
    with pytest.raises(InvalidValue, match="hidden"):
        train(store, "x", replace(CONFIG, start=NERN, hidden=20), "cpu", quiet, "nern-x")
    first = load_nern(store, NERN)
    went_on = train(store, "x", replace(CONFIG, start=NERN, steps=1, lr=1e-9, lr_end=0.0), "cpu", quiet, "nern-x")
    second = load_nern(store, went_on.id)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(first.predictor.parameters(), second.predictor.parameters()))


def test_what_is_sent_is_the_network_and_a_wrong_name_is_refused(store):
    made = send(store, ZOO, "digits-resnet8-0001", None, 0.0, "weights", None, "cpu")
    zoo_P = store.open(ZOO).arrays("parameters.safetensors")["parameters"][1].astype(np.float32)
    sent_P = np.concatenate([array.ravel() for array in load_original(store, made.id).module.state_dict().values()])
    assert np.array_equal(sent_P, zoo_P)
    between = send(store, SPACE, "digits-resnet8-0000", "digits-resnet8-0001", 0.25, "embedding", "network-between", "cpu")
    assert 0 <= between.manifest.metrics["test_accuracy"]["value"] <= 1 and between.manifest.inputs.keys() == {SPACE}
    for arguments, error in (
        ((ZOO, "no-such", None, 0.0, "weights", None), UnknownId),
        ((SPACE, "digits-resnet8-0000", "no-such", 0.5, "embedding", None), UnknownId),
        ((SPACE, "digits-resnet8-0000", None, 2.0, "embedding", None), InvalidValue),
        ((ORIGINAL, "x", None, 0.0, "weights", None), InvalidValue),
        ((ZOO, "digits-resnet8-0001", None, 0.0, "weights", "network-between"), InvalidValue),
    ):
        with pytest.raises(error):
            send(store, *arguments, "cpu")


@pytest.mark.parametrize("arch_id, keys, shapes", [
    ("resnet18-imagenet", 122, {"conv1.weight": (64, 3, 7, 7), "layer1.0.bn1.running_var": (64,),
    "layer3.0.downsample.0.weight": (256, 128, 1, 1), "layer4.1.conv2.weight": (512, 512, 3, 3),
    "layer2.0.downsample.1.num_batches_tracked": (), "fc.weight": (1000, 512)}),
    ("squeezenet1_0-imagenet", 52, {"features.0.weight": (96, 3, 7, 7), "features.12.expand3x3.bias": (256,),
    "features.5.squeeze.weight": (32, 128, 1, 1), "classifier.1.weight": (1000, 512, 1, 1)}),
    ("squeezenet1_1-imagenet", 52, {"features.0.weight": (64, 3, 3, 3), "features.3.squeeze.weight": (16, 64, 1, 1),
    "features.12.expand1x1.weight": (256, 64, 1, 1), "classifier.1.bias": (1000,)}),
])  # fmt: skip
def test_torchvisions_keys_and_shapes(arch_id, keys, shapes):
    module = architecture(arch_id).build()
    found = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    assert len(found) == keys and {name: found[name] for name in shapes} == shapes
    parameters = {"resnet18-imagenet": 11_689_512, "squeezenet1_0-imagenet": 1_248_424, "squeezenet1_1-imagenet": 1_235_496}
    assert sum(tensor.numel() for tensor in module.parameters()) == parameters[arch_id]  # as torchvision publishes them
    arrays = {name: tensor.numpy() for name, tensor in module.state_dict().items() if "num_batches" not in name}  # old files lack those
    build(arch_id, arrays, "mine.pt")
    with pytest.raises(CheckpointMismatch, match="lacks"):
        build(arch_id, without(arrays, next(iter(shapes))), "mine.pt")
