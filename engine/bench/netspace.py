"""Training the paper's own space (8 ResNet8s x 128 images of 32x32, PRep 8 x 10 000, embedding 4096), against a plain loop over the
networks of the step.

Legend: N instances, P parameters, B images, K classes, H x W the PRep, E embedding.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from .. import presets
from ..archs import architecture
from ..core.seeds import generator
from ..datasets.noise import noise
from ..host.host import device_of
from ..kinds.netspace.encoders import PRepEncoder
from ..kinds.netspace.training import space_training
from ..nets.fast import hardware_dtype
from ..nets.prep import pack
from ..nets.stacked import flatten, unflatten
from ..tasks.images.losses import distillation
from ..tasks.zoo import Zoo
from . import row
from .measure import medians, seconds, tune

PRESET = "netspace-cifar10-resnet8"
IMAGES, REPEATS = 512, 5  # noise serves: a step costs the same on any pixels


def trainee(bf16: bool = False) :
    """The preset's training on networks that nobody has trained and images that are noise."""
    config = presets.config(PRESET)
    arch, device = architecture(presets.config(config.zoo).architecture), str(device_of(None))
    torch.manual_seed(0)
    parameters_NP = torch.stack([flatten(arch.build()) for _ in range(config.networks + 2)]).to(device)
    zoo = Zoo("bench", (arch,), "cifar10", parameters_NP, pd.DataFrame({"split": ["train"] * config.networks + ["val", "val"]}))
    return space_training(replace(config, bf16=bf16), zoo, noise(arch, IMAGES, device))


def encode_plainly(encoder: PRepEncoder, prep_NHW: Tensor) -> Tensor:
    """The encoder as the paper draws it (fig. 1): every column of the horizontal convolutions is kept and differentiated."""
    x = F.leaky_relu(encoder.across1(prep_NHW[:, None]))
    x = F.leaky_relu(encoder.across2(x)).amax(-1, keepdim=True)
    x = F.leaky_relu(encoder.down1(x))
    return F.leaky_relu(encoder.down2(x)).amax((-2, -1))


def loss_one_by_one(training, rows_N: Tensor, picks_B: Tensor, random: torch.Generator) -> Tensor:
    """Eq. 1 with a loop over networks, each encoded, decoded and called by itself, its target beside it: what `training.loss` gives."""
    model, arch, images_BCHW = training.model, training.arch, training.objective.seen(picks_B, random)
    module, losses = arch.build().to(images_BCHW.device), []
    for number in rows_N.tolist():
        target_1P = training.parameters_NP[number][None]
        with torch.no_grad():
            target_BK = functional_call(module, unflatten(target_1P[0], arch), (images_BCHW,))
        embedding_1E = encode_plainly(model.encoder, pack(target_1P, model.height, model.width))
        predicted_BK = functional_call(module, unflatten(model.decode(embedding_1E)[0], arch), (images_BCHW,))
        losses.append(distillation(predicted_BK[None], target_BK[None], training.config.temperature)[0])
    return torch.stack(losses).mean()


def step() -> list[dict]:
    """Milliseconds of a training step (loss and gradients) and its share of the device's matrix peak (a large product, measured
    beside it); where the hardware multiplies bfloat16, the same in that (`config.bf16`)."""
    tune()
    training = trainee()
    rows_N, picks_B = torch.arange(training.config.networks), torch.arange(training.config.images)

    def ours(which=training) -> None:
        which.loss(rows_N, picks_B, generator(0)).backward()
        wait()

    def theirs() -> None:
        loss_one_by_one(training, rows_N, picks_B, generator(0)).backward()
        wait()

    sides = (training.loss(rows_N, picks_B, generator(0)), loss_one_by_one(training, rows_N, picks_B, generator(0)))
    a, b = (float(loss.detach()) for loss in sides)
    assert abs(a - b) <= 1e-5 * abs(b), f"the two sides differ: {a} and {b}"
    coarse = training.objective.images_BCHW.device.type == "cuda" or hardware_dtype() is torch.bfloat16
    half = [trainee(bf16=True)] if coarse else []
    together, alone, *halved = medians(ours, theirs, *(partial(ours, each) for each in half), repeats=REPEATS)
    with FlopCounterMode(display=False) as counter:
        ours()
    share = counter.get_total_flops() / together / peak(training.objective.images_BCHW.device)
    rows = [row("netspace_step", 1000 * together, "ms", 1000 * alone), row("netspace_step_peak_share", share, "of the matrix peak")]
    return rows + [row("netspace_step_bf16", 1000 * each, "ms", 1000 * alone) for each in halved]


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def peak(device: torch.device, size: int = 3072) -> float:
    """FLOP per second of a square product in float32, the best of some: as a product and as a convolution of 1x1, for on some CPUs
    one of the two libraries behind them is half as fast as the other."""
    left, right = (torch.randn(size, size, device=device) for _ in range(2))

    def product() -> None:
        torch.mm(left, right)
        wait()

    def convolution() -> None:
        F.conv2d(left[None, :, :, None], right[:, :, None, None])
        wait()

    return 2 * size**3 / min(seconds(work) for work in 5 * (product, convolution))
