"""The commands that train and measure."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from .. import library, presets
from ..core.outputs import output_path, write_output
from ..core.suffixes import form_of
from .command import REPLACE, Command, Options, device_of, emit, emit_artifact, metric_lines, overridden, progress, store_of


def train(options: Options) -> None:
    config = overridden(presets.config(options.preset), options.overrides)
    made = library.train(options.preset, options.seed, options.workspace, options.device, options.id, options.replace, progress, config)
    if options.preset not in presets.open_presets():
        return emit_artifact(options, made.artifact)
    from ..kinds.netspace.learnt import learnt

    found = learnt(made.host.loaded_space(made.id).space)
    value = {"id": made.id, "kind": made.kind, "metrics": made.metrics}
    value |= {"chosen": made.manifest.provenance.get("chosen", {}), "learnt": found.as_json()}
    emit(options, value, "\n".join([str(made.artifact.folder), *metric_lines(made.metrics), found.table(), *found.words]))


def evaluate(options: Options) -> None:
    from ..nets.measuring import beside_stated

    opened = library.open(options.id, options.workspace, options.device)
    metrics = opened.evaluate(options.seed)
    if note := beside_stated(replace(opened.manifest, metrics=metrics)):
        print(f"{opened.id}: {note}", file=sys.stderr)
    value = {"id": opened.id, "kind": opened.kind, "metrics": metrics}
    emit(options, value, "\n".join([opened.id, *metric_lines(metrics, opened.metrics)]))
    if options.keep:
        kept = opened.keep_metrics(metrics, options.keep, options.why)
        print(f"{opened.id}: kept {', '.join(kept)}.", file=sys.stderr)


def sweep(options: Options) -> None:
    from ..core.cells import csv_of
    from ..papers.sweep import sweep

    if options.output:
        form_of(output_path(options.output), ("csv",), "A table")
    table = sweep(
        store_of(options),
        options.preset,
        options.seeds,
        lambda config: overridden(config, options.overrides),
        device_of(options),
        progress,
    )
    if options.output:
        write_output(Path(options.output), csv_of(table).encode())
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    emit(options, {"rows": rows}, table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))


COMMANDS = (
    Command(
        "train",
        "train a preset, or resume where it stopped; --FIELD VALUE changes its config. netspace --zoo ID: a space of any zoo",
        train,
        {
            "preset": {"help": "preset name"},
            "--id": {"help": "name of the artifact (default: the preset's, with a hash if fields are changed)"},
            "--replace": REPLACE,
        },
        fields=True,
    ),
    Command(
        "evaluate",
        "measure an artifact's metrics again from its weights",
        evaluate,
        {
            "id": {"help": "artifact id"},
            "--keep": {"nargs": "+", "default": [], "metavar": "METRIC", "help": "write these into its manifest (patterns: 'placed_*')"},
            "--why": {"default": "", "help": "with --keep: the reason for measuring again, stored beside them"},
        },
    ),
    Command(
        "sweep",
        "train NeRN presets with several seeds and print one table; --FIELD VALUE changes their configs",
        sweep,
        {
            "preset": {
                "help": "preset names, or a table of the paper: nern-table4, 5, 6, 7, 10, nern-appendix-b, -f, nern-tradeoff; "
                "nern-cifar10-table4, 4-180, 5, 6, 7, nern-cifar10-hidden",
                "nargs": "+",
            },
            "--seeds": {"type": int, "default": 4, "help": "runs of each (default: 4)"},
            "--output": {"help": "CSV file"},
        },
        fields=True,
    ),
)
