"""A command, and what all commands share: the store, output, progress bars, changed config fields."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.artifacts import Store
from ..core.errors import ExplorerError

Options = argparse.Namespace

# Arguments that several commands take.
REPLACE = {"action": "store_true", "help": "replace another artifact of that name; the old one is kept (see artifacts restore)"}
GAMMA = {"type": float, "default": 0.5, "help": "0 at anchor A, 1 at anchor B (default: 0.5)"}
PATHS = ("embedding", "weights", "aligned", "aligned-activations", "aligned-repaired", "aligned-activations-repaired")
PATH = {"choices": PATHS, "default": "embedding", "help": "what is interpolated (default: embedding)"}


@dataclass(frozen=True)
class Command:
    """`python -m engine NAME`. `arguments`: argparse's name ("id", "--gamma") -> its options. With `fields`, `--FIELD VALUE` may change a
    config: what argparse does not know arrives as `options.overrides`; otherwise that is a usage error."""

    name: str
    summary: str
    run: Callable[[Options], None]
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fields: bool = False


class WrongUse(ExplorerError):
    """A command line that does not parse."""


def nothing_more(options: Options) -> None:
    """Raises WrongUse where there are arguments that the command does not take."""
    if options.overrides:
        unknown = " ".join(options.overrides)
        raise WrongUse(f"{options.command} does not take {unknown}. See python -m engine {options.command} --help.")


def store_of(options: Options) -> Store:
    return Store(options.workspace)


def device_of(options: Options) -> str:
    """The device that was asked for, or the best one. Imports torch. Raises InvalidValue."""
    from ..host.host import device_of as device

    return str(device(options.device))


def emit(options: Options, value: dict, text: str) -> None:
    """The result on standard output: one JSON object, or text."""
    print(json.dumps(value, allow_nan=False) if options.json else text)


def emit_artifact(options: Options, artifact: Any) -> None:
    """An artifact that was made: id, kind and metrics, or its folder and a line a metric."""
    manifest = artifact.manifest
    value = {"id": manifest.id, "kind": manifest.kind, "metrics": manifest.metrics}
    emit(options, value, "\n".join([f"{artifact.folder}", *metric_lines(manifest.metrics)]))


def metric_lines(metrics: Mapping[str, Any], stored: Mapping[str, Any] | None = None) -> list[str]:
    """One line a metric; with `stored`, what the manifest says beside it."""
    lines = []
    for name, entry in metrics.items():
        spread = f" ± {entry['spread']:.4f}" if entry.get("spread") is not None else ""
        beside = "" if stored is None else f"   stored {stored[name]['value']}" if name in stored else "   not stored"
        value = entry["value"] if entry["value"] is not None else f"undefined: {entry.get('reason', 'nothing to measure')}"
        lines.append(f"  {name:<28} {value}{spread}  (n {entry.get('n')}, {entry.get('split', '')}){beside}")
    return lines


def overridden(config: Any, arguments: list[str]) -> Any:
    """A preset's config with the fields that the command line changes (tyro reads them). Raises WrongUse."""
    if not arguments:
        return config
    import tyro

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            return tyro.cli(type(config), default=config, args=arguments)
    except SystemExit as error:
        words = " ".join("".join(" " if ord(c) >= 0x2500 and ord(c) < 0x2600 else c for c in said.getvalue()).split())
        raise WrongUse(words or f"cannot read {' '.join(arguments)}") from error


def progress(title: str, total: int) -> Callable[[int, dict[str, float]], None]:
    """A progress bar with an ETA on standard error, fed by a run's `on_step`."""
    from tqdm import tqdm

    bar = tqdm(total=total, desc=title, unit="step", file=sys.stderr, mininterval=1.0, dynamic_ncols=True)

    def on_step(step: int, metrics: dict[str, float]) -> None:
        if not bar.n:
            bar.initial = bar.n = step - 1  # steps before the checkpoint took no time of this run's
        bar.update(step - bar.n)
        if looked := {name: f"{value:.3f}" for name, value in metrics.items() if name.startswith("val_")}:
            bar.set_postfix(looked)
        if step == total:
            bar.close()

    return on_step
