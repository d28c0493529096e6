"""The commands about NeRNs and originals. Heavy imports live inside."""

from __future__ import annotations

import sys
from pathlib import Path

from ..artifacts import Store
from ..core.cells import csv_of
from ..core.outputs import output_path, write_output
from ..core.suffixes import form_of


def do_import(options) -> None:
    from ..commands import emit, metric_lines
    from ..datasets import missing
    from ..host import device_of
    from ..nets.measuring import beside_stated
    from .make import import_network

    artifact = import_network(
        Store(options.workspace), Path(options.file), options.architecture, options.id, options.dataset, str(device_of(options.device)), options.replace, options.weights,
        normalise=options.normalise, stated=options.accuracy,
    )  # fmt: skip
    manifest = artifact.manifest
    unmeasured = "" if manifest.metrics or not options.dataset else f"Not measured: {missing(options.dataset)}"
    for note in filter(None, (manifest.config["note"], unmeasured, beside_stated(manifest))):
        print(f"{manifest.id}: {note}", file=sys.stderr)
    emit(options, {"id": manifest.id, "kind": manifest.kind, "metrics": manifest.metrics}, "\n".join([f"{artifact.folder}", *metric_lines(manifest.metrics)]))


def do_send(options) -> None:
    from ..commands import emit, metric_lines
    from ..host import device_of
    from .make import send

    artifact = send(Store(options.workspace), options.id, options.a, options.b, options.gamma, options.path, options.name, str(device_of(options.device)), options.replace)
    manifest = artifact.manifest
    emit(options, {"id": manifest.id, "kind": manifest.kind, "metrics": manifest.metrics}, "\n".join([f"{artifact.folder}", *metric_lines(manifest.metrics)]))


def do_reconstruct(options) -> None:
    from ..commands import emit
    from ..export import FORMS
    from ..host import Host
    from .hosted import Look, state_bytes

    path = output_path(options.output or f"{options.id}-reconstructed.safetensors")
    form_of(path, FORMS, "A network")
    data = state_bytes(Host(Store(options.workspace), options.device), options.id, Look(options.prune, options.bits))
    write_output(path, data)
    emit(options, {"file": str(path), "bytes": len(data)}, f"{path} ({len(data)} bytes)")


def do_sweep(options) -> None:
    from ..commands import emit, overridden, progress
    from ..host import device_of
    from .sweep import sweep

    if options.output:
        form_of(output_path(options.output), ("csv",), "A table")
    table = sweep(Store(options.workspace), options.preset, options.seeds, lambda config: overridden(config, options.overrides), str(device_of(options.device)), progress)
    if options.output:
        write_output(Path(options.output), csv_of(table).encode())
    emit(options, {"rows": table.astype(object).where(table.notna(), None).to_dict("records")}, table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
