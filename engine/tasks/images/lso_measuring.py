"""How far latent space optimisation gets in a space of classifiers: from poor held-out instances, by distillation (eq. 5).

Legend: N instances, P parameters, E embedding.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...core.config import require
from ...core.metrics import mean as metric
from ...core.metrics import single
from ...learn.config import LsoConfig
from ...learn.lso import Lso, descend
from ...nets.answers import accuracies
from .lso import Classifying, teachers_of
from .measuring import counted

STARTS, POOR = 16, 0.4
BATCH, VALIDATE_EVERY = 64, 10
DEFAULT = LsoConfig(space="", a="-")


def evaluate_lso(model, zoo, config, images, seed: int = 0) -> dict:
    """`lso_*`: STARTS test instances whose decoded networks are below POOR on validation images (evenly spaced by rank; the
    lowest where there are fewer) descend the config's `lso_steps` towards the zoo's teacher or, where it has none, the best training
    instance, which is chosen on validation too. The best step is chosen on validation; accuracies are those of the test images. Of both
    the first `measured` (0 for all). Raises InvalidValue where the config names a teacher that is not at hand."""
    require(zoo.teacher or not config.lso_teacher, f"{config.lso_teacher} is not available, which teaches the optimisation: import it.")
    parameters_NP, table, arch = zoo.parameters_NP, zoo.table, zoo.arch
    where = f"test instances, {counted(images, 'test', config.measured)}"
    images = images.first(config.measured)
    with torch.no_grad():
        embeddings_NE = torch.cat([model.encode(part) for part in parameters_NP.split(256)])
    train_N, test_N = (np.flatnonzero(table["split"] == split) for split in ("train", "test"))

    def accuracy(embeddings_ME: Tensor, split: str) -> np.ndarray:
        with torch.no_grad():
            return accuracies(model.decode(embeddings_ME), images.images[split], images.labels[split], arch).cpu().numpy()

    val_N = accuracy(embeddings_NE[test_N], "val")
    order = test_N[np.argsort(val_N, kind="stable")]
    poor = order[: max(STARTS, int((val_N < POOR).sum()))]
    start_NE = embeddings_NE[poor[np.linspace(0, len(poor) - 1, min(STARTS, len(poor))).round().astype(int)]]
    best = train_N[np.argmax(table["val_accuracy"].to_numpy()[train_N])]
    taught_by = (zoo.teacher, zoo.teacher_P[None]) if zoo.teacher else (arch, parameters_NP[[best]])
    teachers = teachers_of(*taught_by, images)
    objective = Classifying(arch, images, teachers, DEFAULT.alpha, DEFAULT.temperature, BATCH, seed)
    rate = config.lso_lr or DEFAULT.lr * float(embeddings_NE[train_N].std())
    lso = descend(Lso(model.decode, start_NE, objective, config.lso_steps, rate, VALIDATE_EVERY), config.lso_patience)
    before_N, after_N = accuracy(start_NE, "test"), accuracy(lso.best_NE, "test")
    gain_N = after_N - before_N
    return {
        "lso_start_mean": metric(before_N, where),
        "lso_accuracy_mean": metric(after_N, f"{where}, {steps_say(config.lso_steps, config.lso_patience)}"),
        "lso_worst_gain": single(float(gain_N.min()), where, len(gain_N)),
    }


def steps_say(steps: int, patience: int) -> str:
    """'200 steps', 'until nothing improved, 10000 steps at most'."""
    return f"until nothing improved, {steps} steps at most" if patience else f"{steps} steps"
