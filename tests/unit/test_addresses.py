"""Components ask for addresses relative to the page's: below a proxy's prefix the server's root is someone else's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

EXPLORER = Path(__file__).resolve().parents[2] / "explorer"
PLACES = "api|latent-map|interpolation|shapes|preps|properties|nern|lso|papers|training|media|static"
ROOTED = re.compile(rf"""["'`(]/({PLACES})\b|["'`]/["'`?$]|location\.(origin|host)\b""")
SOURCES = sorted([*EXPLORER.rglob("*.js"), *EXPLORER.rglob("*.html"), *EXPLORER.rglob("*.css")])


@pytest.mark.parametrize(
    "line",
    [
        'fetch("/api/jobs")',
        "link.href = `/${name}?${query}`",
        "`${location.origin}/api/live`",
        'script.src = "/api/static/plotly.min.js"',
        "url(/static/x.svg)",
        'href = "/lso?job=1"',
    ],
)
def test_what_a_rooted_address_is(line):
    assert ROOTED.search(line)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_component_names_the_servers_root(path):
    found = [line.strip() for line in path.read_text("utf-8").splitlines() if ROOTED.search(line)]
    assert not found, f"relative to the page is right (\"api/...\", no leading slash): {found}"
