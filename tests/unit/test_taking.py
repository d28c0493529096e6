"""A network of a space is downloaded in each format, as the export command writes it."""

from __future__ import annotations

import io
import zipfile

import pytest
import torch
from safetensors.torch import load

from engine.nets.export import formats
from engine.nets.stacked import unflatten
from tests.serving import get, port, question, tiny_host, tiny_store  # noqa: F401 - fixtures
from tests.tiny import SPACE

pytestmark = pytest.mark.usefixtures("one_thread")


def test_each_format_is_the_network_between_two_anchors(port, question, tiny_host):  # noqa: F811
    where = f"/api/spaces/{SPACE}/network?a={question['a']}&b={question['b']}&gamma=0.25"
    network = tiny_host.between(SPACE, question["a"], question["b"], 0.25).network
    x_BCHW, expected_BK, others_BK = answers(network)
    found = {}
    assert list(formats.words()) == list(formats.names()) and all(formats.words().values())
    for form in formats.names():
        status, content, headers = get(port, f"{where}&format={form}")
        assert status == 200 and headers["content-disposition"].endswith(f'{formats.of(form).SUFFIX or ".zip"}"'), form
        found[form] = content
    packed = zipfile.ZipFile(io.BytesIO(found["folder"]))
    assert {*packed.namelist()} == {"model.safetensors", "config.json", "model.py", "README.md"}
    for content in (get(port, where)[1], found["safetensors"], packed.read("model.safetensors")):
        assert torch.equal(torch.cat([load(content)[entry.name].flatten() for entry in network.arch.layout]), network.parameters_P)
    program = torch.export.load(io.BytesIO(found["pt2"])).module()
    session = pytest.importorskip("onnxruntime").InferenceSession(found["onnx"])
    (ours,) = session.run(None, {session.get_inputs()[0].name: x_BCHW.numpy()})
    for answer_BK in (program(x_BCHW), torch.from_numpy(ours)):
        assert torch.allclose(answer_BK, expected_BK, atol=1e-5) and not torch.allclose(answer_BK, others_BK, atol=1e-2)
    assert get(port, f"{where}&format=h5")[0] == 400


def answers(network):
    """(inputs, the network's answers, those of another network of its architecture)."""
    torch.manual_seed(1)
    x_BCHW, module = torch.randn(2, *network.arch.input_shape), network.arch.build().eval()
    with torch.no_grad():
        others_BK = module(x_BCHW)
        module.load_state_dict(unflatten(network.parameters_P, network.arch))
        return x_BCHW, module(x_BCHW), others_BK
