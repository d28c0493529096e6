"""The presets at the papers' size, each held against the paper's sentence; and no run stands for two rows of an entry."""

from __future__ import annotations

from collections import Counter

import pytest

from engine import presets
from engine.papers.counted import counted
from engine.papers.entries import entries, entry

CIFAR, TINY = 40_000, 80_000  # training images once validation is taken off (NetSpace, Suppl. IV)
SENTENCES = [  # preset, what the paper says of it, the fields that say so
    ("nern-cifar10-resnet20-160", "NeRN 4.1: ~70k iterations, a task input batch size of 256, a batch of 2^12 reconstructed weights",
     {"steps": 70_000, "images": 256, "batch": 2**12, "lr": 5e-3, "levels": 40, "sampling": "weighted"}),
    ("nern-cifar10-resnet56-280", "NeRN 4.1", {"steps": 70_000, "images": 256, "batch": 2**12}),
    ("nern-cifar100-resnet56-320", "NeRN 4.2: ~90k iterations", {"steps": 90_000, "images": 256, "batch": 2**12}),
    ("nern-imagenet-resnet18-1256", "NeRN 4.3: 160k iterations, batches of 32 and of 2^16",
     {"steps": 160_000, "images": 32, "batch": 2**16, "permutation": "cross-filter"}),
    ("nern-imagenet-squeezenet-360", "NeRN, table 13: in-filter", {"steps": 160_000, "permutation": "in-filter"}),
    ("zoo-cifar10-resnet8", "Suppl. IV: Adam, constant 0.0001, 1 to 600 epochs, batch 128, 100/16/16 instances, standard augmentation",
     {"optimiser": "adam", "lr": 1e-4, "decays": (), "batch": 128, "train": 100, "val": 16, "test": 16, "augment": 4,
      "steps_min": CIFAR // 128, "steps_max": 600 * (CIFAR // 128)}),
    ("zoo-tinyimagenet-resnet8", "the same on Tiny-ImageNet",
     {"lr": 1e-4, "augment": 4, "steps_min": TINY // 128, "steps_max": 600 * (TINY // 128)}),
    ("netspace-cifar10-resnet8", "Suppl. IV: Adam 0.0001, 8 instances a step, T 4, batch 128",
     {"lr": 1e-4, "networks": 8, "temperature": 4.0, "images": 128, "embedding": 4096, "augment": 4}),
    ("netspace-tinyimagenet-resnet8", "Suppl. IV: standard augmentation; LSO at 0.0001 until nothing improves, taught by a ResNet56 (IV)",
     {"augment": 4, "lso_teacher": "network-tinyimagenet-resnet56", "lso_lr": 1e-4, "lso_patience": 100}),
    *[
        (f"zoo-{data}-multi", "Suppl. IV: SGD, 300 epochs, momentum 0.9, weight decay 5e-4, 0.05 decayed by 0.1 at epochs 150, 180, 210; "
                              "teacher ResNet56",
         {"optimiser": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 5e-4, "decays": (150 / 300, 180 / 300, 210 / 300), "augment": 4,
          "shortest": 1.0, "steps": (300 * (images // 128),) * 4, "teacher": f"resnet56-{data}", "teacher_steps": 300 * (images // 128)})
        for data, images in (("cifar10", CIFAR), ("tinyimagenet", TINY))
    ],
    ("netspace-cifar10-multi", "IV: 60, 50, 60 and 100 instances, alpha 0.9; Suppl. IV: 2 a step, T 4",
     {"train": (60, 50, 60, 100), "alpha": 0.9, "networks": 2, "temperature": 4.0, "lr": 1e-4, "lso_lr": 1e-4, "lso_patience": 100,
      "augment": 4}),
    ("netspace-tinyimagenet-unseen", "IV: 40 LeNetLike and 80 ResNet32", {"train": (40, 0, 0, 80)}),
    ("zoo-chairs-paper", "Suppl. V: 1 000 MLPs, 10 000 steps of 20 000 points, Adam 1e-4 times 0.9 every 1 000 steps",
     {"train": 1000, "steps": 10_000, "batch": 20_000, "lr": 1e-4}),
]  # fmt: skip


@pytest.mark.parametrize("preset, says, fields", SENTENCES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_preset_of_the_papers_size_is_the_papers(preset, says, fields):
    config = presets.config(preset)
    assert {name: getattr(config, name) for name in fields} == fields, says


def test_instances_of_the_zoos_of_several_are_trained_for_300_epochs_each():
    """Every part and the teacher, whatever `shortest` says of lengths in between."""
    for part in presets.config("zoo-cifar10-multi").parts():
        assert part.steps_min == part.steps_max == 300 * (CIFAR // 128)
        assert (part.optimiser, part.lr, part.weight_decay, len(part.decays), part.augment) == ("sgd", 0.05, 5e-4, 3, 4)


def test_no_run_stands_for_two_rows_of_an_entry():
    for each in entries().values():
        found = Counter(
            (str(source), source.metrics.get(name, each.measures[name].metric), name)
            for row in each.rows
            for source in filter(None, (row.ours, *row.reduced))
            for name in row.cells
            if not each.measures[name].counted
        )
        assert [key for key, count in found.items() if count > 1] == [], each.id


def test_table_9_counts_what_the_paper_counts():
    """To the digits that it prints; with the shortcuts' 1x1 kernels it would not (control)."""
    for row in entry("nern-table-9").rows:
        sizes = counted(row.ours)
        for kind, cell in (("in-filter_bytes", row.cells["inf"]), ("cross-filter_bytes", row.cells["cross"])):
            assert f"{sizes[kind] / 2**20:.3f}" == f"{cell.paper:.3f}", (row.id, kind)
    from engine.papers.counted import of_architecture

    assert f"{of_architecture('resnet56-cifar10', ())['cross-filter_bytes'] / 2**20:.3f}" != "0.128"


def test_the_best_five_are_counted_for_many_classes():
    import torch

    from engine.kinds.nern.evaluate import top5

    logits_BK = torch.arange(10.0).expand(4, -1)  # ranks 9, 8, 7, 6, 5 first
    assert top5(logits_BK, torch.tensor([9, 5, 4, 0])) == 0.5


def test_almost_linear_is_never_judged_by_ranks():
    """Spearman calls any rising curve linear."""
    judged = {
        each.measures[name].metric
        for each in entries().values() for row in each.rows for name, cell in row.cells.items() if "linear" in cell.says
    }  # fmt: skip
    assert judged == {"path_linearity_gap"}
