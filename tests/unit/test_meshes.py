"""Meshes of someone else's making: what is read, and what is refused by name."""

import json
import os
import struct

import numpy as np
import pytest
import trimesh

from engine.errors import ExplorerError
from engine.shapes import meshes
from engine.shapes.chairs import RADIUS
from engine.shapes.meshes import MeshError, read_deepsdf, read_folder, read_mesh


def box(**options) -> trimesh.Trimesh:
    return trimesh.creation.box((2.0, 4.0, 1.0), **options)


@pytest.mark.parametrize("suffix", meshes.SUFFIXES)
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


def glb(document: dict, binary: bytes = b"") -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text
    if binary:
        body += struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


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
    "boast.glb": glb({**TRIANGLE, "accessors": [{"componentType": 5126, "count": 10**12, "type": "VEC3"}]}),
    "short.glb": glb(TRIANGLE, bytes(4)),
    "flat.glb": glb(TRIANGLE, np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes()),
    "wrong-keys.npz": None,
}


@pytest.mark.parametrize("name", [name for name in BROKEN if BROKEN[name] is not None])
def test_each_broken_file_is_a_named_error(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(BROKEN[name])
    with pytest.raises(ExplorerError) as caught:
        read_mesh(path).samples(100, 0)
    assert name in str(caught.value) or "volume" in str(caught.value)


def test_a_glb_reads_no_other_file(tmp_path):
    (tmp_path / "secret.bin").write_bytes(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes())
    (tmp_path / "a.glb").write_bytes(glb({**TRIANGLE, "buffers": [{"byteLength": 36, "uri": "secret.bin"}]}))
    with pytest.raises(MeshError):
        read_mesh(tmp_path / "a.glb")


def test_limits_are_checked_first(tmp_path, monkeypatch):
    monkeypatch.setattr(meshes, "MAX_FACES", 11)
    for suffix in meshes.SUFFIXES:
        box().export(tmp_path / f"box{suffix}")
        with pytest.raises(MeshError, match="12 triangles" if suffix != ".glb" else "triangles"):
            read_mesh(tmp_path / f"box{suffix}")
    path = tmp_path / "large.stl"
    path.touch()
    os.truncate(path, meshes.MAX_BYTES + 1)  # a sparse file: nothing is written
    with pytest.raises(MeshError, match="256"):
        read_mesh(path)
    with pytest.raises(MeshError, match="convert"):
        read_mesh(tmp_path / "box.blend")
    with pytest.raises(MeshError, match="opened"):
        read_mesh(tmp_path / "nowhere.obj")


def deepsdf_tables(count: int = 50) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    tables = {name: rng.uniform(-1, 1, (count, 4)).astype(np.float32) for name in ("pos", "neg")}
    tables["pos"][:, 3], tables["neg"][:, 3] = abs(tables["pos"][:, 3]), -abs(tables["neg"][:, 3])
    return tables


def test_deepsdf_samples_are_read(tmp_path):
    tables = deepsdf_tables()
    tables["pos"][3, 1] = np.nan  # DeepSDF's own files have such rows
    np.savez(tmp_path / "chair.npz", **tables)
    samples = read_deepsdf(tmp_path / "chair.npz", 200, seed=0)
    assert samples.points_Q3.shape == (200, 3) and np.isfinite(samples.points_Q3).all()
    assert (samples.sdf_Q[::2] <= 0).all() and (samples.sdf_Q[1::2] >= 0).all()
    rows = {tuple(row) for row in tables["neg"][:, :3]}
    assert all(tuple(point) in rows for point in samples.points_Q3[::2])


@pytest.mark.parametrize(
    "wrong",
    [
        {"pos": np.zeros((4, 4), np.float32)},
        {"pos": np.zeros((4, 3), np.float32), "neg": np.zeros((4, 4), np.float32)},
        {"pos": np.array([{"a": 1}], dtype=object), "neg": np.zeros((4, 4), np.float32)},
        {"pos": np.full((4, 4), np.nan, np.float32), "neg": np.zeros((4, 4), np.float32)},
        {"pos": np.full((4, 4), -1, np.float32), "neg": np.full((4, 4), 1, np.float32)},
        {"pos": np.zeros((4, 4), "U5"), "neg": np.zeros((4, 4), np.float32)},
    ],
)
def test_a_wrong_sample_file_is_a_named_error(tmp_path, wrong):
    np.savez(tmp_path / "wrong.npz", **wrong)
    with pytest.raises(MeshError, match="wrong.npz"):
        read_deepsdf(tmp_path / "wrong.npz", 10, 0)


def test_a_cut_off_or_boasting_sample_file_is_a_named_error(tmp_path):
    np.savez(tmp_path / "good.npz", **deepsdf_tables())
    content = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[: len(content) // 2])
    boast = content.replace(b"(50, 4)", b"(9e9,4)")
    (tmp_path / "boast.npz").write_bytes(boast)
    for name in ("cut.npz", "boast.npz"):
        with pytest.raises(MeshError, match=name):
            read_deepsdf(tmp_path / name, 10, 0)


def test_the_rest_of_a_folder_goes_on(tmp_path):
    for name, content in BROKEN.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    np.savez(tmp_path / "wrong-keys.npz", a=np.zeros(3))
    np.savez(tmp_path / "good.npz", **deepsdf_tables())
    box().export(tmp_path / "good.obj")
    (tmp_path / "readme.txt").write_text("not a mesh")
    read = dict(read_folder(tmp_path, 60, seed=0))
    good = {path.name for path, result in read.items() if not isinstance(result, MeshError)}
    assert good == {"good.npz", "good.obj"}
    assert len(read) == len(BROKEN) + 2
    with pytest.raises(MeshError, match="not a folder"):
        list(read_folder(tmp_path / "none", 10, 0))
    (tmp_path / "bare").mkdir()
    with pytest.raises(MeshError, match="holds no mesh"):
        list(read_folder(tmp_path / "bare", 10, 0))
