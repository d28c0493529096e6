"""A folder of meshes comes in as a zoo: each that can be used is fitted, upright; what cannot be used and what does not fit is named."""

from __future__ import annotations

import pytest
import trimesh

from engine.core.artifacts import Store
from engine.core.errors import InvalidValue
from engine.zoos.shapes import fit_shapes


@pytest.fixture
def folder(tmp_path, one_thread):
    """Five boxes of other heights along z, and a file that is none."""
    path = tmp_path / "their boxes"
    path.mkdir()
    for number in range(5):
        trimesh.creation.box((1.0, 1.0, 0.6 + 0.2 * number)).export(path / f"box{number}.ply")
    (path / "broken.ply").write_bytes(b"ply\nformat ascii 1.0\nelement vertex 9\n")
    return path


def taken(tmp_path, folder, up: str, steps: int):
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    return fit_shapes(store, folder, up, None, 0, "cpu", lambda title, total: lambda step, metrics: None, steps=steps)


def test_each_mesh_that_can_be_used_is_fitted_and_the_others_are_named(tmp_path, folder):
    artifact, report = taken(tmp_path, folder, "z", 100)
    table, config = artifact.table("instances.parquet"), artifact.manifest.config
    assert artifact.id == "zoo-their-boxes" and config["up"] == "z" and list(table["file"]) == [f"box{i}.ply" for i in range(5)]
    assert report.kept == 5 and [name for name, _ in report.left] == ["broken.ply"] and not report.failed
    assert table["fit_iou"].min() > 0.5 and sorted(set(table["split"])) == ["test", "train", "val"]
    assert any("broken.ply" in line for line in report.lines())
    assert "--up z" in artifact.manifest.provenance["command"]


def test_a_folder_of_too_few_says_what_cannot_be_used(tmp_path, folder):
    for path in folder.glob("box*"):
        path.unlink()
    with pytest.raises(InvalidValue, match="0 shapes of their boxes can be used.*broken"):
        taken(tmp_path, folder, "z", 1)
    with pytest.raises(InvalidValue, match="There is no folder"):
        taken(tmp_path, tmp_path / "gone", "y", 1)
