"""Meshes of someone else's making: what is read, and what is refused by name."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from engine.core.errors import ExplorerError, InvalidValue
from engine.core.limits import Limits
from engine.tasks.distances import formats, meshes, reading
from engine.tasks.distances.chairs import RADIUS
from engine.tasks.distances.meshes import MeshError, MeshShape, SampleShape, read_folder, read_mesh, read_shape
from engine.tasks.distances.pose import Pose
from tests.shape_files import deepsdf, glb, glb_file, table


def box(**options) -> trimesh.Trimesh:
    return trimesh.creation.box((2.0, 4.0, 1.0), **options)


@pytest.mark.parametrize("suffix", meshes.MESH_SUFFIXES)
def test_every_format_gives_the_same_distances(tmp_path, suffix):
    path = tmp_path / f"box{suffix}"
    moved = box()
    moved.apply_translation([5, -3, 100])
    moved.export(path)
    shape = read_mesh(path)
    half = np.array([1, 2, 0.5]) * RADIUS / np.linalg.norm([1, 2, 0.5])
    points = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    side = abs(points) - half
    exact = np.linalg.norm(np.maximum(side, 0), axis=-1) + np.minimum(side.max(-1), 0)
    assert np.allclose(shape.sdf(points), exact, atol=1e-4)
    assert np.linalg.norm(shape.vertices_V3, axis=-1).max() == pytest.approx(RADIUS)
    assert abs(shape.sdf(shape.surface(200, np.random.default_rng(0)))).max() < 1e-6


def test_a_mesh_with_a_hole_still_has_an_inside(tmp_path):
    ball = trimesh.creation.icosphere(subdivisions=4)
    ball.update_faces(ball.triangles_center[:, 1] < 0.93)  # the cap is gone
    assert not ball.is_watertight
    ball.export(tmp_path / "open.ply")
    shape = read_mesh(tmp_path / "open.ply")
    points = np.random.default_rng(1).uniform(-0.9, 0.9, (400, 3))
    points = points[abs(np.linalg.norm(points, axis=-1) - RADIUS) > 0.15]
    assert np.array_equal(shape.sdf(points) < 0, np.linalg.norm(points, axis=-1) < RADIUS)


def test_a_mesh_of_hundreds_of_thousands_of_triangles_is_read_as_it_is(tmp_path):
    """As scans are: nothing is thinned out, and the distances are those of the ball."""
    trimesh.creation.icosphere(subdivisions=7).export(tmp_path / "scan.ply")
    shape = read_mesh(tmp_path / "scan.ply")
    assert len(shape.faces_F3) == 327_680
    points = np.random.default_rng(2).uniform(-1, 1, (500, 3))
    assert np.allclose(shape.sdf(points), np.linalg.norm(points, axis=-1) - RADIUS, atol=1e-3)
    assert abs(np.linalg.norm(shape.surface(200, np.random.default_rng(0)), axis=-1) - RADIUS).max() < 1e-3


def test_a_mesh_inside_out_is_the_same_shape(tmp_path):
    inverted = box()
    inverted.invert()
    inverted.export(tmp_path / "inverted.off")
    assert read_mesh(tmp_path / "inverted.off").sdf(np.zeros((1, 3)))[0] < 0


def test_parts_of_a_scene_are_taken_together(tmp_path):
    scene = trimesh.Scene([box(), trimesh.creation.icosphere(radius=0.5)])
    scene.geometry[next(iter(scene.geometry))].apply_translation([3, 0, 0])
    scene.export(tmp_path / "scene.glb")
    assert len(read_mesh(tmp_path / "scene.glb").faces_F3) == 12 + 1280


def test_samples_are_balanced_and_repeat(tmp_path):
    box().export(tmp_path / "box.stl")
    samples = read_mesh(tmp_path / "box.stl").samples(400, seed=3)
    assert (samples.sdf_Q[::2] < 0).all() and (samples.sdf_Q[1::2] >= 0).all()
    assert np.array_equal(samples.points_Q3, read_mesh(tmp_path / "box.stl").samples(400, seed=3).points_Q3)


TRIANGLE = {
    "asset": {"version": "2.0"},
    "scenes": [{"nodes": [0]}],
    "nodes": [{"mesh": 0}],
    "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
    "accessors": [{"componentType": 5126, "count": 3, "type": "VEC3", "bufferView": 0}],
    "bufferViews": [{"buffer": 0, "byteLength": 36}],
    "buffers": [{"byteLength": 36}],
}

BROKEN = {
    "empty.obj": b"",
    "words.obj": b"this is not a mesh\n",
    "corner-missing.obj": b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n",
    "nan.obj": b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
    "huge-numbers.obj": b"v 1e308 0 0\nv -1e308 0 0\nv 0 1e308 0\nf 1 2 3\n",
    "point.obj": b"v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n",
    "line.obj": b"v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n",
    "no-faces.ply": b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\nend_header\n0 0 0\n",
    "boast.ply": b"ply\nformat binary_little_endian 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    b"element face 4000000000\nproperty list uchar int vertex_indices\nend_header\n" + bytes(40),
    "boast.stl": bytes(80) + struct.pack("<I", 4_000_000_000) + bytes(50),
    "short.stl": bytes(80) + struct.pack("<I", 12) + bytes(50),
    "boast.off": b"OFF\n3 4000000000 0\n0 0 0\n",
    "noise.glb": bytes(range(256)) * 8,
    "boast.glb": glb_file({**TRIANGLE, "accessors": [{"componentType": 5126, "count": 10**12, "type": "VEC3"}]}),
    "short.glb": glb_file(TRIANGLE, bytes(4)),
    "flat.glb": glb_file(TRIANGLE, np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes()),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_file_is_a_named_error(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(BROKEN[name])
    with pytest.raises(ExplorerError) as caught:
        kind, pair, _ = reading.shape_of(path, name, Pose())
        meshes.samples_of(name, MeshShape(*pair), 100, 0)
    assert name in str(caught.value)


def test_a_glb_reads_no_other_file(tmp_path):
    (tmp_path / "secret.bin").write_bytes(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes())
    (tmp_path / "a.glb").write_bytes(glb_file({**TRIANGLE, "buffers": [{"byteLength": 36, "uri": "secret.bin"}]}))
    with pytest.raises(MeshError):
        read_mesh(tmp_path / "a.glb")


def test_sizes_are_checked_first(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "MAX_FACES", 11)
    for suffix in meshes.MESH_SUFFIXES:
        content = box().export(file_type=suffix[1:])
        with pytest.raises(InvalidValue, match="12 triangles"):
            formats.parse(content.encode() if isinstance(content, str) else content, suffix[1:])
    path = tmp_path / "large.stl"
    path.touch()
    os.truncate(path, meshes.MAX_BYTES + 1)  # a sparse file: nothing is written
    with pytest.raises(MeshError, match="256"):
        read_mesh(path)
    with pytest.raises(MeshError, match="convert"):
        read_mesh(tmp_path / "box.blend")
    with pytest.raises(MeshError, match="opened"):
        read_mesh(tmp_path / "nowhere.obj")


def test_a_mesh_that_takes_too_long_ends_at_a_limit_and_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(meshes, "LIMITS", Limits(cpu=1, wall=60))
    trimesh.creation.icosphere(subdivisions=7).export(tmp_path / "heavy.obj")
    with pytest.raises(MeshError, match="heavy.obj.*processor time"):
        read_mesh(tmp_path / "heavy.obj")


def test_one_heavy_file_does_not_take_its_batch_along(tmp_path, monkeypatch):
    """A batch that runs into a limit is read again file by file, and only the one to blame is left out."""
    heavy = set()

    def limited(call, given, what, limits, stop):
        if any("heavy" in name for _, name in given["files"]):
            heavy.add(what)
            raise InvalidValue(f"{what} took too long to read.")
        return reading.read(**given)

    monkeypatch.setattr(meshes, "limited", limited)
    for name in ("a", "heavy", "z"):
        box().export(tmp_path / f"{name}.ply")
    found = {file.name: shape for file, shape in read_folder(tmp_path)}
    assert isinstance(found["heavy.ply"], MeshError) and "heavy.ply" in str(found["heavy.ply"])
    assert all(isinstance(found[name], MeshShape) for name in ("a.ply", "z.ply")) and heavy == {"A batch of 3 files", "heavy.ply"}


def test_reading_can_be_stopped(tmp_path):
    from engine.core.errors import Stopped

    trimesh.creation.icosphere(subdivisions=6).export(tmp_path / "ball.obj")
    with pytest.raises(Stopped):
        read_shape(tmp_path / "ball.obj", stop=lambda: True)


PACKED = {
    "KHR_draco_mesh_compression": {"extensionsRequired": ["KHR_draco_mesh_compression"]},
    "EXT_meshopt_compression": {"extensionsUsed": ["EXT_meshopt_compression"]},
    "KHR_mesh_quantization": {"extensionsRequired": ["KHR_mesh_quantization"], "extensionsUsed": ["KHR_mesh_quantization"]},
    "EXT_mesh_gpu_instancing": {"extensionsUsed": ["EXT_mesh_gpu_instancing"]},
    "ACME_shapes": {"extensionsRequired": ["ACME_shapes"]},
}


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_glb_is_refused_by_the_name_of_its_extension(name):
    with pytest.raises(InvalidValue, match=name):
        formats.parse(glb(table(), **PACKED[name]), "glb")


def test_what_only_concerns_a_glbs_looks_does_not_matter():
    names = ["KHR_texture_basisu", "KHR_materials_unlit", "EXT_texture_webp"]
    more = {"extensionsRequired": names, "extensionsUsed": [*names, "KHR_draco_mesh_compression"]}
    images = {
        "images": [{"mimeType": "image/ktx2", "uri": "nowhere.ktx2"}],
        "textures": [{"extensions": {"KHR_texture_basisu": {"source": 0}}}],
    }
    assert len(formats.parse(glb(table(), **more, **images), "glb")[1]) == 72


POSITIONS = {"componentType": 5126, "count": 48, "type": "VEC3", "bufferView": 0}
CORNERS = {"componentType": 5125, "count": 216, "type": "SCALAR", "bufferView": 1}
UNREAD = {
    "fans": {"meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}, {"attributes": {"POSITION": 0}, "mode": 6}]}]},
    "sparse": {
        "accessors": [
            {**POSITIONS, "sparse": {"count": 1, "indices": {"bufferView": 1, "componentType": 5125}, "values": {"bufferView": 0}}},
            CORNERS,
        ]
    },
    "no scene": {"scenes": []},
}


@pytest.mark.parametrize("what", UNREAD)
def test_a_part_of_a_glb_that_is_not_read_is_refused_not_left_out(what):
    with pytest.raises(InvalidValue, match=what):
        formats.parse(glb(table(), **UNREAD[what]), "glb")


def test_nodes_of_a_glb_that_lie_in_a_circle_end():
    nodes = [{"mesh": 0, "children": [1]}, {"children": [0, 1]}]
    assert len(formats.parse(glb(table(), nodes=nodes), "glb")[1]) == 72


def test_a_glb_of_very_many_instances_is_refused_before_it_is_parsed(monkeypatch):
    monkeypatch.setattr(formats.trimesh, "load_scene", lambda *_, **__: pytest.fail("it was parsed"))
    for instances in (200_000, formats.MAX_PARTS + 1):
        with pytest.raises(InvalidValue, match="triangles|parts"):
            formats.parse(glb(table(), instances), "glb")


def test_instances_of_a_glb_are_placed_each():
    vertices_V3, faces_F3 = formats.parse(glb(table(), 500), "glb")
    assert len(faces_F3) == 500 * 72 and np.ptp(vertices_V3[:, 0]) == pytest.approx(500, abs=1e-3)


def test_a_mirrored_part_of_a_scene_keeps_its_outside():
    mirrored = glb(table(), nodes=[{"mesh": 0, "scale": [-1, 1, 1]}])
    volume = [trimesh.Trimesh(*formats.parse(content, "glb"), process=False).volume for content in (glb(table()), mirrored)]
    assert volume[0] > 0 and volume[1] == pytest.approx(volume[0], rel=1e-5)


def test_deepsdf_samples_are_read_as_they_are(tmp_path):
    tables = deepsdf()
    tables["pos"][3, 1] = np.nan  # DeepSDF's own files have such rows
    np.savez(tmp_path / "chair.npz", **tables)
    shape = read_shape(tmp_path / "chair.npz")
    assert isinstance(shape, SampleShape) and not shape.notes
    samples = shape.samples(200, seed=0)
    assert samples.points_Q3.shape == (200, 3) and np.isfinite(samples.points_Q3).all()
    assert (samples.sdf_Q[::2] <= 0).all() and (samples.sdf_Q[1::2] >= 0).all()
    rows = {tuple(row) for row in tables["neg"][:, :3]}
    assert all(tuple(point) in rows for point in samples.points_Q3[::2])


@pytest.mark.parametrize("scale", [100.0, 0.01])
def test_deepsdf_samples_in_another_unit_are_the_same_shape(tmp_path, scale):
    np.savez(tmp_path / "ball.npz", **deepsdf(scale))
    shape = read_shape(tmp_path / "ball.npz")
    assert any("units" in note for note in shape.notes)
    points = np.random.default_rng(1).uniform(-0.95, 0.95, (2000, 3))
    wanted = np.linalg.norm(points, axis=1) < RADIUS
    inside = shape.sdf(points) < 0
    assert (wanted & inside).sum() / (wanted | inside).sum() > 0.95


@pytest.mark.parametrize("distances", [100.0, 0.01, -1.0])
def test_distances_that_are_not_those_of_the_points_are_refused(tmp_path, distances):
    np.savez(tmp_path / "odd.npz", **deepsdf(distances=distances))
    with pytest.raises(MeshError, match="odd.npz.*(fit its points|wrong sign)"):
        read_shape(tmp_path / "odd.npz")


def test_truncated_distances_are_refused(tmp_path):
    tables = deepsdf()
    for rows in tables.values():
        rows[:, 3] = rows[:, 3].clip(-0.02, 0.02)
    np.savez(tmp_path / "cut.npz", **tables)
    with pytest.raises(MeshError, match="cut off"):
        read_shape(tmp_path / "cut.npz")


WRONG_SAMPLES = [
    {"pos": np.zeros((4, 4), np.float32)},
    {"pos": np.zeros((4, 3), np.float32), "neg": np.zeros((4, 4), np.float32)},
    {"pos": np.array([{"a": 1}], dtype=object), "neg": np.zeros((4, 4), np.float32)},
    {"pos": np.full((4, 4), np.nan, np.float32), "neg": np.zeros((4, 4), np.float32)},
    {"pos": np.full((4, 4), -1, np.float32), "neg": np.full((4, 4), 1, np.float32)},
    {"pos": np.zeros((4, 4), "U5"), "neg": np.zeros((4, 4), np.float32)},
    {"pos": np.ones((4, 4), np.float32), "neg": -np.ones((4, 4), np.float32)},  # an inside of one point
]


def test_wrong_sample_files_are_named_errors(tmp_path):
    for index, wrong in enumerate(WRONG_SAMPLES):
        np.savez(tmp_path / f"wrong{index}.npz", **wrong)
    np.savez(tmp_path / "good.npz", **deepsdf())
    content = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[: len(content) // 2])
    rows = str(len(deepsdf()["pos"])).encode()
    (tmp_path / "boast.npz").write_bytes(content.replace(b"(" + rows + b", 4)", b"(9" + b"0" * len(rows) + b",4)"))
    found = {file.name: shape for file, shape in read_folder(tmp_path)}
    assert len(found) == len(WRONG_SAMPLES) + 3 and isinstance(found.pop("good.npz"), SampleShape)
    for name, error in found.items():
        assert isinstance(error, MeshError) and name in str(error) and len(str(error)) > 30, name


def test_the_rest_of_a_folder_goes_on(tmp_path):
    for name, content in BROKEN.items():
        (tmp_path / name).write_bytes(content)
    np.savez(tmp_path / "wrong-keys.npz", a=np.zeros(3))
    np.savez(tmp_path / "good.npz", **deepsdf())
    box().export(tmp_path / "good.obj")
    (tmp_path / "readme.txt").write_text("not a mesh")
    read = {file.name: result for file, result in read_folder(tmp_path)}
    sheets = {"flat.glb"}  # reads, and encloses nothing
    good = {name for name, result in read.items() if not isinstance(result, MeshError)}
    assert good == {"good.npz", "good.obj"} | sheets
    assert len(read) == len(BROKEN) + 3
    for name in read.keys() - good:
        assert name in str(read[name]) and "Traceback" not in str(read[name])
    with pytest.raises(MeshError, match="encloses nothing"):
        meshes.samples_of("flat.glb", read["flat.glb"], 2, 0)
    with pytest.raises(MeshError, match="not a folder"):
        list(read_folder(tmp_path / "none"))
    (tmp_path / "bare").mkdir()
    with pytest.raises(MeshError, match="holds no mesh"):
        list(read_folder(tmp_path / "bare"))


def test_meshes_lie_at_any_depth_and_shapenets_are_named_by_their_id(tmp_path):
    for place in (
        "1006be65/models/model_normalized.obj",
        "2a05d684/models/model_normalized.obj",
        "chairs/old/stool.obj",
        "lone.obj",
        "model.obj",
        ".hidden/x.obj",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        box().export(tmp_path / place)
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [file.name for file in meshes.shape_files(tmp_path)] == ["1006be65", "2a05d684", "chairs/old/stool.obj", "lone.obj", "model.obj"]


@pytest.mark.parametrize("up", ["q", "", "Y", None])
def test_another_up_axis_is_refused(up):
    with pytest.raises(InvalidValue, match="up axis"):
        Pose(up)
    for turn in (4, -1, 0.5, True):
        with pytest.raises(InvalidValue, match="turn"):
            Pose("y", turn)


def test_a_folder_of_links_names_that_are_no_text_and_files_that_go_is_read(tmp_path, monkeypatch, caplog):
    """ShapeNet's folders are linked to from elsewhere; a folder links to itself; one file goes while the others are read, one
    folder may not be read, one file is larger than is read."""
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    for place in (elsewhere / "x/model.obj", folder / "a.obj", folder / "gone.obj", folder / "large.obj", folder / "closed/b.obj"):
        place.parent.mkdir(parents=True, exist_ok=True)
        box().export(place)
    os.rename(os.fsencode(folder / "a.obj"), os.fsencode(folder) + b"/caf\xe9.obj")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "again").symlink_to(folder)
    (elsewhere / "back").symlink_to(folder)
    files, listing = meshes.shape_files(folder), Path.iterdir
    assert [file.name for file in files] == ["caf\ufffd.obj", "closed/b.obj", "gone.obj", "large.obj", "linked/x"]

    def iterdir(path):
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    listed = meshes.shape_files
    monkeypatch.setattr(meshes, "shape_files", lambda folder: [listed(folder), (folder / "gone.obj").unlink()][0])
    monkeypatch.setattr(meshes, "MAX_BYTES", (folder / "large.obj").write_bytes((folder / "gone.obj").read_bytes() + b"# more") - 1)
    read = {file.name: found for file, found in read_folder(folder)}
    assert {name for name, found in read.items() if not isinstance(found, MeshError)} == {"caf\ufffd.obj", "linked/x"}
    assert "gone.obj" in str(read["gone.obj"]) and "at most" in str(read["large.obj"]) and "closed" in caplog.text
