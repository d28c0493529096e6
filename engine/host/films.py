"""Films of walks between two anchors of a space."""

from __future__ import annotations

from collections.abc import Callable

from ..core.errors import InvalidValue
from ..film.files import film as written
from ..film.walk import Walk
from ..nets.ways import WAYS
from .host import Host


def film(host: Host, walk: Walk, form: str, stop: Callable[[], bool] = lambda: False) -> bytes:
    """The file of a walk: "gif", "mp4", or "png" and "svg" of a filmstrip. It is measured piece by piece, each in its turn among those of
    people who drag. Raises UnknownId, InvalidValue, DataMissing; Stopped soon after `stop()` is true."""
    if walk.way not in WAYS:
        raise InvalidValue(f"way must be one of {', '.join(WAYS)}; got {str(walk.way)[:40]!r}.")
    loaded = host.loaded_space(walk.space)
    host.ends(loaded, walk.a, walk.b)
    return written(loaded.space.task.film(host, loaded.space, walk), walk, form, stop)
