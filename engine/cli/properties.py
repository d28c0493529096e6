"""What a space's embeddings know of its instances."""

from __future__ import annotations

from .. import library
from .command import Command, Options, emit


def properties(options: Options) -> None:
    from ..kinds.netspace.properties import properties as of
    from ..kinds.netspace.properties import table_of

    opened = library.space(options.id, options.workspace, options.device)
    found = of(opened.host.loaded_space(opened.id).space)
    value = {"id": opened.id, "properties": [each.as_json() for each in found]}
    emit(options, value, f"{table_of(found).to_string(index=False)}\n95 % bootstrap intervals over the held-out instances.")


COMMANDS = (
    Command(
        "properties",
        "what a linear probe reads off a space's embeddings: each property of its zoo, beside weight statistics and PCA of the weights",
        properties,
        {"id": {"help": "space id"}},
    ),
)
