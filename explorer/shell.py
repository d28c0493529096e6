"""The HTML behind each page's address: Streamlit's own, told where its server is, and on Home to fetch the live views' scripts
beside Streamlit's instead of after them.

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

from explorer import components

INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
HEAD, END = "<head>", "</head>"
BESIDE = '<script>window.__streamlit = { BACKEND_BASE_URL: new URL(".", location.href).href };</script>'
FIRST = ("guide.js", "words.js", "job_tray.js", "interpolation.js", "shapes.js", "nern_view.js")  # what Home shows


@functools.cache
def html(path: str = "") -> str:
    """Streamlit's page with the script that says where the app's root is. `path`: the page's URL path."""
    text = INDEX.read_text("utf-8")
    one = text.count(HEAD) == text.count(END) == 1
    assert one, "Streamlit's page has another head now: see whether it still looks below the page's address"
    early = "" if path else "".join(f'<link rel="modulepreload" href="{address}">' for address in components.needed(*FIRST))
    return text.replace(HEAD, HEAD + BESIDE).replace(END, early + END)


async def answer(request: Request) -> Response:
    return HTMLResponse(html(request.url.path.strip("/")), headers={"Cache-Control": "no-cache"})


def page_routes(paths: Iterable[str]) -> list[Route]:
    """A route for each page's URL path ("" is the root)."""
    return [Route(f"/{path}", answer) for path in paths]
