"""Networks of shapes as others save them: the activation is part of the network. It is told, or found in the file, or the reading says
that it describes no shape."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from engine.archs.siren import OMEGA, OTHERS, Layers, of_frequency, siren_forward
from engine.core.artifacts import Store
from engine.core.errors import InvalidValue
from engine.kinds.netspace.placing import place_what
from engine.kinds.netspace.space import load_space
from engine.kinds.zoo.loading import load_zoo
from engine.tasks.distances.activations import Activation, check_shape, chosen, doubt
from engine.tasks.distances.networks import insides, ious, layers_of, queries, rows_of, values
from tests.commands import call
from tests.tiny_shapes import SPACE, write_tiny_shapes

pytestmark = pytest.mark.usefixtures("one_thread")
GALLERY = ("zoo-chairs", 3)


@pytest.fixture(scope="module")
def chair() -> Layers:
    """A shipped chair: layers of sines of 30, stacked over one instance."""
    zoo = load_zoo(Store("no-workspace"), GALLERY[0])
    return layers_of(zoo.parameters_NP[[GALLERY[1]]], zoo.arch)


@pytest.fixture(scope="module")
def ball() -> Layers:
    """A ReLU network fitted to a ball."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 48), torch.nn.ReLU(), torch.nn.Linear(48, 48), torch.nn.ReLU(), torch.nn.Linear(48, 1))
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(400):
        points_B3 = torch.rand(512, 3) * 2 - 1
        loss = (net(points_B3)[:, 0] - (points_B3.norm(dim=-1) - 0.6)).square().mean()
        optimizer.zero_grad(), loss.backward(), optimizer.step()
    return Layers([(part.weight.detach()[None], part.bias.detach()[None]) for part in net if hasattr(part, "weight")], "relu")


def file_of(path, layers, omega: float = OMEGA, first: float | None = None, **metadata):
    """As a network of sines of `omega` saves it: its own weights, of which `of_frequency` makes ours."""
    scales = [OMEGA / (omega if depth or first is None else first) for depth in range(len(layers) - 1)] + [1.0]
    tensors = {
        f"layers.{i}.{part}": scale * tensor[0]
        for (i, pair), scale in zip(enumerate(layers), scales)
        for part, tensor in zip(("weight", "bias"), pair)
    }
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, {key: str(value) for key, value in metadata.items()})
    return path


def theirs(layers, scale: list[float]) -> list:
    return [(factor * weight, factor * bias) for factor, (weight, bias) in zip([*scale, 1.0], layers)]


@pytest.mark.parametrize("omega, first", [(10.0, None), (30.0, None), (60.0, None), (30.0, 90.0), (1.0, 5.0)])
def test_sines_of_any_frequency_are_sines_of_ours(chair, omega, first):
    points_1B3 = torch.rand(1, 200, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    given = theirs(chair, [OMEGA / (first or omega), OMEGA / omega])
    signal = points_1B3.double()
    for depth, (weight, bias) in enumerate(given[:-1]):  # the definition, written out
        signal = torch.sin((first if first and not depth else omega) * (signal @ weight.double().mT + bias.double().unsqueeze(-2)))
    expected_1B = (signal @ given[-1][0].double().mT + given[-1][1].double().unsqueeze(-2)).squeeze(-1)
    assert torch.allclose(siren_forward(of_frequency(given, omega, first), points_1B3).double(), expected_1B, atol=1e-4)
    if omega != OMEGA:
        assert not torch.allclose(siren_forward(given, points_1B3).double(), expected_1B, atol=1e-2)  # control


@pytest.mark.parametrize("name", OTHERS)
def test_other_activations_are_what_they_are_called(ball, name):
    layers, points_1B3 = Layers(ball, name), torch.rand(1, 100, 3) * 2 - 1
    signal = points_1B3
    for weight, bias in layers[:-1]:
        signal = (
            F.softplus(signal @ weight.mT + bias[:, None], 100)
            if name == "softplus"
            else getattr(torch if name == "tanh" else F, name)(signal @ weight.mT + bias[:, None])
        )
    expected_1B = (signal @ layers[-1][0].mT + layers[-1][1][:, None])[..., 0]
    assert torch.allclose(values(layers, points_1B3), expected_1B, atol=1e-5)
    assert rows_of(layers, [0]).activation == name and queries(Layers(ball, "relu"), 16, 0)[1].shape == (1, 16)


@pytest.mark.parametrize("omega", (10.0, 20.0, 45.0, 60.0, 90.0))
def test_another_frequency_is_no_shape_and_the_right_one_is_named(chair, omega, tmp_path):
    path = file_of(tmp_path / "x.safetensors", chair, omega)
    given = theirs(chair, [OMEGA / omega] * 2)
    assert doubt(chair) is None and doubt(given) is not None
    with pytest.raises(InvalidValue, match=rf"x.safetensors does not say .* With --omega {omega:g} it is one"):
        check_shape(path.name, given, chosen(path))
    for told in (chosen(path, None, [omega]), chosen(path, "SIREN", [omega])):
        assert float(ious(insides(check_shape(path.name, given, told)), insides(chair))[0]) > 0.99


def test_a_relu_network_is_none_of_sines(ball, tmp_path):
    path = file_of(tmp_path / "ball.safetensors", ball)
    with pytest.raises(InvalidValue, match="With --activation relu it is one"):
        check_shape(path.name, list(ball), chosen(path))
    found = check_shape(path.name, list(ball), chosen(path, "ReLU"))
    assert found.activation == "relu" and doubt(found) is None


def test_files_say_it_themselves(chair, tmp_path):
    plain, own = tmp_path / "plain.safetensors", tmp_path / "own.safetensors"
    file_of(plain, chair, 10.0)
    file_of(own, chair, 20.0, omega_0="20", nonlinearity="Sine")
    assert chosen(plain) == Activation() and chosen(own) == Activation(omega=20.0, stated=True)
    (tmp_path / "config.json").write_text(json.dumps({"w0": 10, "first_omega_0": 60}))
    assert chosen(plain) == Activation(omega=10.0, first=60.0, stated=True)
    (tmp_path / "plain.json").write_text(json.dumps({"activation": "LeakyReLU"}))
    assert chosen(plain).name == "leaky_relu" and chosen(own).omega == 20.0
    assert chosen(plain, "tanh") == Activation("tanh", stated=True), "what a person says comes first"
    assert chosen(plain, "sine", [60, 30]) == Activation(omega=30, first=60, stated=True)
    for wrong in (
        "[1, 2]",
        "{",
        json.dumps({"activation": 3}),
        json.dumps({"omega": "fast"}),
        json.dumps({"omega": -1}),
        json.dumps({"act": "mish"}),
    ):
        (tmp_path / "plain.json").write_text(wrong)
        if wrong in ("[1, 2]", "{"):
            assert chosen(plain).omega == 10.0  # the other one's
        else:
            with pytest.raises(InvalidValue, match="omega|activation"):
                chosen(plain)
        assert chosen(plain, "relu").name == "relu"


@pytest.mark.parametrize(
    "activation, omega", [("mish", None), (None, [0.0]), (None, [float("nan")]), (None, [1, 2, 3]), ("relu", [30.0]), (None, [5000.0])]
)
def test_what_is_no_activation_is_refused(activation, omega, tmp_path, chair):
    with pytest.raises(InvalidValue):
        chosen(file_of(tmp_path / "x.safetensors", chair), activation, omega)


def test_place_from_the_command_line(chair, ball, tmp_path, capsys):
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    write_tiny_shapes(store, 20)
    path = file_of(tmp_path / "x.safetensors", chair, 12.0)
    code, value, error = call(capsys, store.workspace, "place", SPACE, str(path), "--steps", "1")
    assert (code, value) == (2, None) and "--omega" in error and error.count("\n") == 1
    code, value, error = call(capsys, store.workspace, "place", SPACE, str(path), "--steps", "1", "--omega", "12")
    assert code == 0 and 0 <= value["iou"] <= 1
    code, value, error = call(
        capsys, store.workspace, "place", SPACE, str(file_of(tmp_path / "ball.safetensors", ball)), "--steps", "1", "--activation", "relu"
    )
    assert code == 0 and value["encoded"] == "nearest", "weights of another activation are not for an encoder that reads weights"
    code, value, error = call(capsys, store.workspace, "place", SPACE, "chairs-siren-0000", "--omega", "10")
    assert (code, value) == (2, None) and "Leave them out" in error
    space = load_space(store, SPACE)
    placed, _ = place_what(space, str(path), 1, 0, lambda title, total: lambda step, metrics: None, omega=[12.0])
    assert placed.nearest
