"""A few chairs as SIRENs and a space of them, written as real artifacts in a few seconds. The networks are fitted a little; the
space is not trained, its networks are those of the first chair, disturbed by the embedding, so that they differ along a path."""

from __future__ import annotations

import numpy as np
import torch

from engine.archs import architecture
from engine.core.artifacts import Store, manifest_hash, manifest_of
from engine.kinds.netspace.model import build
from engine.nets.prep import pack, width_for
from engine.tasks.distances.config import ShapeSpaceConfig, ShapeZooConfig
from engine.tasks.distances.networks import insides, ious, layers_of
from engine.tasks.distances.sources import source
from engine.tasks.distances.zoo import table_of
from engine.tasks.distances.zoo_training import ShapeZooTraining

ZOO, SPACE = "zoo-tiny-chairs", "netspace-tiny-chairs"


def write_tiny_shapes(store: Store, steps: int = 300) -> None:
    """Five chairs of `steps` steps each, and a small space that starts near the first, in the store's workspace."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        write(store, steps)
    finally:
        torch.set_num_threads(threads)


def write(store: Store, steps: int) -> None:
    config = ShapeZooConfig(
        "siren-small", train=3, val=1, test=1, steps=steps, batch=256, queries=4096, lr=3e-3, schedule="cosine", stack=8, half=False
    )
    chairs = source(config.dataset, config.instances, config.seed)
    training = ShapeZooTraining(config, chairs)
    for index in range(training.total):
        training.step(index)
    parameters_NP = training.instances()
    table = table_of(config, parameters_NP, chairs)
    arrays = {"parameters.safetensors": {"parameters": parameters_NP.numpy()}}
    made = store.write(manifest_of(config, ZOO, "Tiny chairs", ZOO), arrays, {"instances.parquet": table}, store.workspace)

    arch = architecture(config.architecture)
    sizes = {"embedding": 64, "encoder_width": 8, "decoder_channels": (16, 64, 16), "points": 256, "queries": 1024}
    small = ShapeSpaceConfig(ZOO, prep_width=width_for(arch.parameters, 8), normalise="zoo", start="zoo", scale=0.3, **sizes)
    model = build(small, (arch,), parameters_NP).eval()
    embeddings_NE = torch.randn(len(parameters_NP), 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.decoder.bias_HW.copy_(pack(parameters_NP[:1], small.prep_height, small.prep_width)[0])
        predicted_NP = model.decode(embeddings_NE)
    table["predicted_iou"] = ious(insides(layers_of(predicted_NP, arch)), insides(layers_of(parameters_NP, arch))).numpy()
    for column in ("x2", "y2", "x3", "y3", "z3"):
        table[column] = np.random.default_rng(0).normal(size=len(table)).astype("float32")
    arrays = {
        "model.safetensors": {name: tensor.numpy() for name, tensor in model.state_dict().items()},
        "embeddings.safetensors": {"embeddings": embeddings_NE.numpy()},
    }
    inputs = {ZOO: {"sha256": manifest_hash(made)}}
    store.write(
        manifest_of(small, SPACE, "Tiny chairs", SPACE, inputs=inputs), arrays, {"instances.parquet": table}, store.workspace
    )
