"""What a space of several architectures of classifiers is trained on: a teacher, and what lies between architectures (paper, III, eq. 3 to
12).

Legend: N instances, P parameters (of the largest architecture), A architectures, E embedding, B images, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ...core.errors import InvalidValue
from ...datasets import Images
from ...datasets.pixels import augmented
from ...nets.by_architecture import accuracies_by_architecture, logits_by_architecture
from ...nets.stacked import logits, logits_one
from .config import MultiSpaceConfig
from .losses import distillation


def gammas(architectures: int) -> list[float]:
    """Eq. 12: i / (A - 1) for i in 1 .. A - 2, where the architectures between the boundaries are asked for."""
    return [i / (architectures - 1) for i in range(1, architectures - 1)]


def knowledge_distillation(predicted_NBK: Tensor, teacher_BK: Tensor, labels_B: Tensor, alpha: float, temperature: float) -> Tensor:
    """Eq. 3 to 5 (and 8 to 10) of each instance [N]: alpha KL to the teacher T^2 + (1 - alpha) cross entropy with the labels."""
    teaching_N = distillation(predicted_NBK, teacher_BK.expand_as(predicted_NBK), temperature)
    labels_NB = labels_B.expand(predicted_NBK.shape[:2])
    task_N = F.cross_entropy(predicted_NBK.transpose(1, 2), labels_NB, reduction="none").mean(-1)
    return alpha * teaching_N + (1 - alpha) * task_N


def boundary_pairs(class_ids_N: Tensor, architectures: int) -> tuple[Tensor, Tensor]:
    """Row numbers of all (smallest, largest) pairs of instances."""
    smallest, largest = (class_ids_N == 0).nonzero()[:, 0], (class_ids_N == architectures - 1).nonzero()[:, 0]
    pairs = torch.cartesian_prod(smallest, largest).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


class Teaching:
    """The teacher's answers are computed once; the model of the best look at validation is kept."""

    chooses = True

    def __init__(self, config: MultiSpaceConfig, zoo, images: Images):
        if len(config.train) != len(zoo.archs):
            raise InvalidValue(
                f"train gives {len(config.train)} numbers of instances, the zoo {zoo.id} has {len(zoo.archs)} architectures."
            )
        self.config, self.zoo, self.archs = config, zoo, zoo.archs
        self.rows = [zoo.rows("train", id_)[:count] for id_, count in enumerate(config.train)]
        short = [arch.id for arch, rows, count in zip(zoo.archs, self.rows, config.train) if len(rows) < count]
        if short:
            raise InvalidValue(f"The zoo {zoo.id} has fewer training instances of {', '.join(short)} than `train` asks for.")
        self.shown = [row for rows in self.rows for row in rows]
        self.shown_N = torch.tensor(self.shown)
        self.all_class_ids_N = torch.tensor(zoo.table["class_id"].to_numpy(), device=zoo.parameters_NP.device)
        self.class_ids_N = self.all_class_ids_N[self.shown_N]
        self.chosen_by = [row for id_, rows in enumerate(self.rows) if rows for row in zoo.rows("val", id_)]
        self.images_BCHW, self.labels_B = images.images["train"], images.labels["train"]
        looked_at = images.first(config.measured)
        self.val_images_BCHW, self.val_labels_B = looked_at.images["val"], looked_at.labels["val"]
        self.val_N = torch.tensor(self.chosen_by)
        self.means_A = self.zoo_means("val")

    def begin(self, space) -> None:
        """What is known before the first step: the teacher's answers."""
        with torch.no_grad():
            self.teacher_BK = logits(self.zoo.teacher_P[None], self.images_BCHW, self.zoo.teacher)[0]

    def zoo_means(self, split: str) -> list[float]:
        """Mean accuracy of each architecture's instances of a split, on the images of that split."""
        column = self.zoo.table[f"{split}_accuracy"]
        return [float(column.iloc[self.zoo.rows(split, id_)].mean()) for id_ in range(len(self.archs))]

    def instances(self, random: torch.Generator) -> Tensor:
        """Rows of the instances of one step."""
        groups = [torch.tensor(rows) for rows in self.rows if rows] if self.config.stratified else [self.shown_N]
        return torch.cat([group[torch.randperm(len(group), generator=random)[: self.config.networks]] for group in groups])

    def draw(self, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Rows of the instances and of the images of a step."""
        rows_N = self.instances(random)
        return rows_N, torch.randperm(len(self.images_BCHW), generator=random)[: self.config.images]

    def loss(self, space, rows_N: Tensor, picks_B: Tensor, random: torch.Generator | None = None) -> Tensor:
        """The paper's final loss: eq. 5 and 6 of each instance, and eq. 11 of each boundary pair at each gamma of eq. 12; all
        embeddings are decoded together, and all networks of one architecture called together."""
        parameters_NP = space.disturbed(self.zoo.parameters_NP[rows_N], random)
        wanted_N = self.all_class_ids_N[rows_N]
        with space.coarsely():
            embeddings_NE = space.model.encode(parameters_NP).float()
        if self.config.interpolation:
            a_N, b_N = boundary_pairs(wanted_N, len(self.archs))
            between = [torch.lerp(embeddings_NE[a_N], embeddings_NE[b_N], gamma) for gamma in gammas(len(self.archs))]
            embeddings_NE = torch.cat([embeddings_NE, *between])
            wanted_N = torch.cat([wanted_N, *(torch.full_like(a_N, id_) for id_ in range(1, len(self.archs) - 1))])
        class_logits_NA = space.model.class_logits(embeddings_NE)
        images_BCHW, teacher_BK = self.images_BCHW[picks_B], self.teacher_BK[picks_B]
        if (self.config.augment or self.config.shift) and random is not None:
            images_BCHW = self.disturbed(images_BCHW, random)
            with torch.no_grad():
                teacher_BK = logits_one(self.zoo.teacher_P, images_BCHW, self.zoo.teacher)
        with space.coarsely():
            decoded_NP = space.model.decode(embeddings_NE).float()
        predicted_NBK = logits_by_architecture(decoded_NP, class_logits_NA.argmax(-1), images_BCHW, self.archs)
        taught_N = knowledge_distillation(predicted_NBK, teacher_BK, self.labels_B[picks_B], self.config.alpha, self.config.temperature)
        return taught_N.sum() + F.cross_entropy(class_logits_NA, wanted_N, reduction="sum")

    def disturbed(self, images_BCHW: Tensor, random: torch.Generator) -> Tensor:
        """The images of a step, shifted and mirrored by `augment`, then some of them shifted by `shift`."""
        if self.config.augment:
            images_BCHW = augmented(images_BCHW, self.config.augment, random)
        if not self.config.shift:
            return images_BCHW
        count = round(self.config.shifted * len(images_BCHW))
        return torch.cat([augmented(images_BCHW[:count], self.config.shift, random, mirror=False), images_BCHW[count:]])

    @torch.no_grad()
    def validate(self, space) -> tuple[Tensor, dict[str, float]]:
        """On validation instances and images: `val_gap`, the mean accuracy gap between target and predicted networks (1 for one
        of another architecture); `val_between`, how far networks at the gammas of eq. 12 stay from the mean of their
        architecture (likewise). The score is their sum."""
        embeddings_NE, wanted_N = space.model.encode(self.zoo.parameters_NP[self.val_N]), self.all_class_ids_N[self.val_N]
        targets_N = torch.tensor(self.zoo.table["val_accuracy"].to_numpy()[self.val_N], device=wanted_N.device)
        gap = self.gaps(space, embeddings_NE, wanted_N, targets_N).mean()
        a_N, b_N = (wanted_N == 0).nonzero()[:, 0], (wanted_N == len(self.archs) - 1).nonzero()[:, 0]
        count = min(len(a_N), len(b_N))
        between = torch.zeros_like(gap)
        for id_, gamma in enumerate(gammas(len(self.archs)), start=1):
            points_NE = torch.lerp(embeddings_NE[a_N[:count]], embeddings_NE[b_N[:count]], gamma)
            between += self.gaps(space, points_NE, torch.full((count,), id_), torch.full((count,), self.means_A[id_])).mean() / max(
                1, len(self.archs) - 2
            )
        return gap + between, {"val_gap": float(gap), "val_between": float(between)}

    def gaps(self, space, embeddings_NE: Tensor, wanted_N: Tensor, accuracy_N: Tensor) -> Tensor:
        """|accuracy - wanted accuracy| [N] of decoded networks on the validation images; 1 where the ClassId is another."""
        ids_N = space.model.class_logits(embeddings_NE).argmax(-1)
        right_N = accuracies_by_architecture(space.model.decode(embeddings_NE), ids_N, self.val_images_BCHW, self.val_labels_B, self.archs)
        return torch.where(ids_N == wanted_N.to(ids_N.device), (right_N - accuracy_N.to(right_N)).abs(), torch.ones_like(right_N))
