"""From a preset to an artifact: an original trained or imported, a NeRN trained and measured; and how they are read again."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from .. import datasets, presets
from ..archs import architecture, variant
from ..artifacts import Artifact, Manifest, Store, manifest_hash
from ..core.metrics import single
from ..core.slugs import slug
from ..datasets.known import images_for
from ..datasets.preprocessing import Preprocessing, parse
from ..errors import CorruptArtifact, InvalidValue, UnknownId, closest
from ..make import checkpoint_path, provenance, train_to_end
from ..naming import artifact_id, changes, name_of, said, train_arguments
from ..nets.fitting import fit
from ..nets.measuring import STATED_GAP, TRIED, fraction, likely
from ..nets.networks import FILE, read, recording, trained_on
from ..nets.reading import read_checkpoint
from ..netspace.model import answer_of
from ..netspace.network_evaluate import shape_metrics
from ..netspace.space import load_space, read_config
from ..targets import instance_of
from ..took import Took, stopwatch, times
from .config import NernConfig, NetworkConfig
from .evaluate import evaluate, share
from .nern import Nern, places
from .network_training import NetworkTraining
from .original import Original, load_original, logits, of_module
from .predictor import Predictor
from .training import CURVES, NernTraining

ORDERS, PREDICTOR, CURVES_FILE = "permutation.safetensors", "predictor.safetensors", "curves.parquet"


def make_any(store: Store, preset: str, config: NetworkConfig | NernConfig, device: str, progress, id_: str, replacing: bool = False) -> Artifact:
    """Make a network or a NeRN."""
    return (make_network if isinstance(config, NetworkConfig) else make_nern)(store, preset, config, device, progress, id_, replacing)


def arch_of(store: Store, config: NetworkConfig | NernConfig) -> str:
    """Id of the architecture of a network, or of a NeRN's original."""
    if isinstance(config, NetworkConfig):
        return config.architecture
    if store.has(config.original):
        return str(store.open(config.original, "network").manifest.config.get("architecture"))
    return preset_network(config.original).architecture


def preset_network(name: str) -> NetworkConfig:
    """The preset of an original that can be trained here. Raises UnknownId."""
    found = presets.config(name) if name in presets.presets() else None
    if not isinstance(found, NetworkConfig):
        raise UnknownId(f"There is no original {name[:100]!r}. Bring it here: python -m engine import FILE --architecture ARCHITECTURE --id {name[:100]}.")
    return found


def make_network(store: Store, preset: str, config: NetworkConfig, device: str, progress, id_: str, replacing: bool = False) -> Artifact:
    """Train a network and write it, in deployable form."""
    images = datasets.load(config.dataset, device).suited(architecture(config.architecture))
    trainee = NetworkTraining(config, images)
    outcome = train_to_end(trainee, checkpoint_path(store, id_), config, progress(id_, trainee.total))
    took = stopwatch(outcome.took)
    module = trainee.deployed()
    family = architecture(config.architecture).family
    artifact = write_network(store, id_, f"{family} on {images.title}", preset, asdict(config), module, images, provenance(took(), device, train_arguments(preset, config, id_)), replace=replacing)
    checkpoint_path(store, id_).unlink(missing_ok=True)
    return artifact


def write_network(store: Store, id_: str, title: str, preset: str, config: dict, module: torch.nn.Module, images: datasets.Images | None, made: dict, inputs: dict | None = None, replace: bool = False, new: bool = False, preprocessing: Preprocessing | None = None) -> Artifact:
    """A `network` artifact of a module in evaluation mode; `config` holds at least its `architecture` and `dataset`, `made` is its
    provenance. `images` are as the network wants them; `preprocessing` says how, where there are none."""
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in module.state_dict().items()}
    original = of_module(id_, module, config.get("dataset"), config["architecture"], title)
    original.network  # checks that it answers as it was given
    made = recording(made, images.preprocessing if images else preprocessing)
    manifest = Manifest(id_, "network", title, "", preset, config, inputs or {}, network_metrics(original, images), made)
    return store.write(manifest, {FILE: arrays}, replace=replace, new=new)


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


def original_of(store: Store, config: NernConfig, device: str, progress) -> Original:
    """The original that a config names: an artifact, or a preset that is trained first. Raises UnknownId."""
    if not store.has(config.original):
        make_network(store, config.original, preset_network(config.original), device, progress, config.original)
    return load_original(store, config.original, device, config.skip)


def make_nern(store: Store, preset: str, config: NernConfig, device: str, progress, id_: str, replacing: bool = False) -> Artifact:
    """Train a NeRN of its original and write it with its metrics and curves. Raises DataMissing where it is to be distilled on
    images that are not here."""
    original = original_of(store, config, device, progress)
    images = original.images(device)
    placed = places(config, original, device=device)
    first = first_of(store, config, device, progress, replacing)
    trainee = NernTraining(config, placed, images, first and first.predictor)
    inputs = [store.open(each.id) for each in (original, first) if each]
    outcome = train_to_end(trainee, checkpoint_path(store, id_), config, progress(id_, trainee.total), *inputs)
    took = stopwatch(outcome.took)
    trainee.predictor.load_state_dict(trainee.best)
    metrics = evaluate(Nern(id_, config, placed, trainee.predictor.eval().requires_grad_(False)), images)
    before = {name: each["value"] for name, each in store.open(first.id).manifest.metrics.items() if "value" in each} if first else asdict(Took())
    metrics |= times(took(), "training", before)
    made_from = {original.id: {"sha256": manifest_hash(inputs[0])}}
    title = f"NeRN of {original.title}, {config.permutation}, hidden {config.hidden}{'' if config.inputs == 'data' else f', inputs {config.inputs}'}"
    manifest = Manifest(id_, "nern", title, "", preset, asdict(config), made_from, metrics, provenance(took(), device, train_arguments(preset, config, id_)))
    arrays = {
        PREDICTOR: {name: tensor.cpu().numpy() for name, tensor in trainee.predictor.state_dict().items()},
        ORDERS: {layer.name: np.asarray(order_M, np.min_scalar_type(len(order_M) - 1)) for layer, order_M in zip(original.layers, placed.orders)},
    }
    artifact = store.write(manifest, arrays, {CURVES_FILE: curves_table(trainee.curves, store.open(first.id) if first else None)}, replace=replacing)
    checkpoint_path(store, id_).unlink(missing_ok=True)
    return artifact


FORM = ("original", "permutation", "hidden", "levels", "base", "kernel", "skip")  # what a NeRN and the one that it starts from share


def start_of(store: Store, config: NernConfig) -> tuple[str, NernConfig, bool]:
    """(id, config, whether it is made first) of the NeRN that a config starts from: a preset's that is not here yet, or only of an
    older version of the original, is made. Raises UnknownId, InvalidValue."""
    preset = config.start in presets.presets()
    id_ = artifact_id(config.start, config.seed) if preset else config.start
    if preset and (not store.has(id_) or store.outdated(id_)):
        first = presets.config(config.start)
        if not isinstance(first, NernConfig):
            raise InvalidValue(f"A NeRN starts from a NeRN, and {config.start} is none. Leave start empty, or name one.")
        return id_, replace(first, seed=config.seed), True
    return id_, read_config(store.open(id_, "nern"), (NernConfig,)), False


def check_start(config: NernConfig, id_: str, first: NernConfig) -> None:
    """Raises InvalidValue where a NeRN cannot go on from that one."""
    wrong = [name for name in FORM if getattr(config, name) != getattr(first, name)]
    if not wrong:
        return
    name, remedy = wrong[0], "leave start empty (--start '')."
    if config.start in presets.presets():
        fitting = replace(presets.config(config.start), **{name: getattr(config, name) for name in wrong})
        made = name_of(config.start, fitting)
        remedy = f"first make one ({said(['train', config.start, *changes(fitting, presets.config(config.start))])}) and go on from that (--start {made}), or {remedy}"
    raise InvalidValue(f"{id_} has {name} {getattr(first, name)!r}, not {getattr(config, name)!r}, and a NeRN starts from one of its own form: {remedy}")


def first_of(store: Store, config: NernConfig, device: str, progress, replacing: bool = False) -> Nern | None:
    """The NeRN that a config starts from, trained first where `start_of` says so; None where it names none. Raises InvalidValue
    where it does not fit, before it is trained."""
    if not config.start:
        return None
    id_, first, made_first = start_of(store, config)
    check_start(config, id_, first)
    if made_first:
        make_any(store, config.start, first, device, progress, id_, replacing)
    return load_nern(store, id_, device)


def curves_table(curves, before: Artifact | None = None):
    """The curves as a table: a row a look at validation, behind those of the NeRN that it went on from."""
    import pandas as pd

    table = pd.DataFrame(curves.numpy(), columns=list(CURVES)).astype({"step": int})
    if before is None:
        return table
    first = before.table(CURVES_FILE)
    return pd.concat([first, table.assign(step=table["step"] + first["step"].iloc[-1])], ignore_index=True)


def load_nern(store: Store, id_: str, device: str = "cpu") -> Nern:
    """A NeRN with its original from the artifacts. Raises UnknownId, CorruptArtifact, InvalidValue (no permutation)."""
    artifact = store.open(id_, "nern")
    config = read_config(artifact, (NernConfig,))
    if len(artifact.manifest.inputs) != 1:
        raise CorruptArtifact(f"{id_}: its manifest names {len(artifact.manifest.inputs)} originals where one is needed. Fetch or make it again.")
    original = load_original(store, next(iter(artifact.manifest.inputs)), device, config.skip)
    orders = artifact.arrays(ORDERS)
    if orders.keys() != {layer.name for layer in original.layers}:
        raise CorruptArtifact(f"{id_}: its permutations are of other layers than those of {original.id}. Fetch or make it again.")
    placed = places(config, original, [orders[layer.name] for layer in original.layers], device)
    predictor = Predictor(6 * config.levels, config.hidden, placed.kernel**2)
    arrays = artifact.arrays(PREDICTOR)
    if {name: array.shape for name, array in arrays.items()} != {name: tuple(tensor.shape) for name, tensor in predictor.state_dict().items()}:
        raise CorruptArtifact(f"{id_}: its predictor does not fit its config. Fetch or make it again.")
    predictor.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return Nern(id_, config, placed, predictor.to(device).eval().requires_grad_(False))


def reevaluate(store: Store, artifact: Artifact, device: str) -> dict:
    """The metrics of a network or a NeRN, measured again from its weights."""
    if artifact.manifest.kind == "network":
        net = read(store, artifact.id)
        if answer_of(net.arch) is not None:
            return shape_metrics(store, net)
        original = load_original(store, artifact.id, device)
        return network_metrics(original, original.images(device))
    nern = load_nern(store, artifact.id, device)
    return evaluate(nern, nern.original.images(device))


def import_network(
    store: Store, path: Path, arch_id: str | None, id_: str | None, dataset: str | None, device: str, replacing: bool = False, weights: str = "", name: str = "",
    normalise: str | None = None, stated: float | None = None,
) -> Artifact:  # fmt: skip
    """A checkpoint file as a `network` artifact: of the architecture whose names and shapes it has, where none is named. `weights`:
    "raw", "ema" or what they are called, where the file has several; `name`: what the file is called, where that is not its own;
    `normalise`: what its input is, as `datasets.preprocessing.parse` reads it, where that is not as the data set's own images are;
    `stated`: the accuracy that its owner measured, where the file does not say it or says another. Raises what reading and checking it raise; nothing is written then."""
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
        if seen and (found := likely_of(of_module(id_, module, dataset, arch.id), seen, fraction(stated))):
            config["likely_preprocessing"] = str(found)
    options = {"--architecture": arch.id, "--id": id_, "--dataset": dataset, "--weights": weights, "--normalise": normalise}
    arguments = ["import", name, *(word for option, value in options.items() if value for word in (option, value))]
    made = provenance(took(), device, arguments)
    return write_network(store, id_, f"{arch.family} from {name}", "import", config, module, seen, made, replace=replacing, new=True, preprocessing=preprocessing)


def likely_of(original: Original, images: datasets.Images, stated: float) -> Preprocessing | None:
    """The normalisation with which an original would be as good as stated, where it is not with that of `images`."""

    def accuracy(images_BCHW, labels_B) -> float:
        return share(logits(original.network, original.weights, images_BCHW).argmax(-1) == labels_B)

    some = images.first(TRIED)
    if abs(accuracy(some.images["val"], some.labels["val"]) - stated) <= STATED_GAP:
        return None
    return likely(accuracy, images, stated)


def send(store: Store, source_id: str, a: str, b: str | None, gamma: float, path: str, id_: str | None, device: str, replacing: bool = False) -> Artifact:
    """A zoo's instance `a`, or the network at `gamma` between the instances `a` and `b` of a space (`path`: "embedding" decodes,
    "weights" mixes), as a `network` artifact: an original. Raises UnknownId, InvalidValue (a network without convolutions)."""
    source = store.open(source_id)
    if source.manifest.kind == "zoo":
        arch, parameters_P = instance_of(store, source_id, a, device)
        words = a
    elif source.manifest.kind == "netspace":
        space = load_space(store, source_id, device)
        ends = (space.row(a), space.row(b or a))
        with torch.no_grad():
            found = space.network(*ends, gamma, path)
        parameters_P, arch, words = found.parameters_P, found.arch, f"{a}-{b or a}-{path[0]}{round(1000 * gamma):04d}"
    else:
        hint = "a NeRN takes it as it is" if source.manifest.kind == "network" else "send an instance of a zoo, or a network of a space"
        raise InvalidValue(f"{source_id} is a {source.manifest.kind}; {hint}.")
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
    return write_network(store, id_, f"{arch.family} {words}", "sent", config, module, seen, made, inputs, replacing, new=True, preprocessing=preprocessing)
