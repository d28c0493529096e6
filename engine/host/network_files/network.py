"""A network of its own."""

from __future__ import annotations

from ...core.errors import InvalidValue
from ..export import artifact_bytes
from ..host import Host


def network_file(host: Host, id_: str, a: str | None, b: str | None, gamma: float, path: str) -> bytes:
    if a:
        raise InvalidValue(f"{id_} is a single network: it has no instance {a!r}. Leave that out.")
    return artifact_bytes(host.store, id_)
