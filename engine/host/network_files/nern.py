"""The network that a NeRN represents."""

from __future__ import annotations

from ...core.errors import InvalidValue
from ..host import Host
from ..nerns import Look, state_bytes


def network_file(host: Host, id_: str, a: str | None, b: str | None, gamma: float, path: str) -> bytes:
    if a:
        raise InvalidValue(f"{id_} represents a single network: it has no instance {a!r}. Leave that out.")
    return state_bytes(host, id_, Look())
