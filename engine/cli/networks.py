"""The commands that bring networks here and write them as files."""

from __future__ import annotations

import sys
from pathlib import Path

from .. import library
from ..core.outputs import output_folder, output_path, write_folder, write_output
from ..core.suffixes import form_of
from ..nets.export import formats
from .command import GAMMA, PATH, REPLACE, Command, Options, device_of, emit, emit_artifact, store_of


def import_(options: Options) -> None:
    from ..datasets import missing
    from ..kinds.nern.bringing import import_network
    from ..nets.measuring import beside_stated

    artifact = import_network(
        store_of(options), Path(options.file), options.architecture, options.id, options.dataset, device_of(options), options.replace,
        options.weights, normalise=options.normalise, stated=options.accuracy,
    )  # fmt: skip
    manifest = artifact.manifest
    unmeasured = "" if manifest.metrics or not options.dataset else f"Not measured: {missing(options.dataset)}"
    for note in filter(None, (manifest.config["note"], unmeasured, beside_stated(manifest))):
        print(f"{manifest.id}: {note}", file=sys.stderr)
    emit_artifact(options, artifact)


def send(options: Options) -> None:
    from ..kinds.nern.bringing import send

    artifact = send(
        store_of(options), options.id, options.a, options.b, options.gamma, options.path, options.name, device_of(options), options.replace
    )
    emit_artifact(options, artifact)


def export(options: Options) -> None:
    from ..nets.export import files

    form = options.format or formats.DEFAULT
    suffix = formats.of(form).SUFFIX
    between = "-".join(filter(None, (options.a, options.b)))
    gamma = f"-{options.gamma:g}" if options.b else ""
    name = options.output or f"{options.id}{f'-{between}' if between else ''}{gamma}{suffix}"
    path = output_path(name) if suffix else output_folder(name)
    if suffix:
        form_of(path, (suffix.removeprefix("."),), f"A network as {form}")
    opened = library.open(options.id, options.workspace, options.device)
    found = files(opened.file(options.a, options.b, options.gamma, options.path), form)
    if suffix:
        ((_, data),) = found.items()
        write_output(path, data)
    else:
        write_folder(path, found)
    size = sum(map(len, found.values()))
    emit(options, {"file": str(path), "bytes": size}, f"{path} ({size} bytes)")


def reconstruct(options: Options) -> None:
    from ..host.export import FORMS
    from ..host.host import Host
    from ..host.nerns import Look, state_bytes

    path = output_path(options.output or f"{options.id}-reconstructed.safetensors")
    form_of(path, FORMS, "A network")
    data = state_bytes(Host(store_of(options), options.device), options.id, Look(options.prune, options.bits))
    write_output(path, data)
    emit(options, {"file": str(path), "bytes": len(data)}, f"{path} ({len(data)} bytes)")


COMMANDS = (
    Command(
        "import",
        "import a checkpoint as an original (.safetensors, .npz, or a torch file with a state dict)",
        import_,
        {
            "file": {"help": "the file"},
            "--architecture": {
                "help": "architecture id, such as resnet18-imagenet; -c10 at its end gives it 10 classes (default: the one whose tensors "
                "have the file's names and shapes)"
            },
            "--id": {"help": "name of the artifact (default: network-ARCHITECTURE)"},
            "--dataset": {"help": "data set to measure it on"},
            "--normalise": {
                "metavar": "mean=M,std=S",
                "help": "its input normalisation, (range * pixel - mean) / std with pixels from 0 to 1: "
                "mean=0.5,std=0.25[,range=255][,order=BGR], or a value per channel (default: the data set's own)",
            },
            "--accuracy": {"type": float, "help": "its stated test accuracy, for comparison: 0.977"},
            "--weights": {"default": "", "help": "weights to take if the file holds several: raw, ema, or their name there (default: raw)"},
            "--replace": REPLACE,
        },
    ),
    Command(
        "send",
        "make a zoo's instance A, or the network between two anchors of a space, an original",
        send,
        {
            "id": {"help": "zoo or space id"},
            "a": {"help": "instance id"},
            "b": {"help": "instance id", "nargs": "?"},
            "--gamma": GAMMA,
            "--path": PATH,
            "--name": {"help": "name of the artifact"},
            "--replace": REPLACE,
        },
    ),
    Command(
        "export",
        "write a network to a file: an imported one, a zoo's instance, the one between two anchors of a space, or the one that a NeRN "
        "represents",
        export,
        {
            "id": {"help": "network, zoo, space or NeRN id"},
            "a": {"help": "instance id of a zoo or space", "nargs": "?"},
            "b": {"help": "instance id (default: the first)", "nargs": "?"},
            "--gamma": GAMMA,
            "--path": PATH,
            "--format": {
                "choices": formats.names(),
                "help": f"default: {formats.DEFAULT}; folder needs only torch and safetensors",
            },
            "--output": {"help": "file or folder (default: named after the network)"},
        },
    ),
    Command(
        "reconstruct",
        "write the network that a NeRN represents as safetensors",
        reconstruct,
        {
            "id": {"help": "NeRN id"},
            "--prune": {"type": float, "default": 0.0, "help": "share of the predictor's weights to drop (default: 0)"},
            "--bits": {"type": int, "default": 32, "help": "bits of each remaining weight: 32, 16, 8, 6 or 4 (default: 32)"},
            "--output": {"help": "file (default: named after the NeRN)"},
        },
    ),
)
