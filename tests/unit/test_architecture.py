"""A network of one's own: added from a file, then an architecture like any other."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine.archs import architecture
from engine.archs.kept import FILE, GRAPH
from engine.core.artifacts import Store, manifest_hash
from engine.core.errors import CorruptArtifact, UnknownId
from engine.core.manifests import Manifest
from engine.datasets.noise import noise
from engine.nets.stacked import skeleton
from tests.commands import call
from tests.tiny import SPACE, ZOO, write_tiny

pytestmark = pytest.mark.usefixtures("one_thread", "read_here")

MY_NET = """
import torch
import torch.nn.functional as F
from torch import nn


class MyNet(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, 2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, 2 * width, 3, 2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(2 * width)
        self.fc = nn.Linear(2 * width, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.gelu(self.bn2(self.conv2(x)))
        return self.fc(x.mean((2, 3)))


class Odd(MyNet):
    def forward(self, x):
        return super().forward(torch.fft.fft2(x).real)


def broken():
    raise OSError("no weights here")


def leaves():
    raise SystemExit(3)


def vast():
    return nn.Linear(10**6, 10**6)


def vast_on_meta():
    with torch.device("meta"):
        return vast()


def empty():
    with torch.device("meta"):
        return MyNet()


class Deciding(MyNet):
    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)


class Two(MyNet):
    def forward(self, x):
        return super().forward(x), x


class Pitch(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.norm = nn.Conv2d(1, 8, (9, 1), (2, 1)), nn.BatchNorm2d(8)
        self.conv2, self.fc = nn.Conv2d(8, 8, (5, 1)), nn.Linear(8 * 24, 12)

    def forward(self, x):
        x = self.norm(F.relu(self.conv1(x[:, None, :, None])))
        return torch.sigmoid(self.fc(F.max_pool2d(self.conv2(F.pad(x, (0, 0, 2, 2))), (1, 1)).flatten(1)[:, : 8 * 24]))
"""


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A workspace with `mynet`, a tiny zoo and space of it; where artifacts are for the whole module."""
    root = tmp_path_factory.mktemp("mine")
    (root / "my_net.py").write_text(MY_NET)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_WORKSPACE", str(root / "ws"))
        yield root


@pytest.fixture(scope="module")
def store(mine) -> Store:
    return Store(mine / "ws")


def add(capsys, mine, what: str, *arguments: str):
    return call(capsys, mine / "ws", "architecture", "add", what if ":" not in what else f"{mine}/{what}", *arguments)


def test_it_is_added_and_found(mine, store, capsys):
    code, said, error = add(capsys, mine, "my_net.py:MyNet", "--input", "1x8x8", "--args", "width=6", "--id", "odd-width")
    assert code == 0, error
    arch = architecture("odd-width")
    assert said["parameters"] == arch.parameters == sum(entry.stop - entry.start for entry in arch.layout)
    assert [entry.name for entry in arch.layout] == ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc.weight", "fc.bias"]
    assert (arch.input_shape, arch.classes) == ((1, 8, 8), 10)
    _, listed, _ = call(capsys, mine / "ws", "architecture")
    assert {"odd-width", "lenetlike-digits"} <= {row["id"] for row in listed["architectures"]}
    assert store.open("odd-width").manifest.kind == "architecture"


def test_a_replaced_one_is_another(mine, capsys):
    add(capsys, mine, "my_net.py:MyNet", "--input", "1x8x8", "--id", "changing")
    before, old = architecture("changing"), skeleton("changing")
    code, _, error = add(capsys, mine, "my_net.py:MyNet", "--input", "1x8x8", "--args", "width=5", "--id", "changing")
    assert code == 2 and "taken" in error
    code, _, error = add(capsys, mine, "my_net.py:MyNet", "--input", "1x8x8", "--args", "width=5", "--id", "changing", "--replace")
    assert code == 0, error
    now = architecture("changing")
    assert now.version != before.version and now.parameters != before.parameters
    assert (
        sum(each.numel() for each in skeleton("changing").parameters()) == now.parameters != sum(each.numel() for each in old.parameters())
    )


def test_it_is_an_architecture_like_any_other(mine, store, capsys):
    """Zoo, space, the network between two, export, original, NeRN, LSO."""
    ws = mine / "ws"
    assert add(capsys, mine, "my_net.py:MyNet", "--input", "1x8x8")[0] == 0
    sizes = ("--train", "3", "--val", "1", "--test", "2", "--steps_max", "80", "--steps_min", "40")
    code, made, error = call(capsys, ws, "train", "zoo-digits", "--architecture", "mynet", *sizes, "--id", "zoo-mynet")
    assert code == 0, error
    assert made["metrics"]["accuracy_max"]["value"] > 0.4, "it has learnt"
    of = {"mynet": {"sha256": manifest_hash(store.open("mynet"))}}
    assert store.open("zoo-mynet").manifest.inputs == of
    write_tiny(store, "mynet")
    a, b = "digits-mynet-0000", "digits-mynet-0001"
    assert call(capsys, ws, "interpolate", SPACE, a, b)[0] == 0
    assert call(capsys, ws, "export", SPACE, a, b, "--output", str(mine / "between.safetensors"))[0] == 0
    assert call(capsys, ws, "evaluate", ZOO)[0] == 0
    assert call(capsys, ws, "send", "zoo-mynet", a, "--name", "net-mynet")[0] == 0
    assert store.open("net-mynet").manifest.inputs == of | {"zoo-mynet": {"sha256": manifest_hash(store.open("zoo-mynet"))}}
    small = ("--hidden", "8", "--levels", "4", "--start", "", "--steps", "2", "--id", "nern-mynet")
    code, made, error = call(capsys, ws, "train", "nern-digits", "--original", "net-mynet", *small)
    assert code == 0, error
    assert "2 of 3 layers are predicted, 324 of 426" in error  # 9 x 4 and 9 x 32 weights; biases and the last layer stay
    code, told, error = call(capsys, ws, "show", "nern-mynet", "--layers")
    rows = {row["layer"]: row for row in told["layers"]}
    assert code == 0 and rows["fc"]["why"] == "no kernels" and rows["conv2"]["predicted"] == 288
    code, made, error = call(capsys, ws, "lso", SPACE, a, "--steps", "2")
    assert code == 0, error


def test_a_network_of_signals_gets_a_nern_whose_answers_are_compared_on_noise(mine, store, capsys):
    """Its input is no image, and no data set is named."""
    ws = mine / "ws"
    assert add(capsys, mine, "my_net.py:Pitch", "--input", "64", "--id", "pitch")[0] == 0
    arch = architecture("pitch")
    torch.save(arch.build().state_dict(), mine / "pitch.pt")
    code, _, error = call(capsys, ws, "import", str(mine / "pitch.pt"), "--architecture", "pitch", "--id", "net-pitch")
    assert code == 0, error
    small = ("--hidden", "8", "--levels", "4", "--steps", "2", "--inputs", "noise", "--images", "4", "--id", "nern-pitch")
    code, made, error = call(capsys, ws, "train", "nern-digits-coarse", "--original", "net-pitch", *small)
    assert code == 0, error
    metrics = made["metrics"]
    assert {metrics[name]["split"] for name in ("agreement", "logit_divergence", "answer_error")} == {"noise"}
    assert 0 < metrics["answer_error"]["value"] < 1 and "original_accuracy" not in metrics
    code, again, error = call(capsys, ws, "evaluate", "nern-pitch")
    assert code == 0 and again["metrics"]["agreement"]["value"] == metrics["agreement"]["value"], error
    assert noise(arch, 3).images["train"].shape == (3, 64) and noise(architecture("mynet"), 3).images["val"].shape == (3, 1, 8, 8)


def test_a_network_without_kernels_is_imported_and_measured_and_no_nern_is_made_of_it(mine, store, capsys):
    ws = mine / "ws"
    assert call(capsys, ws, "architecture", "add", "mlp", "--input", "1x8x8", "--id", "plain")[0] == 0
    torch.save(architecture("plain").build().state_dict(), mine / "plain.pt")
    arguments = (str(mine / "plain.pt"), "--architecture", "plain", "--id", "net-plain", "--dataset", "digits")
    code, made, error = call(capsys, ws, "import", *arguments)
    assert code == 0 and 0 <= made["metrics"]["test_accuracy"]["value"] < 0.5, error
    assert store.open("net-plain").manifest.inputs.keys() == {"plain"} and call(capsys, ws, "evaluate", "net-plain")[0] == 0
    code, told, _ = call(capsys, ws, "show", "net-plain", "--layers")
    assert code == 0 and all(row["predicted"] == 0 for row in told["layers"])
    code, _, error = call(capsys, ws, "train", "nern-digits-coarse", "--original", "net-plain", "--id", "nern-plain")
    assert code == 2 and "no convolutions" in error


def test_a_checkpoint_of_the_module_itself_is_recognised(mine, capsys):
    """With its batch norm, as its owner saved it; no --architecture."""
    assert add(capsys, mine, "my_net.py:MyNet", "--input", "1x8x8", "--args", "width=7", "--id", "seven")[0] == 0
    scope: dict = {}
    exec(MY_NET, scope)  # noqa: S102 - the same source as the file's
    module = scope["MyNet"](7)
    module.train()(torch.randn(64, 1, 8, 8))
    torch.save(module.state_dict(), mine / "seven.pt")
    code, made, error = call(capsys, mine / "ws", "import", str(mine / "seven.pt"), "--id", "net-seven", "--dataset", "digits")
    assert code == 0, error
    from engine.nets.networks import read

    x = torch.randn(5, 1, 8, 8)
    with torch.no_grad():
        assert torch.allclose(read(Store(mine / "ws"), "net-seven").module()(x), module.eval()(x), atol=1e-5)


def test_its_normalisation_is_that_of_its_images(mine, capsys):
    from engine import datasets

    assert add(capsys, mine, "my_net.py:MyNet", "--input", "1x8x8", "--normalise", "mean=0.5,std=0.25", "--id", "normal")[0] == 0
    images = datasets.load("digits").suited(architecture("normal"))
    assert (images.preprocessing.mean, images.preprocessing.std) == ((0.5,), (0.25,))
    assert datasets.load("digits").suited(architecture("lenetlike-digits")).preprocessing != images.preprocessing


@pytest.mark.parametrize(
    "name, sizes, count",
    [
        ("resnet14", ("--input", "1x8x8", "--args", "width=4"), 11162),
        ("resnet20", ("--input", "3x64x64", "--classes", "100"), None),
        ("resnet20a", ("--input", "3x32x32", "--classes", "10"), None),
        ("mlp", ("--input", "2", "--classes", "1", "--args", "width=16,depth=3"), 609),
    ],
)
def test_a_family_with_other_sizes(mine, capsys, name, sizes, count):
    code, said, error = add(capsys, mine, name, *sizes, "--id", f"own-{name}")
    assert code == 0, error
    assert count in (None, said["parameters"])
    if "--classes" in sizes:
        assert said["classes"] == int(sizes[sizes.index("--classes") + 1])


@pytest.mark.parametrize(
    "what, arguments, words",
    [
        ("my_net.py:MyNet", (), "with --input"),
        ("my_net.py:MyNet", ("--input", "8by8"), "such as 1x8x8"),
        ("my_net.py:MyNet", ("--input", "3x8x8"), "does not take inputs of shape 3x8x8"),
        ("my_net.py:MyNet", ("--input", "1x8x8", "--args", "depth=2"), "cannot be built"),
        ("my_net.py:MyNet", ("--input", "1x8x8", "--args", "16"), "name=value"),
        ("my_net.py:Mynet", ("--input", "1x8x8"), "has no Mynet. It has MyNet, Odd"),
        ("my_net.py:Odd", ("--input", "1x8x8"), "'fft_fft2' is not supported (my_net.py, line 24)"),
        ("my_net.py:broken", ("--input", "1x8x8"), "cannot be built (no weights here)"),
        ("my_net.py:leaves", ("--input", "1x8x8"), "its code calls exit"),
        ("my_net.py:vast", ("--input", "1x8x8"), "of memory"),
        ("my_net.py:vast_on_meta", ("--input", "1x8x8"), "of memory"),
        ("my_net.py:empty", ("--input", "1x8x8"), "on the meta device, so that its weights have no values"),
        ("my_net.py:Deciding", ("--input", "1x8x8"), "control flow"),
        ("my_net.py:Two", ("--input", "1x8x8"), "answers with 2 tensors"),
        ("gone.py:MyNet", ("--input", "1x8x8"), "There is no Python file"),
        ("resnet21", ("--input", "3x32x32"), "Did you mean"),
        ("my_net.py:MyNet", ("--input", "1x8x8", "--id", "lenetlike-digits"), "is a built-in"),
    ],
)
def test_what_cannot_be_added_is_one_sentence_and_leaves_nothing(mine, store, capsys, what, arguments, words):
    before = set(store.folders())
    code, _, error = add(capsys, mine, what, *arguments, *(() if "--id" in arguments else ("--id", "fresh")))
    assert code == 2 and words in error and error.count("\n") == 1, error
    assert set(store.folders()) == before


@pytest.mark.parametrize("change", [{"nodes": [["bad", "system", [], {}]], "output": "bad"}, {"format": 9}])
def test_a_forged_one_is_corrupt(mine, store, capsys, change):
    """Its hashes are right; its graph is not."""
    assert add(capsys, mine, "my_net.py:MyNet", "--input", "1x8x8", "--id", "true", "--replace")[0] == 0
    arrays = store.open("true").arrays(FILE)
    text = json.dumps(json.loads(arrays[GRAPH].tobytes()) | change)
    forged = {FILE: {GRAPH: np.frombuffer(text.encode(), np.uint8)}}
    store.write(Manifest("forged", "architecture", "Forged", "", "", {}), forged, replace=True)
    with pytest.raises(CorruptArtifact, match="forged: its graph"):
        architecture("forged")


def test_an_artifact_of_another_kind_is_no_architecture(mine):
    with pytest.raises(UnknownId):
        architecture("zoo-digits")
