"""The commands about the papers' figures, and those of our own pages."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import ExplorerError
from ..core.outputs import output_path, write_output
from ..core.suffixes import form_of
from .command import Command, Options, emit, store_of


def papers(options: Options) -> None:
    from ..papers import export
    from ..papers.entries import entries, entry
    from ..papers.resolve import STATES, resolve

    for name, form, option in ((options.csv, "csv", "--csv"), (options.latex, "tex", "--latex")):
        if name:
            form_of(output_path(name, option), (form,), "A table")
    chosen = [entry(options.entry)] if options.entry else list(entries().values())
    found = resolve(store_of(options), chosen)
    if options.csv:
        write_output(Path(options.csv), export.csv_text(found).encode(), "--csv")
    if options.latex:
        write_output(Path(options.latex), export.latex(found).encode(), "--latex")
    lines = (
        export.text(found[0]) if options.entry else [f"{each.entry.id:<28} {STATES[each.state]:<16} {each.entry.title}" for each in found]
    )
    emit(options, {"entries": [export.as_json(each) for each in found]}, "\n".join(lines))


def record(options: Options) -> None:
    from ..papers.records import record

    folder = record(store_of(options), options.id)
    emit(options, {"id": options.id, "folder": str(folder)}, f"{folder}: the manifest and tables of {options.id}, without its tensors.")


def docs(options: Options) -> None:
    from ..docs.fill import ROOT, outdated, write

    pages = [str(path.relative_to(ROOT)) for path in (outdated(ROOT) if options.check else write(ROOT))]
    if options.check and pages:
        raise ExplorerError(f"Out of date: {', '.join(pages)}. Run python -m engine docs.")
    emit(options, {"pages": pages}, "\n".join(f"{page}: written" for page in pages) or "All pages are up to date.")


COMMANDS = (
    Command(
        "papers",
        "print the papers' tables and figures beside ours, all or one",
        papers,
        {
            "entry": {"help": "entry id, such as nern-table-5", "nargs": "?"},
            "--csv": {"help": "write them to this CSV file"},
            "--latex": {"help": "write them to this LaTeX file (booktabs)"},
        },
    ),
    Command(
        "record",
        "keep an artifact's manifest and tables, without its tensors, as the source of figures beside the papers'",
        record,
        {"id": {"help": "artifact id"}},
    ),
    Command(
        "docs",
        "update the figures in README and docs from manifests, records, tables and the saved bench",
        docs,
        {"--check": {"action": "store_true", "help": "write nothing; exit with code 2 if a page is out of date"}},
    ),
)
