"""A zoo of a folder of other people's shapes: which are used, how they stand, and what is said of networks that do not fit."""

from __future__ import annotations

import logging
import math

import numpy as np
import pandas as pd
import pytest
import trimesh

from engine.core.errors import InvalidValue
from engine.tasks.distances import zoo
from engine.tasks.distances.config import ShapeZooConfig
from engine.tasks.distances.pose import Pose
from engine.tasks.distances.sources import Folder, source_of
from tests.commands import call as run
from tests.shape_files import deepsdf, obj, table

pytestmark = pytest.mark.usefixtures("one_thread")
TINY = ("--architecture", "siren-small", "--train", "1", "--val", "1", "--test", "1", "--batch", "256", "--queries", "2048", "--stack", "3")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two meshes in ShapeNet's layout, samples in another unit, and a file that is none."""
    root = tmp_path_factory.mktemp("shapes")
    for id_, size in (("aa11", (1, 1.2, 0.8)), ("bb22", (1, 0.5, 1))):
        (root / id_ / "models").mkdir(parents=True)
        trimesh.creation.box(size).export(root / id_ / "models" / "model_normalized.obj")
    np.savez(root / "cc33.npz", **deepsdf(100.0))
    (root / "broken.ply").write_text("ply\n")
    return root


def test_a_folder_of_many_forms_becomes_a_zoo_that_fits(folder, tmp_path, capsys, caplog):
    workspace = tmp_path / "workspace"
    arguments = ("--dataset", str(folder), "--steps", "300", "--lr", "3e-3", *TINY)
    code, value, _ = run(capsys, workspace, "train", "zoo-chairs", "--id", "zoo-mine", *arguments, "--device", "cpu")
    assert code == 0 and value["metrics"]["fit_iou_min"]["value"] > 0.7 and value["metrics"]["fit_failed"]["value"] == 0
    table = pd.read_parquet(workspace / "zoo-mine" / "instances.parquet")
    assert table["file"].tolist() == ["aa11", "bb22", "cc33.npz"]
    assert "broken.ply" in caplog.text and "units" in caplog.text


def test_a_zoo_whose_fits_fail_says_so_and_names_which(folder, tmp_path, capsys):
    arguments = ("--dataset", str(folder), "--steps", "1", "--lr", "1e-6", *TINY)
    code, _, error = run(capsys, tmp_path / "workspace", "train", "zoo-chairs", "--id", "zoo-bad", *arguments, "--device", "cpu")
    assert code == 2 and "do not fit their shapes (IoU below 0.5)" in error and "aa11" in error
    assert (tmp_path / "workspace" / "zoo-bad" / "manifest.json").is_file(), "what was made is kept"


def test_the_up_axis_holds_for_a_folder(tmp_path):
    vertices_V3, faces_F3 = table()
    for name in "abc":
        (tmp_path / f"{name}.obj").write_bytes(obj((vertices_V3 @ Pose("z", 1).matrix(), faces_F3)))
    fields = {"dataset": str(tmp_path), "train": 1, "val": 1, "test": 1, "batch": 2, "queries": 2}
    lying, upright = (source_of(ShapeZooConfig("siren-small", **fields, **more)) for more in ({}, {"up": "z", "turn": 1}))
    assert np.argmax(np.ptp(lying.shapes[0].vertices_V3, axis=0)) != 1 and np.argmax(np.ptp(upright.shapes[0].vertices_V3, axis=0)) == 1
    with pytest.raises(InvalidValue, match="up"):
        source_of(ShapeZooConfig("siren-small", up="z"))
    with pytest.raises(InvalidValue, match="up"):
        ShapeZooConfig("siren-small", dataset="folder", up="north")


def test_a_folder_of_too_few_says_how_many_were_left_out(folder):
    with pytest.raises(InvalidValue, match="3 usable shapes; 1 more"):
        Folder(folder, 4, 0)


def fits(*values: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"id": [f"mesh-{i}" for i in range(len(values))], "file": [f"f{i}.obj" for i in range(len(values))], "fit_iou": values}
    )


def test_undefined_fits_are_no_perfect_ones():
    said = zoo.metrics_of(fits(0.9, math.nan, 0.8))
    assert said["fit_iou_mean"]["value"] == pytest.approx(0.85) and said["fit_iou_mean"]["n"] == 2 and said["fit_failed"]["value"] == 1
    assert zoo.failed(fits(0.9, math.nan, 0.1)) == ["mesh-1 (f1.obj) undefined", "mesh-2 (f2.obj) 0.10"]
    nothing = zoo.metrics_of(fits(math.nan, math.nan))
    assert nothing["fit_iou_mean"]["value"] is None and nothing["fit_iou_min"]["value"] is None


def test_a_few_failed_fits_are_a_warning_and_most_an_error(caplog):
    with caplog.at_level(logging.WARNING):
        zoo.check_fits("zoo-x", fits(0.9, 0.9, 0.5))
        assert not caplog.text, "the bound itself is good enough"
        zoo.check_fits("zoo-x", fits(0.9, 0.9, 0.2))
    assert "mesh-2 (f2.obj) 0.20" in caplog.text
    with pytest.raises(InvalidValue, match="2 of 3 networks of zoo-x"):
        zoo.check_fits("zoo-x", fits(0.9, 0.1, 0.2))
