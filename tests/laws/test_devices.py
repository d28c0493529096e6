"""No forward of training, host, evaluation or placing mixes devices: each runs on PyTorch's fake tensors, which have shapes and devices
and no numbers, in a process of its own.

The device is one of a backend in Python, "elsewhere": builds without CUDA lack the guard that indexing and moving ask "cuda" for. What
is read back (a figure, a choice) is zero: a fake tensor has no value.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SETUP = """
import math, torch
import numpy as np
from dataclasses import replace
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend
from engine import datasets, presets
from engine.archs import architecture
from engine.datasets.pixels import Pixels
from engine.tasks.images.config import NetSpaceConfig, ZooConfig

def nested(shape):
    return 0 if not shape else [nested(shape[1:]) for _ in range(shape[0])]

made = torch.tensor
torch.tensor = lambda values, device=None, **how: made(values, **how).to(device or "cpu")
torch.Tensor.item = lambda self: 0
torch.Tensor.__float__ = lambda self: 0.0
torch.Tensor.__int__ = torch.Tensor.__index__ = lambda self: 0
torch.Tensor.__bool__ = lambda self: False
torch.Tensor.tolist = lambda self: nested(tuple(self.shape))

def fake(*shape, dtype=torch.float32):
    return torch.empty(*shape, dtype=dtype, device="elsewhere")

def moved(module):
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                part._parameters[name] = torch.nn.Parameter(fake(*parameter.shape), requires_grad=False)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = fake(*buffer.shape, dtype=buffer.dtype)
    return module

def of(tensors, device="elsewhere"):
    tensors = tensors if isinstance(tensors, (list, tuple)) else [tensors]
    assert tensors and {tensor.device.type for tensor in tensors} == {device}, [tensor.device for tensor in tensors]

def images(arch, count=6):
    pictures = {split: fake(count, *arch.input_shape) for split in datasets.SPLITS}
    labels = {split: fake(count, dtype=torch.int64) for split in datasets.SPLITS}
    return datasets.Images("fake", "Fake", tuple(map(str, range(arch.classes))), pictures, labels)

torch.set_grad_enabled(False)
_setup_privateuseone_for_python_backend("elsewhere")
archs = [architecture(name) for name in ("lenetlike-digits", "resnet8-digits", "vanillacnn-digits", "resnet8-cifar10")]
siren = architecture("siren-small")
for arch in [*archs, siren]:
    arch.layout  # made before, of real tensors
mode = FakeTensorMode(allow_non_fake_inputs=True)
mode.__enter__()
"""

SPACE = """
from engine.kinds.netspace.model import NetSpace
from engine.nets.prep import width_for
def space(arch, answer=None, **fields):
    config = NetSpaceConfig("zoo-digits", prep_width=width_for(arch.parameters, 8), embedding=64, encoder_width=8,
        decoder_channels=(16, 64, 16), **fields)
    return moved(NetSpace(config, arch.parameters, answer))
"""

FORWARDS = {
    "networks, one and many": """
from engine.nets.answers import accuracies
from engine.nets.stacked import logits
for arch in archs:
    for count in (1, 3):
        of(logits(fake(count, arch.parameters), fake(5, *arch.input_shape), arch))
    of(accuracies(fake(3, arch.parameters), fake(5, *arch.input_shape), fake(5, dtype=torch.int64), arch))
""",
    "a training step of a zoo": """
from engine.tasks.images.zoo_training import ZooTraining
class Here:  # a fake mode is one thread's
    map = staticmethod(map)
for arch in archs[:2]:
    for fields in ({}, {"augment": 2}, {"optimiser": "sgd", "decays": (0.5,)}):
        config = ZooConfig(arch.id, "digits", train=2, val=1, test=1, steps_min=2, steps_max=4, batch=3, stack=4, **fields)
        training = ZooTraining(config, images(arch))
        training._pool = Here()
        training._gradient = lambda rows, pictures, labels: (  # without the way back
            rows * 0, torch.stack([training._loss(*each) for each in zip(rows, pictures, labels)])
        )
        training.step(0)
        of(list(training.state().values()))
""",
    "a space's encoder and decoder, and its loss": SPACE + """
from engine.tasks.images.losses import distillation, soft_accuracy, spread
from engine.nets.stacked import logits
for arch in archs:
    model = space(arch)
    embeddings = model.encode(fake(3, arch.parameters))
    of([embeddings, model.decode(embeddings)])
    answers = logits(model.decode(embeddings), fake(5, *arch.input_shape), arch)
    of([distillation(answers, answers, 4.0), spread(answers), soft_accuracy(answers, fake(5, dtype=torch.int64), spread(answers))])
""",
    "shapes: values, losses, the probe encoder": """
from engine.tasks.distances.networks import layers_of, values
from engine.kinds.netspace.encoders import ProbeEncoder
layers = layers_of(fake(3, siren.parameters), siren)
encoder = moved(ProbeEncoder(16, 8, 64, 3, 10.0))
answers = values(layers, encoder.points_B3)
of([answers, encoder(answers), values(layers, fake(3, 7, 3))])
with torch.inference_mode():
    of(values(layers, fake(7, 3)))
""",
    "latent space optimisation": SPACE + """
from engine.tasks.images.lso import Classifying, teachers_of
for arch in archs[:2]:
    data, model = images(arch), space(arch)
    teachers = teachers_of(arch, fake(1, arch.parameters), data)
    of(list(teachers.values()))
    for own in (False, True):
        objective = Classifying(arch, data, teachers, batch=4, own=own)
        of([*objective.loss(0, model.decode(fake(2, 64))), *objective.validate(model.decode(fake(2, 64)))])
""",
    "a NeRN: prediction, losses, a step's sample, what the host answers with": """
from engine.kinds.nern import losses
from engine.kinds.nern.original import logits, of_module
from engine.kinds.nern.predictor import Inputs, Predictor
import engine.kinds.nern.original as reading
reading.check_same = lambda *about: None  # it compares numbers
arch = archs[1]
original = of_module("fake", moved(arch.build()), "digits", arch.id)
shapes = tuple(original.shapes)
count = sum(f * c for f, c in shapes)
most = (len(shapes), max(f for f, _ in shapes), max(c for _, c in shapes))
inputs = Inputs(shapes, fake(count, dtype=torch.int64), tuple(fake(rows, 12) for rows in most))
predictor = moved(Predictor(36, 8, 9))
from engine.kinds.nern.nern import Group, Places
group = Group(tuple(range(len(shapes))), (3, 3), inputs, fake(count, dtype=torch.int64))
places = Places(original, [], (group,))
kernels = places.weights(predictor)
of([*kernels, predictor(inputs, fake(5, dtype=torch.int64)), inputs.full()])
answers, maps = original.network(kernels, fake(4, *arch.input_shape))
theirs, rows = original.network(original.weights, fake(4, *arch.input_shape))
of([answers, *maps, losses.reconstruction(kernels, original.weights), losses.distillation(answers, theirs)])
of([losses.feature_maps(maps, [losses.flat(each) for each in rows]), *map(losses.smoothness, kernels)])
of(logits(original.network, kernels, fake(4, *arch.input_shape)))
""",
    "images kept as bytes, shifted and mirrored": """
from engine.datasets.pixels import augmented
from engine.nets.stacked import logits
pixels = Pixels(fake(6, 3, 32, 32, dtype=torch.uint8), (0.5,) * 3, (0.2,) * 3)
of([pixels[torch.arange(3)], pixels[:2], logits(fake(2, archs[3].parameters), pixels, archs[3])])
of(augmented(pixels[:4], 2, torch.Generator().manual_seed(0)))
""",
    "how far outside of the zoo": """
from engine.kinds.netspace.outside import members
found = members(fake(20, 64))
of([each for each in vars(found).values() if isinstance(each, torch.Tensor)])
""",
}


def run(forwards: dict[str, str]) -> dict[str, str]:
    """name -> the traceback of its statements, "" where they ran; all in one process, each with names of its own."""
    script = SETUP + """
import json, sys, traceback
said = {}
for name, statements in json.loads(sys.stdin.read()).items():
    try:
        exec(statements, dict(globals()))
        said[name] = ""
    except Exception:
        said[name] = traceback.format_exc()
print(json.dumps(said))
"""
    ran = subprocess.run([sys.executable, "-c", script], input=json.dumps(forwards), capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout)


MIXED = {
    "a sum": "fake(3) + torch.ones(3)",
    "a network": "moved(archs[0].build())(torch.ones(1, *archs[0].input_shape))",
    "an index": "of([torch.ones(3)])",
}  # controls


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    return run(FORWARDS | MIXED)


@pytest.mark.parametrize("name", FORWARDS)
def test_a_forward_stays_on_its_device(said, name):
    assert not said[name], said[name][:1500]


@pytest.mark.parametrize("name", MIXED)
def test_mixing_is_noticed(said, name):
    assert "device" in said[name].lower()
