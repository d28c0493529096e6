"""`network` artifacts of classifiers: written, and measured."""

from __future__ import annotations

import torch

from ... import datasets
from ...core.artifacts import Artifact, Manifest, Store, manifest_hash
from ...core.metrics import single
from ...datasets.preprocessing import Preprocessing
from ...nets.networks import FILE, recording
from .config import NetworkConfig
from .evaluate import share
from .original import Original, logits, of_module


def write_network(
    store: Store,
    id_: str,
    title: str,
    preset: str,
    config: dict,
    module: torch.nn.Module,
    images: datasets.Images | None,
    made: dict,
    inputs: dict | None = None,
    replace: bool = False,
    new: bool = False,
    preprocessing: Preprocessing | None = None,
) -> Artifact:
    """A `network` artifact of a module in evaluation mode; `config` holds at least its `architecture` and `dataset`, `made` is its
    provenance. `images` are as the network wants them; `preprocessing` says how, where there are none."""
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in module.state_dict().items()}
    original = of_module(id_, module, config.get("dataset"), config["architecture"], title, needed=False)
    _ = original.network  # checks that it answers as it was given
    made = recording(made, images.preprocessing if images else preprocessing)
    metrics = network_metrics(original, images)
    inputs = (inputs or {}) | added(store, config["architecture"])
    manifest = Manifest(id_, "network", title, "", preset, config, inputs, metrics, made, task=NetworkConfig.TASK)
    return store.write(manifest, {FILE: arrays}, replace=replace, new=new)


def added(store: Store, arch_id: str) -> dict:
    """What a manifest says of the architecture that it was made from, where that is an artifact."""
    here = store.has(arch_id) and (found := store.open(arch_id)).manifest.kind == "architecture"
    return {arch_id: {"sha256": manifest_hash(found)}} if here else {}


def network_metrics(original: Original, images: datasets.Images | None) -> dict:
    """Accuracy on each split."""
    if images is None:
        return {}
    found = {}
    for split in datasets.SPLITS:
        labels_B = images.labels[split]
        answers_B = logits(original.network, original.weights, images.images[split]).argmax(-1)
        found[f"{split}_accuracy"] = single(share(answers_B == labels_B), f"{split} images", len(labels_B))
    return found
