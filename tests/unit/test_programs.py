"""Networks that come as programs (.pt2, .onnx) answer here as they did where they were made; what is none says so."""

from __future__ import annotations

import importlib.util
import json
import zipfile

import pytest
import torch

from engine.archs import architecture
from engine.archs.graph import programs
from engine.archs.graph.capture import capture, deployed, exported
from engine.archs.graph.programs import read_program
from engine.core.artifacts import Store
from engine.core.errors import InvalidValue
from engine.kinds.architecture import write
from engine.nets.export import files
from engine.nets.export.outgoing import Outgoing
from engine.nets.networks import read
from tests.commands import call
from tests.tiny_networks import NETWORKS, trained

pytestmark = pytest.mark.usefixtures("one_thread")
ONNX = importlib.util.find_spec("onnx") is not None
needs_onnx = pytest.mark.skipif(not ONNX, reason="needs onnx")


@pytest.fixture(scope="module", autouse=True)
def here():
    """Files are read in this process, but for the test of their own."""
    limited, programs.limited = programs.limited, lambda call, given, *rest: programs.unpack(**given)
    yield limited
    programs.limited = limited


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    monkeypatch.setenv("EXPLORER_WORKSPACE", str(tmp_path / "ws"))
    return Store(tmp_path / "ws")


def saved(name: str, path, form: str, store: Store):
    """(a network's answers to some inputs, the inputs), and its file at `path`."""
    kind, shape = NETWORKS[name]
    torch.manual_seed(0)
    module = trained(kind())
    x = torch.randn(3, *shape)
    if form == "pt2":
        torch.export.save(exported(module, shape), path)
    else:
        found = capture(lambda: module, shape)
        write(store, f"first-{name}", name, found, "test", "", None, {}, False)
        arch = architecture(f"first-{name}")
        net = Outgoing(arch, {key: each.detach() for key, each in deployed(found).state_dict().items()}, {"architecture": arch.id})
        path.write_bytes(files(net.data, "onnx")["model.onnx"])
    with torch.no_grad():
        return module(x), x


FORMS = ["pt2", pytest.param("onnx", marks=needs_onnx)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_program_answers_as_it_did(name, form, store, tmp_path):
    path = tmp_path / f"net.{form}"
    expected, x = saved(name, path, form, store)
    found = read_program(path)
    with torch.no_grad():
        assert float((deployed(found)(x) - expected).abs().max()) <= 1e-5 * max(1.0, float(expected.abs().max()))
    assert found.graph.input_shape == NETWORKS[name][1]


@pytest.mark.parametrize("form", FORMS)
def test_the_command_keeps_architecture_and_network(form, store, tmp_path, capsys):
    path = tmp_path / f"Vgg 2.{form}"
    expected, x = saved("vgg", path, form, store)
    code, said, error = call(capsys, store.workspace, "architecture", "add", str(path))
    assert code == 0, error
    assert said["id"] == "vgg-2" and architecture("vgg-2").parameters == said["parameters"]
    net = read(store, "network-vgg-2")
    with torch.no_grad():
        assert torch.allclose(net.module()(x), expected, atol=1e-5)
    code, _, error = call(capsys, store.workspace, "architecture", "add", str(path))
    assert code == 2 and "taken" in error


def test_it_is_read_in_a_process_of_its_own(store, tmp_path, here, monkeypatch):
    monkeypatch.setattr(programs, "limited", here)
    saved("mlp", tmp_path / "net.pt2", "pt2", store)
    assert read_program(tmp_path / "net.pt2").graph.parameters > 0
    (tmp_path / "bad.pt2").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(InvalidValue, match="bad.pt2 cannot be read"):
        read_program(tmp_path / "bad.pt2")


def changed(path, change) -> None:
    """A .pt2 file with its model.json changed."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    for name in members:
        if name.endswith("models/model.json"):
            model = json.loads(members[name])
            change(model["graph_module"])
            members[name] = json.dumps(model).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)


def unknown(module) -> None:
    module["graph"]["nodes"][0]["target"] = "torch.ops.aten.from_file.default"


def python(module) -> None:
    module["graph"]["nodes"][0]["target"] = "os.system"


def twice(module) -> None:
    module["graph"]["outputs"] *= 2


def lacking(module) -> None:
    module["signature"]["input_specs"][0]["parameter"]["parameter_name"] = "nowhere"


@pytest.mark.parametrize(
    "change, words",
    [(unknown, "'from_file' is not supported"), (python, "'system' is not supported"), (twice, "2 tensors"), (lacking, "nowhere")],
)
def test_a_forged_program_is_refused(change, words, store, tmp_path):
    path = tmp_path / "net.pt2"
    saved("vgg", path, "pt2", store)
    changed(path, change)
    with pytest.raises(InvalidValue, match=words):
        read_program(path)


def test_a_program_of_one_batch_says_how_to_export(tmp_path):
    kind, shape = NETWORKS["mlp"]
    torch.export.save(torch.export.export(kind().eval(), (torch.zeros(1, *shape),)), tmp_path / "one.pt2")
    with pytest.raises(InvalidValue, match="dynamic_shapes"):
        read_program(tmp_path / "one.pt2")


def onnx_model(path, nodes, held: dict, sides: list, classes: int):
    """A file of some nodes from `x` to `y`, its weights `held`."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes, "others", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *sides])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", classes])],
        [numpy_helper.from_array(array, name) for name, array in held.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return onnx.load_model(str(path))


def answers(model, x):
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(model).run(None, {"x": x})[0]


@pytest.fixture
def paddle(tmp_path):
    """A network as PaddleOCR's classifier of directions is written: sides that are open, flat names, norms behind convolutions and
    alone, a product with a transposed table. (the file, what it is read as)."""
    import numpy as np
    from onnx import helper

    rng = np.random.default_rng(0)
    held = {"conv1_weights": rng.normal(size=(4, 1, 3, 3)), "conv2.w_0": rng.normal(size=(4, 2, 3, 3)), "fc.w_0": rng.normal(size=(4, 2))}
    norms = ("conv1_bn", "conv2_bn", "last", "again")
    for norm in norms:
        held |= {f"{norm}_{word}": rng.normal(size=4) for word in ("scale", "offset", "mean")}
        held[f"{norm}_variance"] = rng.uniform(0.5, 2, 4)

    def normed(norm: str, source: str):
        words = ("scale", "offset", "mean", "variance")
        return helper.make_node("BatchNormalization", [source, *(f"{norm}_{word}" for word in words)], [norm])

    nodes = [
        helper.make_node("Conv", ["x", "conv1_weights"], ["c1"], pads=[1] * 4),
        normed("conv1_bn", "c1"),
        helper.make_node("Relu", ["conv1_bn"], ["r1"]),
        normed("last", "r1"),
        helper.make_node("Conv", ["last", "conv2.w_0"], ["c2"], group=2, pads=[1] * 4),
        normed("conv2_bn", "c2"),
        helper.make_node("Relu", ["conv2_bn"], ["r2"]),
        normed("again", "r2"),
        helper.make_node("GlobalAveragePool", ["again"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "fc.w_0"], ["y"]),
    ]
    path = tmp_path / "directions.onnx"
    model = onnx_model(path, nodes, {name: array.astype(np.float32) for name, array in held.items()}, [1, "height", "width"], 2)
    return path, model


@needs_onnx
def test_open_sides_are_chosen_and_layers_are_layers_whatever_they_are_called(paddle, store, capsys, here, monkeypatch):
    """In a process of its own: its product's table lies there column by column."""
    import numpy as np

    path, model = paddle
    monkeypatch.setattr(programs, "limited", here)
    code, _, error = call(capsys, store.workspace, "architecture", "add", str(path), "--input", "1x6x10", "--id", "ocr")
    assert code == 0, error
    assert architecture("ocr").input_shape == (1, 6, 10)
    x = np.random.default_rng(1).normal(size=(3, 1, 6, 10)).astype(np.float32)
    net = read(store, "network-ocr")
    module = net.module()
    with torch.no_grad():
        assert np.abs(module(torch.from_numpy(x)).numpy() - answers(model, x)).max() < 1e-5
    assert {name for name, part in module.named_modules() if isinstance(part, torch.nn.Conv2d)} == {"conv1", "conv2"}
    assert set(net.tensors) == {
        "conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "last.weight", "last.bias", "again.weight", "again.bias", "fc.weight",
    }  # fmt: skip
    assert call(capsys, store.workspace, "evaluate", "network-ocr")[0] == 0
    code, told, _ = call(capsys, store.workspace, "show", "network-ocr", "--layers")
    assert code == 0 and [row["layer"] for row in told["layers"] if row["predicted"]] == ["conv1", "conv2"]


@needs_onnx
@pytest.mark.parametrize("given, words", [(None, "several sizes, 1x\\?x\\?. Choose one with --input"), ((3, 6, 10), ", not 3x6x10")])
def test_sides_that_are_open_or_wrong_are_named(given, words, paddle):
    with pytest.raises(InvalidValue, match=words):
        read_program(paddle[0], given)


def test_an_input_that_a_program_does_not_take_is_named(store, tmp_path):
    saved("mlp", tmp_path / "net.pt2", "pt2", store)
    with pytest.raises(InvalidValue, match="takes inputs of 1x8x8, not 1x9x9"):
        read_program(tmp_path / "net.pt2", (1, 9, 9))


@needs_onnx
def test_onnx_as_others_write_it(tmp_path):
    """Shapes that are computed, channels last, padding by name, a product and a sum in place of a layer."""
    import numpy as np
    from onnx import helper

    rng = np.random.default_rng(0)
    held = {
        "conv/kernel:0": rng.normal(size=(4, 1, 3, 3)).astype(np.float32),
        "conv/bias:0": rng.normal(size=4).astype(np.float32),
        "dense/kernel:0": rng.normal(size=(64, 10)).astype(np.float32),
        "dense/bias:0": rng.normal(size=10).astype(np.float32),
        "zero": np.array([0]), "rest": np.array([-1]), "one": np.array([1]),
    }  # fmt: skip
    nodes = [
        helper.make_node("Transpose", ["x"], ["nchw"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "Conv", ["nchw", "conv/kernel:0", "conv/bias:0"], ["c"], strides=[2, 2], auto_pad="SAME_UPPER", kernel_shape=[3, 3]
        ),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Shape", ["r"], ["s"]),
        helper.make_node("Slice", ["s", "zero", "one"], ["b"]),
        helper.make_node("Concat", ["b", "rest"], ["to"], axis=0),
        helper.make_node("Reshape", ["r", "to"], ["f"]),
        helper.make_node("MatMul", ["f", "dense/kernel:0"], ["m"]),
        helper.make_node("Add", ["m", "dense/bias:0"], ["y"]),
    ]
    model = onnx_model(tmp_path / "keras.onnx", nodes, held, [8, 8, 1], 10)
    found = read_program(tmp_path / "keras.onnx")
    assert found.graph.input_shape == (8, 8, 1) and found.graph.parameters == 40 + 650
    x = rng.normal(size=(3, 8, 8, 1)).astype(np.float32)
    expected = answers(model, x)
    with torch.no_grad():
        assert np.abs(deployed(found)(torch.from_numpy(x)).numpy() - expected).max() < 1e-4


@needs_onnx
@pytest.mark.parametrize("content", [b"", b"\x08\x07garbage", b"{}"])
def test_what_is_no_onnx_file_is_one_sentence(tmp_path, content):
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(InvalidValue) as told:
        read_program(tmp_path / "bad.onnx")
    assert "bad.onnx" in str(told.value) and "\n" not in str(told.value)
