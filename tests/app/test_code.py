"""Copy as code: what a page offers runs as it is copied, and gives what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.places import PACKAGES
from engine.core.places import PAGES as FOLDER
from engine.host.host import Host

APP = str(PACKAGES / "explorer" / "app.py")
PAGES = {
    "interpolation": "space=netspace-digits&gamma=0.25",
    "plane": "space=netspace-digits",
    "shapes": "space=netspace-chairs&gamma=0.25&resolution=32",
}


def offered(page: str) -> list[str]:
    """The code that a page offers."""
    app = AppTest.from_file(APP, default_timeout=120)
    app.query_params.update(part.split("=") for part in PAGES[page].split("&"))
    app.run()
    app.switch_page(str(FOLDER / f"{page}.py"))
    app.run()
    assert not app.exception
    return [each.value for each in app.code if "engine" in each.value]


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_offers_runs_as_it_is_copied(page, tmp_path, monkeypatch, capsys, host):
    monkeypatch.chdir(tmp_path)
    program, *commands = offered(page)
    found: dict = {}
    exec(compile(program, page, "exec"), found)  # what a person pastes
    printed = capsys.readouterr().out
    for command in commands:
        words = command.removeprefix("python ").split()
        environment = {**os.environ, "PYTHONPATH": str(PACKAGES)}
        done = subprocess.run([sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        printed += done.stdout
    if page == "interpolation":
        a, b = re.search(r"space\.at\('(.+?)', '(.+?)', gamma=0.25\)", program).groups()
        step = host.step("netspace-digits", a, b, 0.25, images="all")
        assert f"{step.accuracy:.4f}"[:5] in printed
    if page == "shapes":
        assert (tmp_path / "shape.glb").read_bytes()[:4] == b"glTF"


def test_figures_for_notebooks_hold_what_the_host_measures(host: Host):
    import engine

    space = engine.open("netspace-digits")
    table = host.space("netspace-digits").table
    a, b, c = table["id"][:3]
    decoded, *_ = space.path(a, b, points=3).data
    assert decoded.y[1] == pytest.approx(host.step("netspace-digits", a, b, 0.5, images="all").accuracy)
    assert len(space.map().data[0].x) == len(table)
    heat = space.plane(a, b, c, size=3).data[0]
    assert len(heat.z) == 3 and all(0 <= value <= 1 for row in heat.z for value in row)
