"""Classifiers: networks that answer images with classes; accuracy, and agreement with another network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ... import datasets
from ...archs import Architecture
from ...core.errors import InvalidValue
from ...nets.by_architecture import accuracies_by_architecture
from ..sizing import ZooFacts
from ..task import MIXED, Descent, SpaceObjective, Task, Yardstick
from . import auto, ending, live, lso_several, placing, yardsticks
from .config import MultiSpaceConfig, NetSpaceConfig
from .distilling import Distilling
from .lso import Classifying, teachers_of
from .lso_measuring import evaluate_lso
from .measuring import INVERSION_STEPS, evaluate
from .measuring_several import evaluate_several, networks
from .right import right_of
from .teaching import Teaching


class Images(Task):
    id = "images"
    paths = ("embedding", *MIXED)
    one, many = "classifier", "classifiers"
    quality, likeness, known_from = "accuracy", "agreement", 0.25
    quality_scale = "test accuracy"
    quality_column = "test_accuracy"
    best_column = "val_accuracy"
    objectives, objectives_of_several = ("distillation", "task", "answers"), ("distillation", "task")
    alone, default_objective = True, "distillation"
    inversion_steps = INVERSION_STEPS
    likeness_with = "the network itself, on test images"

    def check_target(self, config, dataset: str, several: bool, pixels: int = 0) -> bool:
        return bool(config.target) and (config.objective != "task" or several)

    def dataset_of(self, zoo) -> str | None:
        return zoo.dataset

    def check_space(self, config, zoo_config, zoo_id: str, archs: Sequence[Architecture]) -> None:
        super().check_space(config, zoo_config, zoo_id, archs)
        if not zoo_config.dataset:
            raise InvalidValue(f"{zoo_id} was imported without a data set, whose images a space learns from: import it with --dataset.")
        datasets.load(zoo_config.dataset).suited(*archs)
        if not config.SEVERAL:
            return enough_held_out(zoo_id, zoo_config.test)
        if len(config.train) != len(archs):
            raise InvalidValue(f"train gives {len(config.train)} numbers of instances, the zoo {zoo_id} has {len(archs)} architectures.")
        if short := [arch.id for arch, there, asked in zip(archs, zoo_config.train, config.train) if there < asked]:
            raise InvalidValue(f"The zoo {zoo_id} has fewer training instances of {', '.join(short)} than `train` asks for.")

    def zoo_counts(self, config) -> list[int]:
        return list(config.train) if config.SEVERAL else super().zoo_counts(config)

    def data(self, zoo, device: str) -> datasets.Images:
        if len(zoo.archs) == 1:
            enough_held_out(zoo.id, len(zoo.rows("test")))
        return datasets.load(zoo.dataset, device).suited(*zoo.archs).seen_by(zoo.preprocessing)

    def inputs(self, data: datasets.Images) -> tuple[int, int]:
        return len(data.labels["train"]), len(data.labels["val"])

    def variants(self, facts: ZooFacts) -> Mapping[str, dict]:
        return auto.variants(facts)

    def space_of(self, facts: ZooFacts, variant: str, steps: int, seed: int) -> NetSpaceConfig | MultiSpaceConfig:
        return auto.space_of(facts, variant, steps, seed)

    def properties(self, table) -> dict[str, Any]:
        """The generalisation gap: accuracy on training images over that on test images."""
        needed = ("train_accuracy", "test_accuracy")
        return {"generalisation_gap": table[needed[0]] - table[needed[1]]} if all(name in table for name in needed) else {}

    def briefly(self, config, images: int):
        return replace(config, brief=images)

    def brief_words(self, config) -> str:
        return ending.words(config.brief) if config.brief else ""

    def endings(self, config, zoo, data: datasets.Images) -> list[tuple[Any, int]]:
        return ending.endings(config, zoo, data)

    def one_pass(self, zoo, data: datasets.Images) -> int:
        return ending.one_pass(zoo, data)

    def yardsticks(self, space) -> list[Yardstick]:
        return yardsticks.measured(space)

    def data_if_available(self, zoo, device: str) -> datasets.Images | None:
        images = datasets.at_hand(zoo.dataset, device, zoo.archs)
        return images and images.seen_by(zoo.preprocessing)

    def objective(self, config, zoo, data: datasets.Images) -> SpaceObjective:
        return (Distilling if len(zoo.archs) == 1 else Teaching)(config, zoo, data)

    def measure(self, model, zoo, config, data: datasets.Images, seed: int = 0) -> dict:
        few, brief = config.measured, config.brief
        if model.head is not None:
            found = evaluate_several(model, zoo, data, config.train, "test", "test", seed, brief)
            return found if brief else found | lso_several.evaluate_lso(
                model, zoo, data, config.train, seed=seed, measured=few,
                steps=config.lso_steps, lr=config.lso_lr, patience=config.lso_patience,
            )  # fmt: skip
        held = [row for row, split in enumerate(zoo.table["split"]) if split == "test"]
        found = evaluate(model, zoo.parameters_NP[held], zoo.arch, data, "test", "test", seed, few, brief)
        return found if brief else found | evaluate_lso(model, zoo, config, data, seed)

    def columns(self, model, zoo, config, data: datasets.Images, embeddings_NE: Tensor) -> dict:
        predicted_NP, ids_N = networks(model, embeddings_NE)
        found: dict[str, Any] = {}
        if model.head is not None:
            found["predicted_class_id"] = ids_N.cpu().numpy()
            found["seen"] = [config.train[id_] > 0 for id_ in zoo.table["class_id"]]
        for split in datasets.SPLITS:
            shown = data.first(config.brief or (0 if split == "test" else config.measured))
            right_N = accuracies_by_architecture(predicted_NP, ids_N, shown.images[split], shown.labels[split], zoo.archs)
            found[f"predicted_{split}_accuracy"] = right_N.cpu().numpy()
        return found

    def descent(self, space, config, start_E: Tensor, target: Callable[[str], Any], cloud: Callable[[str], Tensor]) -> Descent:
        images, several = space.choosing_images(), space.model.head is not None
        if config.objective == "task" and not several:
            objective = Classifying(space.arch, images, None, 0.0, batch=config.batch, seed=config.seed)
            return Descent(objective, space.model.decode)
        if several and not config.target:
            teachers = teachers_of(space.zoo.teacher, space.zoo.teacher_P[None], images)
        else:
            teachers = target(config.target).teachers(images)
        if several:
            alpha = 0.0 if config.objective == "task" else config.alpha
            many = lso_several.ClassifyingMany(
                space.model, space.archs, images, teachers, alpha, config.batch, config.seed, config.temperature
            )
            wanted = lso_several.wanted(space, config.architecture, start_E)
            return Descent(many, many.decode, [lso_several.wanting(space.model, torch.tensor([wanted], device=start_E.device))])
        own = config.objective == "answers"
        objective = Classifying(space.arch, images, teachers, config.alpha, config.temperature, config.batch, config.seed, own=own)
        return Descent(objective, space.model.decode)

    def lso_figures(self, space, config, networks: Mapping[str, Any], target: Callable[[str], Any]) -> dict:
        return {"test": {name: right_of(space, each) for name, each in networks.items()}}

    def kept_metrics(self, space, config, network, result: dict) -> dict:
        found = {}
        for split in datasets.SPLITS:
            measured = right_of(space, network, split)
            found[f"{split}_accuracy"] = {"value": measured["value"], "split": f"{split} images", "n": measured["n"]}
        before = result["test"]["before"]
        found["start_test_accuracy"] = {"value": before["value"], "split": "test images", "n": before["n"]}
        if config.objective == "answers":
            count = len(space.choosing_images().labels["val"])
            after = result["validation"]["after"]
            found["target_agreement"] = {"value": after, "split": "val images, with the target network", "n": count}
        return found

    def kept_row(self, metrics: Mapping[str, Any]) -> dict[str, float]:
        of = {split: metrics.get(f"{split}_accuracy", {}).get("value", math.nan) for split in datasets.SPLITS}
        given = {f"{split}_accuracy": value for split, value in of.items()}
        return given | {f"predicted_{name}": metrics.get(f"predicted_{name}", {}).get("value", value) for name, value in given.items()}

    def own(self, space, unseen: placing.Unseen) -> tuple[Architecture, Tensor] | None:
        return placing.own(space, unseen)

    def placed_figures(self, space, unseen: placing.Unseen, network) -> dict[str, float]:
        labels_B = space.needed_images().labels["test"]
        own = float((unseen.logits("test").argmax(-1) == labels_B).float().mean())
        placed = right_of(space, network)["value"]
        return {"accuracy": own, "placed_accuracy": placed, "gap": abs(own - placed), "n": len(labels_B)}

    def placed_metrics(self, space, unseen: placing.Unseen, kept, network) -> dict:
        found = {}
        for name, each in {"": kept, "predicted_": network}.items():
            for split in datasets.SPLITS:
                right = right_of(space, each, split)
                found[f"{name}{split}_accuracy"] = {"value": right["value"], "split": f"{split} images", "n": right["n"]}
        return found

    def known(self, space, rows) -> Tensor:
        return placing.known_of(space, rows)

    def unseen(self, space, arch, parameters_P: Tensor) -> placing.Unseen:
        return placing.of_parameters(space, arch, parameters_P)

    def unseen_tensors(self, space, tensors: Mapping[str, Any], name: str) -> placing.Unseen:
        return placing.of_tensors(space, tensors, name)

    def read_unseen(self, space, path: Path, **reading: Any) -> placing.Unseen:
        return placing.read(space, path)

    def nearest(self, space, unseen: placing.Unseen) -> int:
        return placing.nearest(space, unseen)

    def encode(self, space, unseen: placing.Unseen) -> Tensor | None:
        return placing.encode(space, unseen)

    def invert(self, space, unseen: placing.Unseen, encoded_E: Tensor | None, row: int, steps: int) -> Tensor:
        return placing.invert(space, unseen, space.embeddings_NE[row] if encoded_E is None else encoded_E, steps)

    def compare(self, space, networks: Sequence[Any], unseen: placing.Unseen) -> list[float]:
        return placing.agreements(space, networks, unseen)

    def live(self, host, found, question: Mapping[str, Any]) -> tuple[dict, dict[str, Any]]:
        return live.answer(host, found, question)

    def between(self, host, found: Sequence[Any], ends: Mapping[str, Any], question: Mapping[str, Any]) -> tuple[dict, list[dict]]:
        return live.between(host, found, question)

    def film(self, host, space, walk) -> Any:
        from .film import Film

        return Film(host, space, walk)

    def exported(self, host, found) -> dict:
        return live.exported(host, found)


def enough_held_out(zoo_id: str, count: int) -> None:
    """Raises InvalidValue where a zoo holds out so few that there is no path between two."""
    if count < 2:
        raise InvalidValue(
            f"{zoo_id} has {count} test instance, and a space is measured by paths between two. "
            "Make the zoo with --test 2 or more."
        )


TASK = Images()
