"""The commands about artifacts of any kind."""

from __future__ import annotations

import sys
from dataclasses import asdict

from .. import library
from ..core.errors import ExplorerError, InvalidValue
from .command import Command, Options, emit, metric_lines, store_of


def listed(options: Options) -> None:
    store = store_of(options)
    rows = [{"id": m.id, "kind": m.kind, "title": m.title, "metrics": m.metrics} for m in library.list(workspace=options.workspace)]
    lines = [f"{row['id']:<28} {row['kind']:<9} {row['title']}" for row in rows]
    broken = store.broken()
    lines += [f"{id_:<28} broken    {reason}" for id_, reason in broken.items()]
    for id_, reason in broken.items():
        print(f"{id_}: {reason}", file=sys.stderr)
    emit(options, {"artifacts": rows}, "\n".join(lines) or "No artifacts yet. `python -m engine train netspace-digits` makes a space.")


def show(options: Options) -> None:
    manifest = library.open(options.id, options.workspace).manifest
    head = (
        f"{manifest.id} ({manifest.kind}): {manifest.title}\npreset {manifest.preset}, made {manifest.created} by: "
        f"{manifest.provenance.get('command')}"
    )
    value = {"id": manifest.id, "kind": manifest.kind, "metrics": manifest.metrics}
    lines = [head, *metric_lines(manifest.metrics)]
    if options.layers:
        from .. import kinds
        from ..kinds.nern.layers import summary, table

        rows = kinds.kind_of(manifest.kind).layers(store_of(options), manifest.id)
        value["layers"] = [asdict(row) for row in rows]
        lines += [table(rows), f"{summary(rows)}."]
    emit(options, value, "\n".join(lines))


def artifacts(options: Options) -> None:
    store = store_of(options)
    if options.action == "restore":
        if not options.id:
            raise InvalidValue(
                "Which artifact? python -m engine artifacts restore ID; `python -m engine artifacts` lists what can be restored."
            )
        manifest = store.restore(options.id).manifest
        value = {"id": manifest.id, "kind": manifest.kind, "created": manifest.created}
        return emit(options, value, f"{manifest.id} is back at its version of {manifest.created}; the other one is kept aside.")
    kept = store.kept_aside()
    rows = [{"id": m.id, "kind": m.kind, "title": m.title, "created": m.created} for m in kept]
    lines = [f"{row['id']:<28} {row['kind']:<9} {row['created']}  {row['title']}" for row in rows]
    emit(options, {"kept": rows}, "\n".join(lines) or "Nothing to restore: --replace keeps the last version of each artifact it replaces.")


def verify(options: Options) -> None:
    store = store_of(options)
    ids = [options.id] if options.id else list(store.folders())
    problems = {id_: store.verify(id_) for id_ in ids if id_ not in store.broken()} | {
        id_: [reason] for id_, reason in store.broken().items() if id_ in ids
    }
    if any(problems.values()):
        raise ExplorerError(" ".join(line for lines in problems.values() for line in lines))
    emit(options, {"verified": ids}, "\n".join(f"{id_}: intact" for id_ in ids) or "Nothing to verify.")


def trim(options: Options) -> None:
    from ..kinds.trim import trim

    made = trim(store_of(options), options.id, options.train, options.val)
    emit(options, {"trimmed": [each.id for each in made]}, "\n".join(str(each.folder) for each in made))


ID = {"help": "artifact id"}
LAYERS = {"action": "store_true", "help": "for a network or NeRN: what a NeRN predicts or keeps of each layer, and why"}
COMMANDS = (
    Command("list", "list the artifacts", listed),
    Command("show", "show an artifact's manifest", show, {"id": ID, "--layers": LAYERS}),
    Command(
        "artifacts",
        "list the versions that --replace kept aside; restore ID brings the latest one back",
        artifacts,
        {
            "action": {"choices": ("list", "restore"), "nargs": "?", "default": "list", "help": "default: list"},
            "id": {**ID, "nargs": "?"},
        },
    ),
    Command("verify", "check every file of one artifact, or of all of them", verify, {"id": {**ID, "nargs": "?"}}),
    Command(
        "trim",
        "shrink a zoo and its spaces, or an original and its NeRNs, for shipping: fewer instances, half precision",
        trim,
        {
            "id": {"help": "zoo or original id"},
            "--train": {"type": int, "help": "training instances to keep (per architecture)"},
            "--val": {"type": int, "help": "validation instances to keep (default: all)"},
        },
    ),
)
