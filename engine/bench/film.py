"""A film of a walk from A to B: 100 frames measured, drawn and written."""

from __future__ import annotations

from ..core.artifacts import Store
from ..core.errors import DataMissing
from ..film.walk import Walk, sweep
from ..host.films import film
from ..host.host import Host
from . import row
from .measure import seconds

ROWS = {"film_100": "netspace-digits", "film_100_chairs": "netspace-chairs", "film_100_digits_inr": "netspace-digits-inr"}
BAR = 5.0  # s


def hundred() -> list[dict]:
    """Seconds from the question to the GIF, of Interpolation, of shapes and of signals, once the space is loaded; the reference is the
    bar."""
    store = Store()
    rows = []
    for name, space_id in ROWS.items():
        if not store.has(space_id):
            continue
        host = Host(store, "cpu")
        ids = list(host.space(space_id).table["id"])
        film(host, Walk(space_id, ids[0], ids[-1], sweep(2)), "gif")
        rows.append(row(name, seconds(lambda: film(host, Walk(space_id, ids[0], ids[-1], sweep()), "gif")), "s", BAR))
        host.close()
    if not rows:
        raise DataMissing("This row needs netspace-digits, which is not available: make it with `python -m engine train netspace-digits`.")
    return rows
