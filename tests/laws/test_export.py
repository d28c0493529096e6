"""A network in each format, loaded again without this project, answers as it did here."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load
from torch import nn
from torch.nn import functional as F

from engine.archs import Architecture, architecture
from engine.archs.graph.capture import capture
from engine.core.artifacts import Store
from engine.core.errors import InvalidValue
from engine.host.host import Host
from engine.host.network_files import network_file
from engine.kinds.architecture import write
from engine.nets.export import files, formats
from engine.nets.export.formats import onnx
from engine.nets.export.outgoing import Outgoing, of_safetensors
from tests.commands import call
from tests.tiny import write_tiny
from tests.tiny_nern import NERN, write_tiny_nern
from tests.tiny_networks import NETWORKS, trained

pytestmark = pytest.mark.usefixtures("one_thread")
RUN = """
import json, sys, torch
from pathlib import Path
assert not any("engine" == name.split(".")[0] for name in sys.modules)
try:
    import engine
    raise SystemExit("the project is here")
except ImportError:
    pass
folder = Path(sys.argv[1])
found = {}
for place in sorted(folder.iterdir()):
    x = torch.load(place / "x.pt", weights_only=True)
    sys.path.insert(0, str(place / "folder"))
    sys.modules.pop("model", None)
    import model
    network = model.load()
    found[place.name] = {"folder": network(x).tolist(), "pt2": torch.export.load(place / "model.pt2").module()(x).tolist()}
    sys.path.pop(0)
    if (place / "model.onnx").exists():
        import onnxruntime
        session = onnxruntime.InferenceSession(str(place / "model.onnx"), providers=["CPUExecutionProvider"])
        found[place.name]["onnx"] = session.run(None, {"input": x.numpy()})[0].tolist()
        single = session.run(None, {"input": x[:1].numpy()})[0]
        assert abs(single - found[place.name]["onnx"][:1]).max() < 1e-4
print(json.dumps(found))
"""
ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))


def bytes_of(arch: Architecture, seed: int = 0) -> bytes:
    """The safetensors file of a network of an architecture with weights as training leaves them."""
    torch.manual_seed(seed)
    module = trained(arch.build(), seed)
    about = {"architecture": arch.id, "explorer": "test", "metrics": json.dumps({"test_accuracy": {"value": 0.5, "split": "test", "n": 9}})}
    if len(arch.input_shape) == 3:
        channels = arch.input_shape[0]
        about["preprocessing"] = json.dumps({"mean": [0.3] * channels, "std": [0.4] * channels, "range": 1.0, "order": ""})
    return Outgoing(arch, {name: tensor.detach() for name, tensor in module.state_dict().items()}, about).data


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """name -> (inputs, the answers here, the answers of each format elsewhere)."""
    root = tmp_path_factory.mktemp("exported")
    store = Store(root / "ws")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_WORKSPACE", str(root / "ws"))
        for name, (kind, shape) in NETWORKS.items():
            found = capture(lambda kind=kind: trained(kind()), shape)
            write(store, f"own-{name}", name, found, "test", "", None, {}, False)
        write_tiny(store)
        write_tiny_nern(store)
        host = Host(store, "cpu")
        a, b = "digits-lenetlike-0000", "digits-lenetlike-0001"
        every = {f"own-{name}": bytes_of(architecture(f"own-{name}")) for name in NETWORKS}
        every |= {id_: bytes_of(architecture(id_)) for id_ in ("resnet8-digits", "resnet14-digits", "siren-small", "resnet20a-cifar10")}
        every |= {
            "between": network_file(host, "netspace-tiny", a, b, 0.4),
            "instance": network_file(host, "zoo-tiny", a),
            "reconstructed": network_file(host, NERN),
        }
        expected, out = {}, root / "out"
        for name, data in every.items():
            net, place = of_safetensors(data), out / name
            x, y = net.example(3)
            expected[name] = y.tolist()
            (place / "folder").mkdir(parents=True)
            torch.save(x, place / "x.pt")
            for form in formats.names():
                if form == "onnx" and not ONNX:
                    continue
                for file, content in files(data, form).items():
                    (place / "folder" / file if form == "folder" else place / file).write_bytes(content)
        (root / "elsewhere").mkdir()
        kept = [part for part in os.environ.get("PYTHONPATH", "").split(":") if part.endswith("site-packages")]
        environment = {**os.environ, "PYTHONPATH": ":".join(kept)}
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(out)], capture_output=True, text=True, cwd=root / "elsewhere", env=environment
        )
        assert done.returncode == 0, done.stderr[-3000:]
        host.close()
        yield expected, json.loads(done.stdout.splitlines()[-1]), out


NAMES = [
    *(f"own-{name}" for name in NETWORKS),
    "resnet8-digits",
    "resnet14-digits",
    "siren-small",
    "resnet20a-cifar10",
    "between",
    "instance",
]


@pytest.mark.parametrize(
    "form", ["folder", "pt2", pytest.param("onnx", marks=pytest.mark.skipif(not ONNX, reason="needs onnx, onnxruntime"))]
)
@pytest.mark.parametrize("name", [*NAMES, "reconstructed"])
def test_elsewhere_it_answers_as_here(exported, name, form):
    expected, elsewhere, _ = exported
    here, there = torch.tensor(expected[name]), torch.tensor(elsewhere[name][form])
    assert here.shape == there.shape
    assert float((here - there).abs().max()) <= 1e-5 * max(1.0, float(here.abs().max()))
    assert float(here.std()) > 1e-6, "an answer that varies"


@pytest.mark.parametrize("name", NAMES)
def test_its_source_reads_as_written_by_hand(exported, name):
    _, _, out = exported
    text = (out / name / "folder" / "model.py").read_text()
    body = text[text.index("def forward") :].splitlines()
    assert max(map(len, text.splitlines())) <= 140
    assert "aten" not in text and "engine" not in text
    assert len(body) < 90 and body[1].lstrip().startswith(("x =", "y =", "b =", "return"))
    compile(text, name, "exec")


def test_the_folder_says_what_it_is(exported):
    _, _, out = exported
    config = json.loads((out / "between" / "folder" / "config.json").read_text())
    assert config["input"] == [1, 8, 8] and config["classes"] == 10 and config["architecture"] == "lenetlike-digits"
    assert config["source"]["space"] == "netspace-tiny" and config["preprocessing"]
    card = (out / "between" / "folder" / "README.md").read_text()
    assert "model.preprocess(images)" in card and "test accuracy" in card
    assert "| 360 |" in card


def test_the_command_writes_each_format(gallery_store, tmp_path, capsys):
    ws = gallery_store.workspace
    forms = [form for form in formats.names() if form != "onnx" or ONNX]
    for form in forms:
        path = tmp_path / f"odd{formats.of(form).SUFFIX}"
        code, said, error = call(capsys, ws, "export", "network-digits", "--format", form, "--output", str(path))
        assert code == 0, error
        assert path.exists() and said["bytes"] > 10_000
    assert {each.name for each in (tmp_path / "odd").iterdir()} == {"model.safetensors", "config.json", "model.py", "README.md"}
    code, _, error = call(capsys, ws, "export", "network-digits", "--format", "folder", "--output", str(tmp_path / "odd"))
    assert code == 2 and "not empty" in error
    code, _, error = call(capsys, ws, "export", "network-digits", "--format", "pt2", "--output", str(tmp_path / "odd.onnx"))
    assert code == 2 and "does not end in that" in error


class Scaled(nn.Module):
    """A layer whose weight is computed of its own."""

    def __init__(self):
        super().__init__()
        self.fc, self.scale = nn.Linear(64, 3), nn.Parameter(torch.tensor([[0.5], [1.0], [2.0]]))

    def forward(self, x):
        return F.linear(x.flatten(1), self.fc.weight * self.scale, self.fc.bias)


class Product(nn.Module):
    """A layer of which there is only a bias."""

    def __init__(self):
        super().__init__()
        self.left, self.right, self.fc = nn.Parameter(torch.randn(3, 2)), nn.Parameter(torch.randn(2, 64)), nn.Linear(64, 3)
        del self.fc.weight

    def forward(self, x):
        return F.linear(x.flatten(1), self.left @ self.right, self.fc.bias)


class Late(nn.Module):
    """A layer whose bias is added later."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 3)

    def forward(self, x):
        return F.linear(x.flatten(1), self.fc.weight).relu() + self.fc.bias


@pytest.mark.parametrize("kind", [Scaled, Product, Late])
def test_a_layer_that_is_not_called_as_one_is_not_written_as_one(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_WORKSPACE", str(tmp_path))
    write(Store(tmp_path), "own-layer", "layer", capture(kind, (1, 8, 8)), "test", "", None, {}, False)
    net = of_safetensors(bytes_of(architecture("own-layer")))
    x, expected = net.example(3)
    made, names = files(net.data, "folder"), {"__file__": str(tmp_path / "model.py")}
    exec(made["model.py"], names)
    here = names[json.loads(made["config.json"])["class"]]()
    here.load_state_dict(load(made["model.safetensors"]))
    torch.testing.assert_close(here(x), expected)


class Bounded(nn.Module):
    """A bound that the network computes: ONNX's Clip could take it, but it is not written down."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 3)

    def forward(self, x):
        return self.fc(x.flatten(1)).clamp(min=0.0, max=x.shape[0])


class Even(nn.Module):
    """Attention of a scale of zero, which is not none: each answer is the mean of all values."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3, 4))

    def forward(self, x):
        x = x * self.scale
        return F.scaled_dot_product_attention(x, x, x, scale=0.0).flatten(1)


@pytest.mark.skipif(not ONNX, reason="needs onnx, onnxruntime")
def test_onnx_refuses_a_bound_that_is_computed_and_keeps_a_scale_of_zero(tmp_path, monkeypatch):
    import onnxruntime

    monkeypatch.setenv("EXPLORER_WORKSPACE", str(tmp_path))
    with pytest.raises(InvalidValue, match="clamp.* cannot be written as ONNX"):
        onnx.files(outgoing(Bounded, (1, 8, 8), tmp_path))
    net = outgoing(Even, (3, 4), tmp_path)
    x, expected = net.example(3)
    found = onnxruntime.InferenceSession(onnx.files(net)["model.onnx"]).run(None, {"input": x.numpy()})[0]
    torch.testing.assert_close(torch.from_numpy(found), expected)
    torch.testing.assert_close(expected, x.mean(1).repeat(1, 3))


def outgoing(kind, shape, folder) -> Outgoing:
    id_ = f"own-{kind.__name__.lower()}"
    write(Store(folder), id_, id_, capture(kind, shape), "test", "", None, {}, False)
    return of_safetensors(bytes_of(architecture(id_)))


def test_what_onnx_lacks_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InvalidValue, match="pip install onnx"):
        files(bytes_of(architecture("lenetlike-digits")), "onnx")
