"""A zoo of a few instances and a space of them, written as real artifacts in a second: for tests that need something whole
(and something to break). The instances are trained a little; the space is not trained, its networks are those of the first
instance, disturbed by the embedding, so that they answer differently along a path."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from engine import datasets
from engine.archs import architecture
from engine.core.artifacts import Store, manifest_hash, manifest_of
from engine.kinds.netspace.model import build
from engine.nets.answers import accuracies
from engine.nets.prep import pack, width_for
from engine.tasks.images.config import NetSpaceConfig, ZooConfig
from engine.tasks.images.zoo import table_of
from engine.tasks.images.zoo_training import ZooTraining

ZOO, SPACE = "zoo-tiny", "netspace-tiny"


def write_tiny(store: Store, arch_id: str = "lenetlike-digits", zoo: str = ZOO, space: str = SPACE, dataset: str = "digits") -> None:
    """Five instances of a few training steps each, and a small space that starts near them, in the store's workspace."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so little work is not worth a second core, and on a busy machine waits for it
    try:
        write(store, arch_id, zoo, space, dataset)
    finally:
        torch.set_num_threads(threads)


def write(store: Store, arch_id: str, zoo: str, space: str, dataset: str) -> None:
    config = ZooConfig(arch_id, dataset, train=3, val=1, test=1, steps_min=2, steps_max=60, lr=3e-3)
    images = datasets.load(dataset)
    training = ZooTraining(config, images)
    for index in range(training.total):
        training.step(index)
    parameters_NP = training.instances()
    table = table_of(config, parameters_NP, images)
    arrays = {"parameters.safetensors": {"parameters": parameters_NP.numpy().astype(np.float16)}}
    made = store.write(
        manifest_of(config, zoo, "Tiny zoo", zoo), arrays, {"instances.parquet": table}, store.workspace, replace=True
    )

    arch = architecture(arch_id)
    small = NetSpaceConfig(
        zoo,
        prep_width=width_for(arch.parameters, 8),
        embedding=64,
        encoder_width=8,
        decoder_channels=(16, 64, 16),
        normalise="zoo",
        start="zoo",
    )
    model = build(small, (arch,), parameters_NP).eval()
    embeddings_NE = 5 * torch.randn(len(parameters_NP), 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.decoder.bias_HW.copy_(pack(parameters_NP[:1], small.prep_height, small.prep_width)[0])
        predicted_NP = model.decode(embeddings_NE)
    table["predicted_test_accuracy"] = accuracies(predicted_NP, images.images["test"], images.labels["test"], arch).numpy()
    for column in ("x2", "y2", "x3", "y3", "z3"):
        table[column] = np.random.default_rng(0).normal(size=len(table)).astype("float32")
    arrays = {
        "model.safetensors": {name: tensor.numpy() for name, tensor in model.state_dict().items()},
        "embeddings.safetensors": {"embeddings": embeddings_NE.numpy()},
    }
    inputs = {zoo: {"sha256": manifest_hash(made)}}
    store.write(
        manifest_of(small, space, "Tiny space", space, inputs=inputs),
        arrays,
        {"instances.parquet": table},
        store.workspace,
        replace=True,
    )


def tamper(folder: Path, name: str, change, honest: bool = False) -> None:
    """Put `change(bytes)` in a file's place; `honest`: the manifest's hash and size follow, as if it had been written so."""
    path = folder / name
    data = change(path.read_bytes())
    path.write_bytes(data)
    if honest:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        (folder / "manifest.json").write_text(json.dumps(manifest))


def edit_manifest(folder: Path, **fields) -> None:
    """Overwrite fields of a manifest."""
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
