"""Originals from elsewhere: a checkpoint's file, an instance of a zoo, a network of a space."""

from __future__ import annotations

from pathlib import Path

import torch

from ... import datasets, kinds
from ...archs import variant
from ...core.artifacts import Artifact, Store, manifest_hash
from ...core.clocks import Took, stopwatch
from ...core.provenance import provenance
from ...core.slugs import slug
from ...datasets.known import images_for
from ...datasets.preprocessing import Preprocessing, parse
from ...nets.fitting import fit
from ...nets.measuring import STATED_GAP, TRIED, fraction, likely
from ...nets.networks import trained_on
from ...nets.reading import read_checkpoint
from .evaluate import share
from .networks import write_network
from .original import Original, logits, of_module


def import_network(
    store: Store, path: Path, arch_id: str | None, id_: str | None, dataset: str | None, device: str, replacing: bool = False,
    weights: str = "", name: str = "", normalise: str | None = None, stated: float | None = None,
) -> Artifact:  # fmt: skip
    """A checkpoint file as a `network` artifact: of the architecture whose names and shapes it has, where none is named. `weights`:
    "raw", "ema" or what they are called, where the file has several; `name`: what the file is called, where that is not its own;
    `normalise`: what its input is, as `datasets.preprocessing.parse` reads it, where that is not as the data set's own images are;
    `stated`: the accuracy that its owner measured, where the file does not say it or says another. Raises what reading and checking
    it raise; nothing is written then."""
    took, name = stopwatch(), name or path.name
    if id_:
        store.check_new(id_, replacing)
    checkpoint = read_checkpoint(path, name)
    stated = checkpoint.accuracy if stated is None else stated
    fitted = fit(checkpoint, arch_id, weights)
    arch, images = fitted.arch, None
    if dataset:
        arch, images = images_for(dataset, arch, device, None if arch_id else lambda arch, side: variant(arch, side=side))
    id_ = id_ or f"network-{arch.id}"
    store.check_new(id_, replacing)
    preprocessing = parse(normalise, arch.input_shape[0]) if normalise else None
    seen, module = images and images.seen_by(preprocessing), fitted.module.to(device)
    config = {"architecture": arch.id, "dataset": dataset, "source": name, "note": fitted.note}
    if stated is not None:
        config["stated_accuracy"] = fraction(stated)
        if seen and (found := likely_of(of_module(id_, module, dataset, arch.id, needed=False), seen, fraction(stated))):
            config["likely_preprocessing"] = str(found)
    options = {"--architecture": arch.id, "--id": id_, "--dataset": dataset, "--weights": weights, "--normalise": normalise}
    arguments = ["import", name, *(word for option, value in options.items() if value for word in (option, value))]
    made = provenance(took(), device, arguments)
    return write_network(
        store,
        id_,
        f"{arch.family} from {name}",
        "import",
        config,
        module,
        seen,
        made,
        replace=replacing,
        new=True,
        preprocessing=preprocessing,
    )


def likely_of(original: Original, images: datasets.Images, stated: float) -> Preprocessing | None:
    """The normalisation with which an original would be as good as stated, where it is not with that of `images`."""

    def accuracy(images_BCHW, labels_B) -> float:
        return share(logits(original.network, original.weights, images_BCHW).argmax(-1) == labels_B)

    some = images.first(TRIED)
    if abs(accuracy(some.images["val"], some.labels["val"]) - stated) <= STATED_GAP:
        return None
    return likely(accuracy, images, stated)


def send(
    store: Store, source_id: str, a: str, b: str | None, gamma: float, path: str, id_: str | None, device: str, replacing: bool = False
) -> Artifact:
    """A zoo's instance `a`, or the network at `gamma` between the instances `a` and `b` of a space (`path`: "embedding" decodes,
    "weights" mixes), as a `network` artifact: an original. Raises UnknownId, InvalidValue (a network without convolutions)."""
    source = store.open(source_id)
    arch, parameters_P, words = kinds.kind_of(source.manifest.kind).network(store, source_id, a, b, gamma, path, device)
    dataset, recorded = trained_on(store, source.manifest)
    preprocessing = recorded or datasets.preprocessing_of(dataset)
    images = datasets.at_hand(dataset, device)
    id_ = slug(id_) or f"network-{words}"[:100]
    store.check_new(id_, replacing)
    module = arch.build().to(device).eval()
    torch.nn.utils.vector_to_parameters(parameters_P, module.parameters())
    config = {"architecture": arch.id, "dataset": dataset, "source": source_id, "a": a, "b": b, "gamma": gamma, "path": path}
    inputs = {source_id: {"sha256": manifest_hash(source)}}
    made = provenance(Took(), device, ["send", source_id, a, *([b] if b else []), "--gamma", f"{gamma:g}", "--path", path, "--name", id_])
    seen = images and images.seen_by(preprocessing)
    return write_network(
        store, id_, f"{arch.family} {words}", "sent", config, module, seen, made, inputs, replacing, new=True, preprocessing=preprocessing
    )

