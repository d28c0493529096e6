"""The HTML behind each page's address: Streamlit's own, told where its server is.

Streamlit's script looks for its server below the page's own address first (/latent-map/_stcore/health) and beside it second. On
every deep link that is two answers of 404 in the browser's console, where they hide real errors. Every page lies directly in the
app's root, behind a proxy's prefix too, so the page can say it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
HEAD = "<head>"
BESIDE = '<script>window.__streamlit = { BACKEND_BASE_URL: new URL(".", location.href).href };</script>'


@functools.cache
def html() -> str:
    """Streamlit's page with the script that says where the app's root is."""
    text = INDEX.read_text("utf-8")
    assert text.count(HEAD) == 1, "Streamlit's page has another head now: see whether it still looks below the page's address"
    return text.replace(HEAD, HEAD + BESIDE)


async def answer(request: Request) -> Response:
    return HTMLResponse(html(), headers={"Cache-Control": "no-cache"})


def page_routes(paths: Iterable[str]) -> list[Route]:
    """A route for each page's URL path ("" is the root)."""
    return [Route(f"/{path}", answer) for path in paths]
