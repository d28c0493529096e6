"""Copy as code: what a page offers runs as it is copied, and gives what the page shows."""

from __future__ import annotations

import re
import shlex
from threading import Thread
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from engine.__main__ import main
from engine.core.places import PACKAGES
from engine.core.places import PAGES as FOLDER
from engine.host.host import Host
from engine.jobs.folder import Folder
from engine.jobs.queue import Queue
from engine.jobs.signs import identity
from engine.jobs.work import carry_out
from explorer import services

APP = str(PACKAGES / "explorer" / "app.py")
VIEWS = {
    "interpolation": "space=netspace-digits&gamma=0.25",
    "interpolation, of images": "space=netspace-digits-inr&gamma=0.25",
    "plane": "space=netspace-digits",
    "plane, of shapes": "space=netspace-chairs",
    "plane, of images": "space=netspace-digits-inr",
    "shapes": "space=netspace-chairs&gamma=0.25&resolution=32",
    "latent_map": "space=netspace-digits&colour=test&across=steps&a=digits-lenetlike-0475&b=digits-lenetlike-0004",
    "latent_map, solid": "space=netspace-chairs&dims=3",
    "preps": "space=netspace-digits",
    "properties": "space=netspace-digits",
    "nern": "prune=0.25&bits=8",
    "lso": "space=netspace-digits&start=line&a=digits-lenetlike-0475&b=digits-lenetlike-0004&gamma=0.25",
    "lso, from the map": "space=netspace-digits&start=map&xy=[-1.5,0.25]&objective=task",
}


def offered(view: str) -> list[str]:
    """The code that a page offers."""
    app = AppTest.from_file(APP, default_timeout=120)
    app.query_params.update(part.split("=") for part in VIEWS[view].split("&"))
    app.run()
    app.switch_page(str(FOLDER / f"{view.partition(',')[0]}.py"))
    app.run()
    if view.startswith("lso"):
        app.number_input(key="lso_steps").set_value(3).run()
    assert not app.exception
    return [each.value for each in app.code if "engine" in each.value]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """In an empty folder, where a job that somebody waits for is done at once, in this process."""

    def start(store) -> None:
        queue = Queue(store.workspace)
        queue.sit(["here/cpu"], identity())

        def work() -> None:
            while job := queue.claim("here/cpu", identity()):
                carry_out(store, job.spec, Folder(queue.folder_of(job.id)).path, lambda: False, "cpu")
                queue.finish(job.id, identity(), "done")

        Thread(target=work).start()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("engine.jobs.launched.backend", lambda store: SimpleNamespace(start=lambda: start(store)))
    monkeypatch.setattr(Queue, "workers", lambda queue: {})  # each who waits starts one
    monkeypatch.setattr("explorer.jobs.ready", lambda: "")
    services.use(None)
    yield tmp_path
    services.use(None)


@pytest.mark.parametrize("view", VIEWS)
def test_what_a_page_offers_runs_as_it_is_copied(view, here, capsys, host):
    program, *commands = offered(view)
    found: dict = {}
    exec(compile(program, view, "exec"), found)  # what a person pastes
    for command in commands:
        python, m, engine, *words = shlex.split(command)
        assert [python, m, engine] == ["python", "-m", "engine"]
        assert main(words) == 0
    printed = capsys.readouterr().out
    page = view.partition(",")[0]
    if view == "interpolation":
        a, b = re.search(r"space\.at\('(.+?)', '(.+?)', gamma=0.25\)", program).groups()
        step = host.step("netspace-digits", a, b, 0.25, images="all")
        assert f"{step.accuracy:.4f}"[:5] in printed
    if page == "shapes":
        assert (here / "shape.glb").read_bytes()[:4] == b"glTF"
    if view == "interpolation, of images":
        assert (here / "picture.png").read_bytes()[1:4] == b"PNG" and (here / "between.safetensors").exists()
    if page == "latent_map":
        assert ("dims=3" in program) == ("solid" in view)
        assert "solid" in view or "'test_accuracy', across='steps'" in program and "space.path(" in program
    if page == "nern":
        assert found["net"].architecture and "prune=0.25, bits=8" in program and "agreement" in printed
        assert (here / "reconstructed.safetensors").exists()
    if page == "lso":
        assert "steps=3" in program and found["job"].state == "done" and printed.count("best_step") == 1 and "best at step" in printed
        by_program, by_command = (job.spec for job in Queue(here / "workspace").jobs(9))
        assert by_program == by_command, "the command asks for what the program asks for"
    if page == "properties":
        assert "embedding" in printed and "bootstrap" in printed


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
