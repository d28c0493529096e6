"""The command that places networks in a space."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import library
from ..core.errors import ExplorerError, InvalidValue
from .command import Command, Options, emit, progress

if TYPE_CHECKING:
    from ..library.results import Placement
    from ..tasks.task import Task


def place(options: Options) -> None:
    """One network is told in full; of several each has a line of a table, and those that cannot be placed are named."""
    from ..kinds.netspace.placing import files_of
    from ..tasks import task_of
    from ..tasks.distances.pose import Pose

    space, pose = library.space(options.id, options.workspace, options.device), Pose(options.up, options.turn)
    task = task_of(space.manifest.task)
    reading = {"pose": None if pose == Pose() else pose, "activation": options.activation, "omega": options.omega}
    whats = files_of(task, set(space.instances), options.what)
    rows, failed, words = [], [], ""
    for what in whats:
        try:
            placement = space.place(what, options.steps, options.seed or 0, progress, **reading)
            row = {"id": options.id, "what": what, **placement.as_json()}
            if options.keep:
                row["kept"] = space.keep(placement, Path(what).stem if Path(what).is_file() else f"{what}-placed")
        except ExplorerError as error:
            if [what] == options.what:
                raise
            failed.append({"what": what, "error": str(error)})
            print(f"{what} was not placed: {error}", file=sys.stderr)
        else:
            rows.append(row)
            words = in_full(task, row, placement)
    if not rows:
        raise InvalidValue(f"None of the {len(whats)} networks could be placed in {space.id}.")
    if whats == options.what and len(whats) == 1:
        emit(options, rows[0], words)
    else:
        emit(options, {"id": options.id, "placed": rows, "failed": failed}, "\n".join(table(task, rows, failed)))


def in_full(task: Task, row: dict[str, Any], placement: Placement) -> str:
    """One network that was placed, for a person."""
    found, fit = placement.placed, placement.fit
    lines = [
        f"{row['what']} in {row['id']}, at ({row['x2']:.2f}, {row['y2']:.2f}) on the map; {task.likeness} with {task.likeness_with}:",
        f"  {f'nearest known {task.one}' if found.encoded == 'nearest' else 'by the encoder alone':<28} {found.encoded_likeness:.4f}",
        f"  {f'after {found.steps} steps of inversion':<28} {found.likeness:.4f}",
        f"  {found.nearest:<28} {found.nearest_likeness:.4f}  (the training instance most like it)",
        *filter(None, (found.figure_words(), found.note)),
        found.outside.words,
    ]
    if fit:
        lines.insert(1, f"  {'fitted to the file':<28} {fit[task.likeness_key]:.4f}  ({fit['steps']} steps, {fit['seconds']:.1f} s)")
        lines[2:2] = [f"  {note}" for note in fit["notes"]]
    if "kept" in row:
        lines.append(f"Kept as {row['kept']}, an instance of {row['id']}.")
    return "\n".join(lines)


def table(task: Task, rows: Sequence[dict[str, Any]], failed: Sequence[dict[str, str]]) -> list[str]:
    """A line for each network; below them what is said of those of another architecture, and how many were not placed."""
    key = task.likeness_key
    figures = [name for name in ("accuracy", "placed_accuracy", "gap") if name in rows[0]]
    heads = [
        "encoder",
        "inversion",
        *(name.replace("_", " ") for name in figures),
        "nearest",
        "where",
        *(["kept as"] if "kept" in rows[0] else []),
    ]
    width = max(len(Path(row["what"]).name) for row in rows)
    cells = [
        [
            *(f"{row[name]:.4f}" for name in (f"encoded_{key}", key, *figures)),
            row["nearest"],
            ("outside" if row["outside"]["outside"] else "inside") + ("" if row["outside"]["known"] else ", unsure"),
            *([row["kept"]] if "kept" in row else []),
        ]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(heads, *cells)]
    written = lambda name, values: f"{name:<{width}}  " + "  ".join(f"{value:<{size}}" for value, size in zip(values, widths)).rstrip()
    lines = [f"{task.likeness} of what {rows[0]['id']} has there with {task.likeness_with}:", written("", heads)]
    lines += [written(Path(row["what"]).name, values) + ("  *" if row["note"] else "") for row, values in zip(rows, cells)]
    if notes := {row["note"] for row in rows if row["note"]}:
        lines.append(f"* {notes.pop()}")
    return lines + ([f"{len(failed)} of {len(rows) + len(failed)} could not be placed."] if failed else [])


COMMANDS = (
    Command(
        "place",
        "place networks in a space that was not trained on them: classifiers, or shapes",
        place,
        {
            "id": {"help": "space id"},
            "what": {
                "nargs": "+",
                "metavar": "NETWORK",
                "help": "an instance of the space, a network (.safetensors, .pt and so on), or a folder, to place all that it holds; "
                "for shapes also a mesh (.obj, .ply, .stl, .off, .glb) or DeepSDF samples (.npz)",
            },
            "--keep": {"action": "store_true", "help": "make each an instance of the space: an anchor on every page and in commands"},
            "--steps": {"type": int, "help": "steps of inversion (default: 30 for shapes, 100 for classifiers)"},
            "--activation": {"help": "activation of the network in the file: sine, relu, ... (default: what the file says, else sine)"},
            "--omega": {
                "type": float,
                "nargs": "+",
                "metavar": "OMEGA",
                "help": "frequency of its sines, or of the first layer and of the rest (default: what the file says, else 30)",
            },
            "--up": {
                "choices": ("y", "-y", "z", "-z", "x", "-x"),
                "default": "y",
                "help": "the axis of the file that points up (default: y)",
            },
            "--turn": {
                "type": int,
                "default": 0,
                "help": "quarter turns about that axis, 0 to 3, counterclockwise from above (default: 0)",
            },
        },
    ),
)
