"""Latent space optimisation in a space of several architectures (paper, IV, Table I): the wanted ClassId's cross entropy is added.

Legend: N embeddings, P parameters (of the largest architecture), E embedding, B images, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ...archs import Architecture
from ...core.errors import UnknownId, closest
from ...core.metrics import mean as metric
from ...core.metrics import single
from ...learn.lso import Lso, Term, descend
from ...nets.by_architecture import accuracies_by_architecture, logits_by_architecture
from ...nets.stacked import logits
from .lso import Classifying
from .measuring_several import networks

STEPS, LR, BATCH, VALIDATE_EVERY = 150, 1e-2, 256, 5
ALPHA = 0.9


class ClassifyingMany(Classifying):
    """Eq. 5 of networks of several architectures: each is loaded into that which the head finds at its embedding."""

    def __init__(
        self,
        model,
        archs: tuple[Architecture, ...],
        images,
        teachers: dict[str, Tensor],
        alpha: float = ALPHA,
        batch: int = BATCH,
        seed: int = 0,
        temperature: float = 4.0,
    ):
        super().__init__(archs[-1], images, teachers, alpha, temperature, batch, seed)
        self.model, self.archs = model, archs

    def decode(self, embeddings_NE: Tensor) -> Tensor:
        """Parameters [N, P] at embeddings; their ClassIds are kept for the answers that follow."""
        self.class_ids_N = self.model.class_logits(embeddings_NE).argmax(-1)
        return self.model.decode(embeddings_NE)

    def answers(self, parameters_NP: Tensor, images_BCHW: Tensor) -> Tensor:
        return logits_by_architecture(parameters_NP, self.class_ids_N, images_BCHW, self.archs)


def wanted(space, architecture: str, start_E: Tensor) -> int:
    """ClassId of the architecture that an LSO wants; "" is that of its start. Raises UnknownId."""
    if not architecture:
        return int(space.model.class_ids(start_E[None]))
    known = [arch.id for arch in space.archs]
    if architecture not in known:
        raise UnknownId(f"There is no architecture {architecture[:60]!r} in {space.id}.{closest(architecture, known)}")
    return known.index(architecture)


def wanting(model, class_ids_N: Tensor) -> Term:
    """Eq. 6 as a term of a descent: the cross entropy of the ClassIds that are wanted."""
    return lambda step, embeddings_NE: F.cross_entropy(model.class_logits(embeddings_NE), class_ids_N, reduction="none")


def optimise(
    model, zoo, images, start_NE: Tensor, wanted_N: Tensor, steps: int = STEPS, lr: float = LR, seed: int = 0, patience: int = 0
) -> Lso:
    """Descend from embeddings towards good networks of the wanted ClassIds, taught by the zoo's teacher; validation picks the step, and
    with `patience` (see `descend`) ends the descent."""
    with torch.no_grad():
        teachers = {split: logits(zoo.teacher_P[None], images.images[split], zoo.teacher) for split in ("train", "val")}
    objective = ClassifyingMany(model, zoo.archs, images, teachers, seed=seed)
    lso = Lso(objective.decode, start_NE, objective, steps, lr, validate_every=VALIDATE_EVERY, terms=[wanting(model, wanted_N)])
    return descend(lso, patience)


def evaluate_lso(
    model,
    zoo,
    images,
    shown: tuple[int, ...],
    split: str = "test",
    seed: int = 0,
    measured: int = 0,
    steps: int = STEPS,
    lr: float = LR,
    patience: int = 0,
) -> dict:
    """Table I: one start per architecture that the space has seen, the instance of the split nearest to its mean accuracy on
    validation images; accuracies on test images before and after, and the share of wanted ClassIds kept. Of training and
    validation images the descent sees the first `measured` (0 for all)."""
    seen = [id_ for id_, count in enumerate(shown) if count]
    rows = []
    for id_ in seen:
        of = zoo.table["val_accuracy"].iloc[zoo.rows(split, id_)]
        rows.append(int((of - of.mean()).abs().idxmin()))
    wanted_N = torch.tensor(seen, device=zoo.parameters_NP.device)
    start_NE = model.encode(zoo.parameters_NP[rows])
    best_NE = optimise(model, zoo, images.first(measured), start_NE, wanted_N, steps, lr, seed, patience).best_NE
    where = f"one start per architecture, {split} instances, test images"
    figures, kept = {}, None
    for name, embeddings_NE in (("start", start_NE), ("accuracy", best_NE)):
        parameters_NP, ids_N = networks(model, embeddings_NE)
        found_N = accuracies_by_architecture(parameters_NP, ids_N, images.images["test"], images.labels["test"], zoo.archs)
        figures |= {f"lso_{name}_{zoo.archs[id_].id}": single(float(found), where, 1) for id_, found in zip(seen, found_N)}
        kept = (ids_N == wanted_N).tolist()
    return figures | {"lso_class_id_kept": metric(kept, where)}
