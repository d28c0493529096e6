"""The table of a space as a file."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..core import cells
from ..host.columns import of_space
from ..host.host import Host
from ..host.search import search
from .answers import attachment


def instances(host: Host, request: Request) -> Response:
    """The instances that `query` finds, in the order of `sort`, as the live op `search` does; those without a row in the table, shapes that
    were placed, are left out. CSV."""
    space = host.space(request.path_params["id"])
    query, sort = (request.query_params.get(name, "") for name in ("query", "sort"))
    columns = of_space(host, space.id)
    rows = search(columns, query, None, sort.removeprefix("-"), sort.startswith("-"))
    return attachment(cells.csv_of(space.table.iloc[rows[rows < len(space.table)]]).encode(), f"{space.id}-instances.csv")


ROUTES = {"/api/spaces/{id}/instances.csv": instances}
