"""LSO and Training without a browser: what a form launches is what it shows, and what cannot be launched says why. No worker runs."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import trimesh
from streamlit.testing.v1 import AppTest

from engine import presets
from engine.core.artifacts import Store, manifest_of
from engine.core.config import plain
from engine.jobs import specs
from engine.jobs.queue import Queue
from engine.kinds.configs import read_config
from engine.kinds.netspace.auto import AutoSpaceConfig
from engine.learn.config import LsoConfig
from engine.zoos.config import ImportConfig
from explorer import jobs, services
from tests.tiny import SPACE, ZOO, write_tiny
from tests.tiny_shapes import SPACE as SHAPES
from tests.tiny_shapes import write_tiny_shapes
from tests.tiny_zoos import rows_of

KINDS = (
    "zoo-digits",
    "netspace-digits",
    "zoo-chairs",
    "netspace-chairs-probe",
    "zoo-digits-multi",
    "netspace-digits-unseen",
    "zoo-digits-inr",
    "netspace-digits-inr",
    "network-digits",
    "nern-digits",
)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    root = tmp_path_factory.mktemp("gallery")
    write_tiny(Store(root, root))
    write_tiny_shapes(Store(root, root))
    return root


@pytest.fixture
def queue(gallery, tmp_path, monkeypatch) -> Queue:
    """An empty queue over a gallery of two tiny spaces; launching starts no worker."""
    monkeypatch.setattr(jobs, "ready", lambda: SimpleNamespace(problem=None))
    monkeypatch.delenv("EXPLORER_JOBS", raising=False)
    services.use(Store(tmp_path, gallery))
    yield Queue(tmp_path)
    services.use(None)


def lso():
    import runpy
    from pathlib import Path

    from explorer import controls, state

    state.read("lso")
    runpy.run_path(str(Path(controls.__file__).resolve().parents[1] / "pages" / "lso.py"))
    state.write()


def training():
    import runpy
    from pathlib import Path

    from explorer import controls, state

    state.read("training")
    runpy.run_path(str(Path(controls.__file__).resolve().parents[1] / "pages" / "training.py"))
    state.write()


def opened(page, **query: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=120)
    app.query_params.update(query)
    app.run()
    assert not app.exception, app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception
    return app


def test_every_kind_of_config_is_a_form_here():
    """KINDS has one preset of each, so the next test sees every widget."""
    assert {type(presets.config(name)) for name in KINDS} == {type(presets.config(name)) for name in presets.presets()}


@pytest.mark.parametrize("preset", KINDS)
def test_a_form_left_as_it_is_launches_the_preset(queue, preset):
    press(opened(training, preset=preset), "Launch")
    (job,) = queue.jobs()
    assert job.state == "queued" and specs.config_of(job.spec) == presets.config(preset)


def test_a_changed_field_is_launched_and_gets_a_name_of_its_own(queue):
    app = opened(training, preset="netspace-digits")
    next(field for field in app.number_input if field.label == "Training length (steps)").set_value(7)
    press(app.run(), "Launch")
    (job,) = queue.jobs()
    config = specs.config_of(job.spec)
    assert config.steps == 7 and config != presets.config("netspace-digits")
    assert job.spec["id"].startswith("netspace-digits-") and job.id in app.query_params["job"]


def test_what_cannot_be_trained_says_why_and_has_no_launch(queue):
    app = opened(training, preset="netspace-digits")
    next(field for field in app.number_input if field.label == "Embedding size (numbers)").set_value(250)
    app.run()
    assert "square of an even number" in app.error[0].value
    assert "Launch" not in [button.label for button in app.button] and queue.jobs() == []


def test_an_ended_job_can_be_deleted_a_waiting_one_cannot(queue):
    press(opened(training, preset="zoo-digits"), "Launch")
    (job,) = queue.jobs()
    assert "Delete" not in [button.label for button in opened(training).button]
    queue.stop(job.id)
    assert queue.job(job.id).state == "stopped"
    assert "Delete" in [button.label for button in opened(training).button]


@pytest.mark.parametrize("page", [lso, training])
def test_a_link_to_a_deleted_job_says_so(queue, page):
    app = opened(page, job="lso-00000000-9", **({"space": SPACE} if page is lso else {}))
    assert any("lso-00000000-9" in warning.value for warning in app.warning)
    assert "job" not in app.query_params


def test_lso_launches_what_the_link_says(queue):
    rows = services.host().space(SPACE).table["id"].tolist()
    press(opened(lso, space=SPACE, start="line", a=rows[0], b=rows[1], gamma="0.250", objective="task"), "Launch")
    (job,) = queue.jobs()
    assert specs.config_of(job.spec) == LsoConfig(SPACE, a=rows[0], b=rows[1], gamma=0.25, objective="task")


def test_lso_starts_at_a_place_of_the_map(queue):
    press(opened(lso, space=SPACE, start="map", xy="[0.500, -0.250]"), "Launch")
    (job,) = queue.jobs()
    config = specs.config_of(job.spec)
    assert tuple(config.xy) == (0.5, -0.25) and config.a == "" and config.objective == "distillation"


def test_a_space_of_shapes_has_objectives_of_its_own(queue):
    (objective,) = [box for box in opened(lso, space=SHAPES).selectbox if box.label == "Objective"]
    (plain,) = [box for box in opened(lso, space=SPACE).selectbox if box.label == "Objective"]
    assert len(objective.options) == 2 and len(plain.options) == 3
    app = opened(lso, space=SHAPES, objective="cloud")
    (launch,) = [button for button in app.button if button.label == "Launch"]
    assert launch.disabled  # there is no cloud yet


def test_a_training_in_the_list_opens_by_its_name(queue):
    """A button, for a link to the page that one is on would leave the URL as it was."""
    for preset in ("zoo-digits", "netspace-digits"):
        press(opened(training, preset=preset), "Launch")
    older, newer = sorted(queue.jobs(), key=lambda job: job.number)
    app = opened(training, job=newer.id)
    next(button for button in app.button if button.label.startswith(f"{older.id} ")).click().run()
    assert older.id in app.query_params["job"]


def test_a_taken_name_is_told_and_replaced_only_when_that_is_said(queue):
    app = opened(training, preset="zoo-digits")
    next(field for field in app.text_input if field.label == "Name of the artifact").set_value(SPACE)
    app.run()
    assert not app.exception and any(f"{SPACE} is taken" in warning.value for warning in app.warning)
    assert next(button for button in app.button if button.label == "Launch").disabled
    next(toggle for toggle in app.toggle if toggle.label == "Replace it").set_value(True)
    press(app.run(), "Launch")
    (job,) = queue.jobs()
    assert job.spec["id"] == SPACE and job.spec["replace"] is True


def test_a_folder_of_meshes_becomes_a_zoo_from_its_form(queue, tmp_path):
    def asked(path) -> AppTest:
        app = opened(training)
        app.text_input(key="meshes_path").set_value(str(path))
        app.selectbox(key="meshes_up").set_value("z")
        return press(app, "Fit networks to them")

    assert "There is no folder" in asked(tmp_path / "gone").error[0].value and not queue.jobs()
    (tmp_path / "My Boxes").mkdir()
    for number in range(5):
        trimesh.creation.box((1.0, 1.0, 0.6 + 0.2 * number)).export(tmp_path / "My Boxes" / f"{number}.ply")
    asked(tmp_path / "My Boxes")
    (job,) = queue.jobs()
    config = job.spec["config"]
    assert (job.spec["id"], config["up"], config["train"], config["val"], config["test"]) == ("zoo-my-boxes", "z", 2, 1, 2)
    assert config["dataset"] == str(tmp_path / "My Boxes")


def test_a_zoo_is_imported_from_its_form(queue, tmp_path):
    def asked(path: str) -> AppTest:
        app = opened(training)
        next(field for field in app.text_input if field.label == "Folder or file").set_value(path)
        next(field for field in app.selectbox if field.key == "import_architecture").set_value("lenetlike-small-digits")
        return press(app, "Import")

    assert "There is no file or folder" in asked(str(tmp_path / "gone")).error[0].value and not queue.jobs()
    np.savez(tmp_path / "Their Zoo.npz", parameters=rows_of(3))
    app = asked(str(tmp_path / "Their Zoo.npz"))
    (job,) = queue.jobs()
    assert job.spec["kind"] == "import" and job.spec["id"] == "zoo-their-zoo" and job.id in app.query_params["job"]
    assert specs.config_of(job.spec) == ImportConfig(str(tmp_path / "Their Zoo.npz"), "lenetlike-small-digits")
    words = specs.command(job.spec)
    assert words == ["zoo", "import", str(tmp_path / "Their Zoo.npz"), "--architecture", "lenetlike-small-digits", "--id", "zoo-their-zoo"]


def alone(root) -> None:
    """A zoo that no space was made from, of the tiny one's instances."""
    store = Store(root, root)
    zoo = store.open(ZOO)
    config, table = replace(read_config(zoo), train=2, test=2), zoo.table("instances.parquet")
    table["split"] = ["train", "train", "val", "test", "test"]
    arrays = {"parameters.safetensors": zoo.arrays("parameters.safetensors")}
    store.write(manifest_of(config, "zoo-alone", "Alone", "zoo-alone"), arrays, {"instances.parquet": table}, root)


def test_a_zoo_without_a_space_offers_one(queue, tmp_path):
    write_tiny(Store(tmp_path, tmp_path))
    assert not [button for button in opened(training).button if button.label.startswith("Train a space of")], "each has one"
    alone(tmp_path)
    press(opened(training), "Train a space of zoo-alone")
    (job,) = queue.jobs()
    assert job.spec == {"kind": "train", "preset": "netspace", "id": "netspace-alone", "config": plain(AutoSpaceConfig("zoo-alone"))}
    assert specs.config_of(job.spec) == AutoSpaceConfig("zoo-alone")
    assert specs.command(job.spec)[:6] == ["train", "netspace", "--id", "netspace-alone", "--zoo", "zoo-alone"]
