"""Meshes as people have them, written by the tests themselves: one table in many formats and with many faults."""

from __future__ import annotations

import json
import struct

import numpy as np
import trimesh

Mesh = tuple[np.ndarray, np.ndarray]


def table() -> Mesh:
    """A top, a back and four legs that overlap it: vertices (48, 3), faces (72, 3), y up, no symmetry about y but one."""
    box = trimesh.creation.box
    parts = [box((1, 0.12, 1)).apply_translation((0, 0.5, 0)), box((1, 0.9, 0.12)).apply_translation((0, 0.95, -0.44))]
    parts += [box((0.2, 0.5, 0.2)).apply_translation((x, 0.25, z)) for x in (-0.38, 0.38) for z in (-0.38, 0.38)]
    whole = trimesh.util.concatenate(parts)
    return np.asarray(whole.vertices, np.float64), np.asarray(whole.faces, np.int64)


def obj(mesh: Mesh, relative: bool = False, interleaved: bool = False, slashes: str = "", groups: bool = False) -> bytes:
    """An OBJ file; `relative` with negative indices, `interleaved` with each part's faces after its vertices."""
    vertices_V3, faces_F3 = mesh
    lines, seen = ["# a table", "mtllib nowhere.mtl"], 0
    boxes = [(slice(k, k + 8), slice(12 * k // 8, 12 * k // 8 + 12)) for k in range(0, len(vertices_V3), 8)]
    order = boxes if interleaved else [(slice(None), slice(None))]
    for rows, faces in order:
        lines += [f"v {x!r} {y!r} {z!r}" for x, y, z in vertices_V3[rows].tolist()]
        lines += ["vt 0 0", "vn 0 1 0"] if slashes else []
        seen += len(vertices_V3[rows])
        for number, face in enumerate(faces_F3[faces].tolist()):
            lines += [f"g part{number}", f"o piece{number}"] if groups else []
            lines.append("f " + " ".join(f"{corner - seen if relative else corner + 1}{slashes}" for corner in face))
    return "\n".join([*lines, ""]).encode()


def quads(mesh: Mesh) -> bytes:
    """The boxes of a table as an OBJ of quadrilaterals, as two triangles in one plane make one."""
    vertices_V3, faces_F3 = mesh
    lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in vertices_V3.tolist()]
    solid = trimesh.Trimesh(vertices_V3, faces_F3, process=False)
    used: set[int] = set()
    for (one, other), edge, angle in zip(solid.face_adjacency, solid.face_adjacency_edges, solid.face_adjacency_angles):
        if angle > 0.1 or {one, other} & used:
            continue
        used |= {one, other}
        a, b, c = faces_F3[one]
        while a in edge:
            a, b, c = b, c, a
        far = next(corner for corner in faces_F3[other] if corner not in edge)
        lines.append("f " + " ".join(str(corner + 1) for corner in (a, b, far, c)))
    assert len(used) == len(faces_F3)
    return "\n".join(lines).encode()


def ply(mesh: Mesh, form: str) -> bytes:
    """A PLY file: "ascii", "binary_little_endian" or "binary_big_endian"."""
    vertices_V3, faces_F3 = mesh
    axes = "".join(f"property float {axis}\n" for axis in "xyz")
    head = f"ply\nformat {form} 1.0\ncomment by hand\nelement vertex {len(vertices_V3)}\n{axes}"
    head += f"element face {len(faces_F3)}\nproperty list uchar int vertex_indices\nend_header\n"
    if form == "ascii":
        rows = [" ".join(map(repr, row)) for row in vertices_V3.tolist()] + [f"3 {a} {b} {c}" for a, b, c in faces_F3.tolist()]
        return (head + "\n".join(rows) + "\n").encode()
    order = "<" if "little" in form else ">"
    faces = b"".join(struct.pack(f"{order}Biii", 3, *face) for face in faces_F3.tolist())
    return head.encode() + vertices_V3.astype(f"{order}f4").tobytes() + faces


def off(mesh: Mesh) -> bytes:
    vertices_V3, faces_F3 = mesh
    rows = ["OFF # a table", "# made by hand", f"{len(vertices_V3)} {len(faces_F3)} 0 # counts", ""]
    rows += [" ".join(map(repr, row)) for row in vertices_V3.tolist()] + ["# faces"] + [f"3 {a} {b} {c}" for a, b, c in faces_F3.tolist()]
    return "\n".join([*rows, ""]).encode()


def stl(mesh: Mesh, header: bytes = b"") -> bytes:
    """A binary STL; its header may begin with "solid", as that of text does."""
    corners_F33 = mesh[0][mesh[1]].astype("<f4")
    rows = b"".join(struct.pack("<3f", 0, 0, 0) + corners.tobytes() + b"\0\0" for corners in corners_F33)
    return header.ljust(80, b"\0") + struct.pack("<I", len(corners_F33)) + rows


def stl_text(mesh: Mesh) -> bytes:
    lines = ["solid table"]
    for corners in mesh[0][mesh[1]]:
        points = ["vertex {} {} {}".format(*map(repr, row)) for row in corners.tolist()]
        lines += ["facet normal 0 0 0", "outer loop", *points, "endloop", "endfacet"]
    return "\n".join([*lines, "endsolid table", ""]).encode()


def glb_file(document: dict, binary: bytes = b"") -> bytes:
    """A GLB of some JSON and one binary chunk."""
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text
    if binary:
        body += struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def glb(mesh: Mesh, instances: int = 1, **more) -> bytes:
    """A GLB that places one mesh `instances` times, one unit apart; `more` goes into its JSON."""
    vertices, faces = mesh[0].astype("<f4").tobytes(), mesh[1].astype("<u4").tobytes()
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": list(range(instances))}],
        "nodes": [{"mesh": 0, "translation": [float(i), 0, 0]} for i in range(instances)],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"componentType": 5126, "count": len(mesh[0]), "type": "VEC3", "bufferView": 0},
            {"componentType": 5125, "count": 3 * len(mesh[1]), "type": "SCALAR", "bufferView": 1},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": len(vertices)},
            {"buffer": 0, "byteOffset": len(vertices), "byteLength": len(faces)},
        ],
        "buffers": [{"byteLength": len(vertices) + len(faces)}],
        **more,
    }
    return glb_file(document, vertices + faces)


def deepsdf(scale: float = 1.0, distances: float | None = None, count: int = 6000, seed: int = 0) -> dict[str, np.ndarray]:
    """DeepSDF's two tables of a ball of radius 0.7 times `scale`, near its surface and in the cube; `distances` scales those otherwise."""
    rng = np.random.default_rng(seed)
    ways = rng.normal(size=(count, 3))
    near = ways / np.linalg.norm(ways, axis=1, keepdims=True) * (0.7 + rng.normal(size=(count, 1)) * 0.05)
    points = np.concatenate([near, rng.uniform(-1, 1, (count // 2, 3))])
    sdf = np.linalg.norm(points, axis=1) - 0.7
    rows = np.concatenate([points * scale, sdf[:, None] * (scale if distances is None else distances)], 1).astype(np.float32)
    return {"pos": rows[sdf >= 0], "neg": rows[sdf < 0]}


def prism(corners_Q2: np.ndarray, kind: str, turn: int = 0) -> bytes:
    """A prism over a polygon, as polygons: "obj", "off", "ply" or "ply, binary"; each begins at its corner `turn`."""
    count = len(corners_Q2)
    vertices = [[float(x), float(y), z] for z in (0.0, 1.0) for x, y in corners_Q2]
    around = [[i, (i + 1) % count, (i + 1) % count + count, i + count] for i in range(count)]
    faces = [np.roll(face, -turn).tolist() for face in ([*range(count)][::-1], [*range(count, 2 * count)], *around)]
    rows = [" ".join(map(repr, row)) for row in vertices]
    if kind == "obj":
        return "\n".join([*("v " + row for row in rows), *("f " + " ".join(str(at + 1) for at in face) for face in faces)]).encode()
    listed = [" ".join(map(str, [len(face), *face])) for face in faces]
    if kind == "off":
        return "\n".join([f"OFF{len(rows)} {len(faces)} 0", *rows, *listed]).encode()
    form = "ascii" if kind == "ply" else "binary_big_endian"
    head = f"ply\nformat {form} 1.0\nelement vertex {len(rows)}\n" + "".join(f"property double {axis}\n" for axis in "xyz")
    head += f"element face {len(faces)}\nproperty list uchar int vertex_index\nproperty uchar red\nend_header\n"
    if kind == "ply":
        return (head + "\n".join([*rows, *(row + " 255" for row in listed)]) + "\n").encode()
    return (
        head.encode()
        + np.array(vertices, ">f8").tobytes()
        + b"".join(struct.pack(f">B{len(face)}iB", len(face), *face, 9) for face in faces)
    )


def strips(mesh: Mesh) -> bytes:
    """A PLY of one strip a triangle, as those of Stanford are."""
    rows = [" ".join(map(repr, row)) for row in mesh[0].tolist()]
    corners = " ".join(f"{a} {b} {c} -1" for a, b, c in mesh[1].tolist())
    head = f"ply\nformat ascii 1.0\nelement vertex {len(rows)}\n" + "".join(f"property float {axis}\n" for axis in "xyz")
    return "\n".join(
        [head + "element tristrips 1\nproperty list int int vertex_indices\nend_header", *rows, f"{4 * len(mesh[1])} {corners}", ""]
    ).encode()
