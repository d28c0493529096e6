"""Training a space of several architectures, against a plain loop over the networks of the step.

Legend: N instances, B images, K classes, H x W the PRep, E embedding, A architectures.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from .. import datasets
from ..core.artifacts import Store
from ..core.errors import DataMissing
from ..core.seeds import generator
from ..kinds.netspace.space import load_space
from ..kinds.netspace.training import space_training
from ..nets.fast import hardware_dtype
from ..nets.prep import pack
from ..nets.stacked import logits_one
from ..tasks.images.teaching import gammas, knowledge_distillation
from . import row
from .measure import medians, tune
from .netspace import encode_plainly

SPACE = "netspace-digits-multi"
REPEATS = 7


def loss_one_by_one(trainee, rows_N: Tensor, picks_B: Tensor) -> Tensor:
    """Eq. 3 to 12 with a loop over networks, each encoded, decoded and called by itself: what `trainee.loss` gives."""
    config, model, last = trainee.config, trainee.model, len(trainee.archs) - 1
    preps_NHW = pack(trainee.zoo.parameters_NP[rows_N] / model.divisor, model.height, model.width)
    points = [
        (encode_plainly(model.encoder, prep_HW[None]), int(trainee.objective.all_class_ids_N[row]))
        for row, prep_HW in zip(rows_N.tolist(), preps_NHW)
    ]
    if config.interpolation:
        ends = [(a_1E, b_1E) for a_1E, a in points for b_1E, b in points if a == 0 and b == last]
        points += [(torch.lerp(a_1E, b_1E, gamma), id_) for a_1E, b_1E in ends for id_, gamma in enumerate(gammas(last + 1), start=1)]
    of = trainee.objective
    images_BCHW, labels_B, teacher_BK = of.images_BCHW[picks_B], of.labels_B[picks_B], of.teacher_BK[picks_B]
    losses = []
    for point_1E, wanted in points:
        class_1A = model.class_logits(point_1E)
        arch = trainee.archs[int(class_1A.argmax())]
        answers_BK = logits_one(model.decode(point_1E)[0, : arch.parameters], images_BCHW, arch)
        losses.append(knowledge_distillation(answers_BK[None], teacher_BK, labels_B, config.alpha, config.temperature)[0])
        losses.append(F.cross_entropy(class_1A, torch.tensor([wanted])))
    return torch.stack(losses).sum()


def one_step(trainee, rows_N: Tensor, picks_B: Tensor) -> None:
    """Its loss and gradients."""
    trainee.loss(rows_N, picks_B).backward()


def step() -> list[dict]:
    """Milliseconds of a training step of the shipped space of four architectures; both sides on one thread, which is best for
    networks so small, and from the same trained weights. Where the hardware multiplies bfloat16, the same in that (`config.bf16`)."""
    store = Store()
    if not store.has(SPACE):
        raise DataMissing(f"This row needs {SPACE}, which is not available: make it with `python -m engine train {SPACE}`.")
    tune()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        space = load_space(store, SPACE)
        at_hand = tuple(
            min(count, len(space.zoo.rows("train", id_))) for id_, count in enumerate(space.config.train)
        )  # a zoo that ships is trimmed
        coarse = hardware_dtype() is torch.bfloat16
        trainees = [
            space_training(replace(space.config, train=at_hand, bf16=bf16), space.zoo, datasets.load(space.zoo.dataset))
            for bf16 in (False, True)[: 1 + coarse]
        ]
        for trainee in trainees:
            trainee.model.load_state_dict(space.model.state_dict())
        trainee, random = trainees[0], generator(0, 12, 0)
        rows_N, picks_B = trainee.objective.instances(random), torch.arange(space.config.images)
        ours, theirs = (float(loss.detach()) for loss in (trainee.loss(rows_N, picks_B), loss_one_by_one(trainee, rows_N, picks_B)))
        assert abs(ours - theirs) <= 1e-5 * abs(theirs), f"the two sides differ: {ours} and {theirs}"
        alone, *together = medians(
            lambda: loss_one_by_one(trainee, rows_N, picks_B).backward(),
            *(partial(one_step, each, rows_N, picks_B) for each in trainees),
            repeats=REPEATS,
        )
        return [row(f"multi_step{end}", 1000 * each, "ms", 1000 * alone) for end, each in zip(("", "_bfloat16"), together)]
    finally:
        torch.set_num_threads(threads)
