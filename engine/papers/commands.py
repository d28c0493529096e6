"""How an entry is made: commands that follow from its rows; and the command that prints all entries. Heavy imports live inside."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..artifacts import Store
from ..core.outputs import output_path, write_output
from ..core.suffixes import form_of
from .counted import configured
from .entries import Entry, Source, entries, entry

PROGRAM = "python -m engine"


def commands(of: Entry, reduced: bool = False) -> list[str]:
    """The commands that make an entry at the paper's size (or `reduced`), in order. What needs no training is printed."""
    from ..nern.config import NernConfig

    lines = {} if reduced else dict.fromkeys(of.needs)
    sweeps: dict[str, list[str]] = {}
    trained = any(not measure.counted for measure in of.measures.values())
    for row in of.rows:
        for source in row.reduced if reduced else filter(None, (row.ours,)):
            if not source.preset or not trained:
                continue
            if of.seeds > 1 and isinstance(configured(source), NernConfig):
                names = sweeps.setdefault(flags(source), [])
                names += [source.preset] * (source.preset not in names)
            else:
                lines[train(source)] = None
    lines |= {f"{PROGRAM} sweep {' '.join(names)} --seeds {of.seeds}{changes}": None for changes, names in sweeps.items()}
    if not lines and of.rows and not trained and not reduced:
        lines[f"{PROGRAM} papers {of.id}"] = None
    return list(lines)


def train(source: Source) -> str:
    """The command that makes one artifact; a changed config gets a name of its own."""
    values = "-".join(words(value).replace(" ", "-") or "none" for value in source.set.values())
    return f"{PROGRAM} train {source.preset}{f' --id {source.preset}-{values}'.lower() if source.set else ''}{flags(source)}"


def flags(source: Source) -> str:
    return "".join(f" --{name.replace('_', '-')} {words(value) or shlex.quote('')}" for name, value in source.set.items())


def words(value) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)


def do_record(options) -> None:
    from ..commands import emit
    from .records import record

    folder = record(Store(options.workspace), options.id)
    emit(options, {"id": options.id, "folder": str(folder)}, f"{folder}: what {options.id} says of itself, without its tensors.")


def do_papers(options) -> None:
    from ..commands import emit
    from . import export
    from .resolve import STATES, resolve

    for name, form, option in ((options.csv, "csv", "--csv"), (options.latex, "tex", "--latex")):
        if name:
            form_of(output_path(name, option), (form,), "A table")
    chosen = [entry(options.entry)] if options.entry else list(entries().values())
    found = resolve(Store(options.workspace), chosen)
    if options.csv:
        write_output(Path(options.csv), export.csv_text(found).encode(), "--csv")
    if options.latex:
        write_output(Path(options.latex), export.latex(found).encode(), "--latex")
    lines = export.text(found[0]) if options.entry else [f"{each.entry.id:<28} {STATES[each.state]:<16} {each.entry.title}" for each in found]
    emit(options, {"entries": [export.as_json(each) for each in found]}, "\n".join(lines))
