"""The command about zoos that others trained. Heavy imports live inside."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from .command import REPLACE, Command, Options, device_of, emit, emit_artifact, metric_lines, progress, store_of


def zoo(options: Options) -> None:
    if options.of == "shapes":
        return shapes(options)
    from ..zoos.config import ImportConfig
    from ..zoos.importing import import_zoo

    fields = ("path", "architecture", "dataset", "table", "split", "normalise", "measured", "pixels")
    given: dict[str, Any] = {name: getattr(options, name) for name in fields}
    given |= {name: tuple(getattr(options, name)) for name in ("omega", "levels")}
    wanted = ImportConfig(**given, seed=options.seed or 0)
    artifact, report = import_zoo(store_of(options), wanted, options.id, device_of(options), progress, options.replace)
    manifest = artifact.manifest
    if report is None:
        return emit_artifact(options, artifact)
    for line in report.lines():
        print(f"{manifest.id}: {line}", file=sys.stderr)
    value = {"id": manifest.id, "kind": manifest.kind, "metrics": manifest.metrics, "import": report.as_json()}
    emit(options, value, "\n".join([f"{artifact.folder}", *metric_lines(manifest.metrics)]))


def shapes(options: Options) -> None:
    from ..zoos.shapes import fit_shapes

    seed, device = options.seed or 0, device_of(options)
    artifact, report = fit_shapes(store_of(options), Path(options.path), options.up, options.id, seed, device, progress, options.replace)
    manifest = artifact.manifest
    for line in report.lines():
        print(f"{manifest.id}: {line}", file=sys.stderr)
    value = {"id": manifest.id, "kind": manifest.kind, "metrics": manifest.metrics, "import": report.as_json()}
    emit(options, value, "\n".join([f"{artifact.folder}", *metric_lines(manifest.metrics)]))


COMMANDS = (
    Command(
        "zoo",
        "import networks that others trained as a zoo: zoo import PATH --architecture ID",
        zoo,
        {
            "action": {"choices": ("import",), "help": "import"},
            "path": {"help": "the zoo's folder, or the file that holds it (docs/zoos.md lists the layouts)"},
            "--as": {"dest": "of", "choices": ("networks", "shapes"), "default": "networks", "help": "shapes: meshes, to be fitted"},
            "--up": {"choices": ("y", "-y", "z", "-z", "x", "-x"), "default": "y", "help": "with --as shapes: the axis that points up"},
            "--architecture": {"default": "", "help": "architecture id of its networks (architecture add adds your own)"},
            "--dataset": {"default": "", "help": "data set to measure accuracies on"},
            "--normalise": {"default": "", "metavar": "mean=M,std=S", "help": "the networks' input normalisation (see import)"},
            "--table": {"default": "", "metavar": "FILE", "help": "properties, joined by file name: .csv, .tsv, .json, .jsonl or .parquet"},
            "--split": {"default": "", "metavar": "COLUMN", "help": "column with the splits (default: 'split'; if none, drawn by run)"},
            "--omega": {
                "type": float,
                "nargs": "+",
                "default": (),
                "metavar": "OMEGA",
                "help": "SIRENs: frequency of their sines, or of the first layer and of the rest (default: 30)",
            },
            "--levels": {
                "type": float,
                "nargs": 2,
                "default": (),
                "metavar": ("BLACK", "WHITE"),
                "help": "SIRENs that are pictures: what they answer where it is black and white (default: 0 1)",
            },
            "--pixels": {"type": int, "default": 28, "metavar": "N", "help": "SIRENs that are pictures: pixels a side (default: 28)"},
            "--measured": {"type": int, "default": 1000, "metavar": "N", "help": "images per split to measure on (default: 1000; 0: all)"},
            "--id": {"help": "name of the artifact (default: zoo-NAME)"},
            "--replace": REPLACE,
        },
    ),
)
