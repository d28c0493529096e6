"""The accuracy of a full-size ResNet8 on 10 000 images of 32x32."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .. import datasets
from ..archs import Architecture, architecture
from ..archs.folding import fold_batch_norm, measure_statistics
from ..nets.fast import answers, fastest
from ..nets.stacked import flatten
from . import row
from .measure import medians, tune

IMAGES, BATCH = 10_000, 256
TRAIN_STEPS, TRAIN_BATCH = 100, 32
AGREEMENT = 0.99


def pictures(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images [B, 3, 32, 32] and labels: digits made larger, moved, coloured, on a noisy ground. Many are hard to tell, so
    that equal answers mean something; no data set of the right size ships with the explorer."""
    random = torch.Generator().manual_seed(seed)
    digits = datasets.load("digits")
    small_BCHW, labels_B = digits.images["train"], digits.labels["train"]
    picks_B = torch.randint(len(labels_B), (count,), generator=random)
    images_BCHW = F.interpolate(small_BCHW[picks_B], size=24, mode="bilinear").expand(-1, 3, -1, -1)
    images_BCHW = F.pad(images_BCHW, (4, 4, 4, 4), value=-1.0)
    shifts_B2 = torch.randint(-2, 3, (count, 2), generator=random).tolist()
    images_BCHW = torch.stack([image.roll(shift, (1, 2)) for image, shift in zip(images_BCHW, shifts_B2)])
    colour_BC11 = torch.rand(count, 3, 1, 1, generator=random) * 0.8 + 0.2
    return images_BCHW * colour_BC11 + 0.5 * torch.randn(count, 3, 32, 32, generator=random), labels_B[picks_B]


def trained(arch: Architecture) -> Tensor:
    """Parameters [P] of a network trained for a moment on such pictures: agreement of random networks says nothing."""
    torch.manual_seed(0)
    module = arch.build(batch_norm=True).train()
    x_BCHW, y_B = pictures(TRAIN_STEPS * TRAIN_BATCH, seed=1)
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    for image_BCHW, label_B in zip(x_BCHW.split(TRAIN_BATCH), y_B.split(TRAIN_BATCH)):
        optimizer.zero_grad()
        F.cross_entropy(module(image_BCHW), label_B).backward()
        optimizer.step()
    return flatten(fold_batch_norm(measure_statistics(module, x_BCHW[:512])))


def plain(parameters_P: Tensor, images_BCHW: Tensor, arch: Architecture) -> Tensor:
    """Predicted classes [B] the plain way: the module, float32, a loop over batches."""
    module = arch.build().eval()
    torch.nn.utils.vector_to_parameters(parameters_P, module.parameters())
    with torch.inference_mode():
        return torch.cat([module(part).argmax(-1) for part in images_BCHW.split(BATCH)])


def ten_thousand() -> list[dict]:
    """Seconds for 10 000 images in float32 and, where another is faster on this hardware, in that dtype; with it the share of
    answers that equal the plain loop's (asserted to be 99 %)."""
    tune()
    arch = architecture("resnet8-cifar10")
    parameters_P = trained(arch)
    images_BCHW, labels_B = pictures(IMAGES, seed=2)
    expected_B = plain(parameters_P, images_BCHW, arch)
    accuracy = float((expected_B == labels_B).float().mean())
    assert 0.3 < accuracy < 0.999, f"the network is not trained ({accuracy:.3f}), or its task is trivial"
    rows = []
    for dtype in dict.fromkeys((torch.float32, fastest(arch, "cpu"))):
        agreement = float((expected_B == answers(parameters_P, images_BCHW, arch, dtype)).float().mean())
        assert agreement >= AGREEMENT, f"only {agreement:.4f} of the answers are equal in {dtype}"
        ours, theirs = medians(
            lambda: answers(parameters_P, images_BCHW, arch, dtype), lambda: plain(parameters_P, images_BCHW, arch), repeats=3
        )
        name = "accuracy_10k" if dtype is torch.float32 else "accuracy_10k_" + str(dtype).removeprefix("torch.")
        rows += [row(name, ours, "s", theirs), row(f"{name}_agreement", agreement, "share")]
    return rows
