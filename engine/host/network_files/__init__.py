"""Any network as its safetensors file: a file of this folder for each kind that holds networks, named as the kind, with its
`network_file(host, id_, a, b, gamma, path) -> bytes`. The folder is the list: a new kind is a new file."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from ...core.errors import InvalidValue
from ..host import Host


def kinds() -> set[str]:
    """The kinds that hold networks."""
    return {found.name for found in pkgutil.iter_modules(__path__)}


def network_file(host: Host, id_: str, a: str | None = None, b: str | None = None, gamma: float = 0.5, path: str = "embedding") -> bytes:
    """The .safetensors file of any network by the id of what holds it. Raises UnknownId, InvalidValue, and what reading it raises."""
    kind = host.store.open(id_).manifest.kind
    if kind not in kinds():
        raise InvalidValue(f"{id_} is an {kind}, without weights. Export a network of it.")
    return import_module(f"{__name__}.{kind}").network_file(host, id_, a, b, gamma, path)
