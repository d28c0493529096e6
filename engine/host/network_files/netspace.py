"""The network between two instances of a space."""

from __future__ import annotations

from ...core.errors import InvalidValue
from ..export import network_bytes
from ..host import Host


def network_file(host: Host, id_: str, a: str | None, b: str | None, gamma: float, path: str) -> bytes:
    if not a:
        raise InvalidValue(f"Which network of {id_}? python -m engine export {id_} A B --gamma G.")
    return network_bytes(host, id_, a, b or a, gamma, path)
