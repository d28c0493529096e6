"""What measuring a space of classifiers takes at its end, in passes of a network over an image, and how it can be less: on the first images
alone (`brief`). A pass with its gradient counts for three, one whose layers' statistics are taken for five.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from ...datasets.images import Images, first
from ...nets.alignment import ASKED, WAYS
from ...nets.answers import classes
from .lso import INVERSION_IMAGES
from .lso_measuring import BATCH, STARTS, VALIDATE_EVERY
from .measuring import FEW_PAIRS, GAMMAS, INVERSION_STEPS, PAIRS
from .measuring_several import LINES, WITHIN

BRIEF = (2000, 1000, 500, 250)  # images, fewer and fewer
GRADIENT, STATISTICS = 3, 5
TIMED = 256  # images of a pass that is timed


def words(brief: int) -> str:
    """On what is measured, and without what."""
    return f"on the first {brief:,} images only, without inversion, optimisation and REPAIR"


def endings(config: Any, zoo: Any, data: Images) -> list[tuple[Any, int]]:
    """(config, passes), all of it first."""
    fewest = min(len(labels_B) for labels_B in data.labels.values())
    briefs = [count for count in BRIEF if count < fewest]
    count = of_several if len(zoo.archs) > 1 else of_one
    return [(each, count(each, zoo, data)) for each in (config, *(replace(config, brief=few) for few in briefs))]


def of_one(config: Any, zoo: Any, data: Images) -> int:
    """Passes of `measuring.evaluate`, `lso_measuring`, the table's columns and the yardsticks."""
    held, trained, most = len(zoo.rows("test")), len(zoo.rows("train")), FEW_PAIRS if config.brief else PAIRS
    shown, few = data.first(config.brief), data.first(config.measured)
    test, looked = len(shown.labels["test"]), len(few.labels["test"])
    lines = min(most, held * (held - 1) // 2) * len(GAMMAS)
    passes = 2 * held * test + rest(config, zoo, data)
    if config.brief:
        return passes + 6 * lines * test + trained * test
    inverted = held * (test + GRADIENT * INVERSION_STEPS * min(INVERSION_IMAGES, len(few.labels["train"])))
    repaired = STATISTICS * repairing(lines // len(GAMMAS), data)
    return passes + inverted + (5 + len(WAYS)) * lines * looked + repaired + optimised(config, held, few)


def of_several(config: Any, zoo: Any, data: Images) -> int:
    """The same of `measuring_several.evaluate_several` and `lso_several`."""
    held, trained, count = len(zoo.rows("test")), len(zoo.rows("train")), len(zoo.archs)
    shown, few = data.first(config.brief), data.first(config.measured)
    test = len(shown.labels["test"])
    pairs, ways = count * WITHIN, 1 if config.brief else len(WAYS)
    within, between = (2 + ways) * pairs * len(GAMMAS), LINES * max(0, count - 2)
    passes = (held + within + between) * test + rest(config, zoo, data)
    if config.brief:
        return passes + (len(zoo.table) + trained) * test
    return passes + STATISTICS * repairing(pairs, data) + optimised(config, count, few)


def rest(config: Any, zoo: Any, data: Images) -> int:
    """Of the table's columns and the yardsticks."""
    held, trained = len(zoo.rows("test")), len(zoo.rows("train"))
    splits = {split: data.first(config.brief or (0 if split == "test" else config.measured)) for split in data.labels}
    columns = len(zoo.table) * sum(len(each.labels[split]) for split, each in splits.items())
    choosing = len(data.first(config.measured).labels["val"])
    return columns + (2 * held + len(zoo.archs)) * len(splits["test"].labels["test"]) + (held + trained) * choosing


def repairing(pairs: int, data: Images) -> int:
    """Images that networks answer while their layers' statistics are taken, for aligned paths between so many pairs: those of both ends
    once by weights and once by activations, and those of each mixture between them that REPAIR puts right."""
    asked, repaired = min(ASKED, len(data.labels["train"])), sum(way.repaired for way in WAYS.values())
    return pairs * asked * (2 * len({way.activations for way in WAYS.values()}) + repaired * (len(GAMMAS) - 2))


def optimised(config: Any, held: int, few: Images) -> int:
    """Of the optimisations from poor starts."""
    starts, looks = min(STARTS, held), config.lso_steps // VALIDATE_EVERY + 2
    return (held + starts * looks) * len(few.labels["val"]) + GRADIENT * starts * config.lso_steps * BATCH


@torch.no_grad()
def one_pass(zoo: Any, data: Images) -> int:
    """The passes of the first network of the largest architecture over some images."""
    arch, row = zoo.arch, len(zoo.parameters_NP) - 1
    images_BCHW = first(data.images["train"], TIMED)
    classes(zoo.parameters_NP[row : row + 1, : arch.parameters], images_BCHW, arch)
    return len(images_BCHW)
