"""How an entry is made: commands that follow from its rows."""

from __future__ import annotations

import shlex

from .entries import Entry, Source
from .subjects import configured

PROGRAM = "python -m engine"


def commands(of: Entry, reduced: bool = False) -> list[str]:
    """The commands that make an entry at the paper's size (or `reduced`), in order. What needs no training is printed."""
    from ..kinds.nern.config import NernConfig

    lines = {} if reduced else dict.fromkeys(of.needs)
    sweeps: dict[str, list[str]] = {}
    trained = any(not measure.counted for measure in of.measures.values())
    for row in of.rows:
        for source in row.reduced if reduced else filter(None, (row.ours,)):
            if not source.preset or not trained:
                continue
            if of.seeds > 1 and configured(source).KIND == NernConfig.KIND:
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
    values = "-".join(
        f"{'' if value else 'no-'}{name}" if isinstance(value, bool) else words(value).replace(" ", "-") or "none"
        for name, value in source.set.items()
    )
    return f"{PROGRAM} train {source.preset}{f' --id {source.preset}-{values}'.lower() if source.set else ''}{flags(source)}"


def flags(source: Source) -> str:
    """' --FIELD VALUE' of each field that a source changes, ' --no-FIELD' where it is switched off."""
    said = ""
    for name, value in source.set.items():
        flag = name.replace("_", "-")
        said += f" --{'' if value else 'no-'}{flag}" if isinstance(value, bool) else f" --{flag} {words(value) or shlex.quote('')}"
    return said


def words(value) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)
