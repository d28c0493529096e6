"""A mesh is the same shape in whatever format it comes and whatever other programs have done to it."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from engine.core.errors import InvalidValue
from engine.tasks.distances import formats, measures
from engine.tasks.distances.meshes import MeshShape
from engine.tasks.distances.meshing import Mesh
from engine.tasks.distances.pose import AXES, Pose
from engine.tasks.distances.reading import normalised
from tests import shape_files as files

AXIS = (np.arange(40) + 0.5) / 20 - 1
GRID = np.stack(np.meshgrid(AXIS, AXIS, AXIS, indexing="ij"), -1).reshape(-1, 3)
LEAST = 0.97  # IoU with the clean reading


def shape(vertices_V3, faces_F3, pose: Pose = Pose()) -> MeshShape:
    return MeshShape(*normalised(np.asarray(vertices_V3, float), np.asarray(faces_F3, np.int64), pose))


def inside(found: MeshShape) -> np.ndarray:
    return found.sdf(GRID) < 0


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    found = shape(*files.table())
    assert not found.notes and len(found.faces_F3) == 72
    return inside(found)


WRITTEN = {
    "obj": ("obj", files.obj),
    "obj, negative indices": ("obj", lambda mesh: files.obj(mesh, relative=True)),
    "obj, negative indices between the vertices": ("obj", lambda mesh: files.obj(mesh, relative=True, interleaved=True)),
    "obj, v/vt/vn": ("obj", lambda mesh: files.obj(mesh, slashes="/1/1")),
    "obj, v//vn, a group a face": ("obj", lambda mesh: files.obj(mesh, slashes="//1", groups=True)),
    "obj, continued lines, tabs": (
        "obj",
        lambda mesh: files.obj(mesh).replace(b"f ", b"  f\t").replace(b" 0.", b" \\\n 0.").replace(b"\n", b"\r\n"),
    ),
    "obj, quadrilaterals": ("obj", files.quads),
    "ply, text": ("ply", lambda mesh: files.ply(mesh, "ascii")),
    "ply, little": ("ply", lambda mesh: files.ply(mesh, "binary_little_endian")),
    "ply, big": ("ply", lambda mesh: files.ply(mesh, "binary_big_endian")),
    "off, comments": ("off", files.off),
    "stl": ("stl", files.stl),
    "stl, a binary one that begins as text does": ("stl", lambda mesh: files.stl(mesh, b"solid table, exported")),
    "stl, text": ("stl", files.stl_text),
    "glb": ("glb", files.glb),
    "obj, a mark at its start": ("obj", lambda mesh: b"\xef\xbb\xbf" + files.obj(mesh).partition(b".mtl\n")[2]),
    "obj, lines continued behind a space": ("obj", lambda mesh: files.obj(mesh).replace(b"f ", b"f \\ \n")),
    "ply, strips": ("ply", files.strips),
    "off, counts behind the name": ("off", lambda mesh: files.off(mesh).replace(b"OFF # a table\n# made by hand\n", b"OFF")),
    "off, without a name": ("off", lambda mesh: files.off(mesh).partition(b"\n")[2]),
    "off, colours": ("off", lambda mesh: files.off(mesh).replace(b"\n3 ", b" 1 0 0\n3 ")),
    "stl, text in capitals": ("stl", lambda mesh: files.stl_text(mesh).upper()),
    "stl, text with a mark at its start": ("stl", lambda mesh: b"\xef\xbb\xbf" + files.stl_text(mesh)),
    "stl, text with a long name of words that mean something": (
        "stl",
        lambda mesh: b"solid vertex 1 2 3 facet " + b"x" * 9000 + files.stl_text(mesh)[5:],
    ),
    "stl, without normals": ("stl", lambda mesh: files.stl_text(mesh).replace(b"0 0 0", b"nan nan nan")),
    "stl, more behind its end": ("stl", lambda mesh: files.stl(mesh) + b"made by hand"),
    "stl, its count not filled in": ("stl", lambda mesh: files.stl(mesh)[:80] + bytes(4) + files.stl(mesh)[84:]),
    "stl, its count of before": ("stl", lambda mesh: files.stl(mesh)[:80] + bytes([7, 0, 0, 0]) + files.stl(mesh)[84:]),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_every_format_gives_the_same_shape(clean, how):
    kind, write = WRITTEN[how]
    found = shape(*formats.parse(write(files.table()), kind))
    assert measures.iou(inside(found), clean) >= LEAST
    said = measures.measure(Mesh(found.vertices_V3.astype(np.float32), found.faces_F3.astype(np.int32)))
    assert said.watertight and said.components == 6, "vertices in one place are one"


def far(mesh, corners) -> files.Mesh:
    vertices_V3, faces_F3 = mesh
    return np.concatenate([vertices_V3, corners]), np.concatenate(
        [faces_F3, [[len(vertices_V3), len(vertices_V3) + 1, len(vertices_V3) + 2]]]
    )


def flipped(mesh, which_F) -> files.Mesh:
    return mesh[0], np.where(which_F[:, None], mesh[1][:, ::-1], mesh[1])


def reordered(mesh) -> files.Mesh:
    rng = np.random.default_rng(5)
    order = rng.permutation(len(mesh[0]))
    faces_F3 = np.argsort(order)[mesh[1]]
    return mesh[0][order], np.stack(
        [np.roll(face, turn) for face, turn in zip(rng.permutation(faces_F3), rng.integers(3, size=len(faces_F3)))]
    )


def soup(mesh) -> files.Mesh:
    return mesh[0][mesh[1]].reshape(-1, 3), np.arange(3 * len(mesh[1])).reshape(-1, 3)


def doubled(mesh) -> files.Mesh:
    return mesh[0], np.concatenate([mesh[1], mesh[1][:, ::-1]])


random_F = np.random.default_rng(0).random(72) < 0.5
MANGLED = {
    "reordered": reordered,
    "no shared vertices": soup,
    "half of the faces flipped, at random": lambda mesh: flipped(mesh, random_F),
    "one half flipped": lambda mesh: flipped(mesh, np.arange(72) < 36),
    "one leg flipped": lambda mesh: flipped(mesh, np.arange(72) >= 60),
    "flipped and no shared vertices": lambda mesh: soup(flipped(mesh, random_F)),
    "inside out": lambda mesh: (mesh[0], mesh[1][:, ::-1]),
    "every face both ways": doubled,
    "every face both ways, no shared vertices": lambda mesh: soup(doubled(mesh)),
    "every face twice": lambda mesh: (mesh[0], np.concatenate([mesh[1], mesh[1]])),
    "some faces both ways": lambda mesh: (mesh[0], np.concatenate([mesh[1], mesh[1][:30, ::-1]])),
    "a point of a face far away": lambda mesh: far(mesh, [[1000.0, 0, 0]] * 3),
    "a line of a face far away": lambda mesh: far(mesh, [[1000.0, 0, 0], [1001, 0, 0], [1003, 0, 0]]),
    "a small face very far away": lambda mesh: far(mesh, [[1e7, 0, 0], [1e7 + 0.01, 0, 0], [1e7, 0.01, 0]]),
    "a point of a face on the other side, very far away": lambda mesh: far(mesh, [[-1e30, 0, 0]] * 3),
    "a small face on the other side, very far away": lambda mesh: far(mesh, [[-1e9, 0, 0], [-1e9 + 0.01, 0, 0], [-1e9, 0.01, 0]]),
    "a face farther than anything": lambda mesh: far(mesh, [[0, 1e30, 0], [0, 1e30, 0.01], [0.01, 1e30, 0]]),
    "vertices of no face far away": lambda mesh: (np.concatenate([mesh[0], [[0, 1e4, 0]]]), mesh[1]),
    "far from the origin, in millimetres": lambda mesh: (mesh[0] * 1000 + [5e4, 2e4, 0], mesh[1]),
}


@pytest.mark.parametrize("how", MANGLED)
def test_what_other_programs_leave_in_a_mesh_does_not_change_it(clean, how):
    found = shape(*MANGLED[how](files.table()))
    assert measures.iou(inside(found), clean) >= LEAST, found.notes
    assert "far" not in how or not any("look at the picture" in note for note in found.notes), "it is sound"


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("up", AXES)
def test_another_up_axis_is_turned_back(clean, up, turn):
    vertices_V3, faces_F3 = files.table()
    lying_V3 = vertices_V3 @ Pose(up, turn).matrix()  # the way back: the matrix is a rotation
    assert measures.iou(inside(shape(lying_V3, faces_F3, Pose(up, turn))), clean) >= LEAST
    if (up, turn) != ("y", 0):
        assert measures.iou(inside(shape(lying_V3, faces_F3)), clean) < 0.9, "it lies on its side"


def test_the_up_axis_points_up():
    for up in AXES:
        way = np.zeros((1, 3))
        way[0, "xyz".index(up[-1])] = -1 if up[0] == "-" else 1
        for turn in range(4):
            assert np.allclose(Pose(up, turn).stand(way), [[0, 1, 0]])
            assert np.linalg.det(Pose(up, turn).matrix()) == pytest.approx(1)


def test_other_shapes_are_other_shapes(clean):
    """The bound tells a table from a table without a leg, and from a table that is stretched."""
    vertices_V3, faces_F3 = files.table()
    assert measures.iou(inside(shape(vertices_V3, faces_F3[:60])), clean) < LEAST
    assert measures.iou(inside(shape(vertices_V3 * [1, 1.1, 1], faces_F3)), clean) < LEAST


@pytest.mark.parametrize("inverted", [False, True])
def test_a_cavity_stays_a_cavity(inverted):
    ball, hollow = (trimesh.creation.icosphere(subdivisions=3, radius=radius) for radius in (1, 0.5))
    hollow.invert()
    both = trimesh.util.concatenate([ball, hollow])
    if inverted:
        both.invert()
    found = shape(both.vertices, both.faces)
    assert found.sdf(np.zeros((1, 3)))[0] > 0 and found.sdf(np.array([[0.75, 0, 0]]))[0] < 0


def test_a_hole_does_not_matter_even_where_faces_are_flipped():
    ball = trimesh.creation.icosphere(subdivisions=3)
    ball.update_faces(ball.triangles_center[:, 1] < 0.85)
    faces_F3 = np.asarray(ball.faces)
    some_F = np.random.default_rng(1).random(len(faces_F3)) < 0.5
    whole = inside(shape(ball.vertices, faces_F3))
    mended = shape(*flipped((np.asarray(ball.vertices), faces_F3), some_F))
    assert measures.iou(inside(mended), whole) >= LEAST and whole.sum() > 20_000


def test_a_second_body_that_is_closed_is_no_stray(clean):
    """A small ball far away is part of the shape; only what encloses nothing is left out."""
    vertices_V3, faces_F3 = files.table()
    ball = trimesh.creation.icosphere(subdivisions=1, radius=0.01).apply_translation((3, 0, 0))
    found = shape(np.concatenate([vertices_V3, ball.vertices]), np.concatenate([faces_F3, ball.faces + len(vertices_V3)]))
    assert len(found.faces_F3) == 72 + len(ball.faces) and not found.notes


def test_a_sheet_is_said_to_have_no_inside():
    found = shape([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], [[0, 1, 2], [1, 3, 2]])
    assert any("inside from outside" in note for note in found.notes)


def test_a_concave_polygon_is_cut_into_ears():
    """An L, drawn out: of fans some triangles would lie outside of it."""
    corners = [(0, 0), (2, 0), (2, 0.4), (0.4, 0.4), (0.4, 2), (0, 2)]
    lines = [f"v {x} {y} {z}" for z in (0, 1) for x, y in corners]
    lines += ["f 6 5 4 3 2 1", "f 7 8 9 10 11 12", *(f"f {i + 1} {(i + 1) % 6 + 1} {(i + 1) % 6 + 7} {i + 7}" for i in range(6))]
    vertices_V3, faces_F3 = formats.parse("\n".join(lines).encode(), "obj")
    solid = trimesh.Trimesh(vertices_V3, faces_F3, process=False)
    assert solid.volume == pytest.approx(1.44) and solid.area == pytest.approx(2 * 1.44 + 8)
    assert not shape(vertices_V3, faces_F3).notes


def test_an_obj_of_very_many_groups_is_read(clean):
    """Groups, objects and materials are passed over: their number costs nothing."""
    vertices_V3, faces_F3 = files.table()
    many = trimesh.Trimesh(vertices_V3, faces_F3, process=False).subdivide().subdivide().subdivide()
    content = files.obj((np.asarray(many.vertices), np.asarray(many.faces)), groups=True)
    assert content.count(b"\ng ") == 4608
    assert measures.iou(inside(shape(*formats.parse(content, "obj"))), clean) >= LEAST


L_SHAPE = np.array([[0, 0], [3, 0], [3, 1], [1, 1], [1, 3], [0, 3]])


@pytest.mark.parametrize("turn", [0, 1, 3])
@pytest.mark.parametrize("kind", ["obj", "off", "ply", "ply, binary"])
def test_polygons_are_the_same_shape_in_every_format_wherever_they_begin(kind, turn):
    """Concave ones and squares, mixed: of the distance to the shape, not of its inside alone."""
    found = shape(*formats.parse(files.prism(L_SHAPE, kind, turn), kind[:3]))
    exact = shape(*formats.parse(files.prism(L_SHAPE, "obj"), "obj"))
    assert len(found.faces_F3) == 20
    assert np.abs(found.sdf(GRID[::97]) - exact.sdf(GRID[::97])).max() < 1e-6


CUT = {
    "ply, text": ("ply", lambda mesh: files.ply(mesh, "ascii")),
    "ply, binary": ("ply", lambda mesh: files.ply(mesh, "binary_little_endian")),
    "ply, polygons": ("ply", lambda mesh: files.prism(L_SHAPE, "ply, binary")),
    "ply, strips": ("ply", files.strips),
    "stl": ("stl", files.stl),
    "stl, text": ("stl", files.stl_text),
    "off": ("off", files.off),
}


@pytest.mark.parametrize("share", [0.6, 0.93])
@pytest.mark.parametrize("how", CUT)
def test_half_a_file_is_not_read_as_half_a_mesh(how, share):
    kind, write = CUT[how]
    content = write(files.table())
    formats.parse(content, kind)
    with pytest.raises(InvalidValue, match="cut off"):
        formats.parse(content[: int(share * len(content))], kind)
