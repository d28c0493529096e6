"""Mesh files as vertices and triangles, exactly as they are written. Runs in a process with limits: see meshes.py.

OBJ is parsed here: of its dialects (negative indices, faces between the vertices, continued lines, polygons) neither trimesh
nor libigl nor VTK reads all. PLY, STL and OFF are in polygons.py. trimesh reads GLB.

Shape suffixes: V vertices, F faces, 3 coordinates or corners.
"""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh

from ...core.errors import InvalidValue
from . import polygons

MAX_FACES = 2_000_000
HEAD = 4096  # bytes of a file in which a PLY or OFF announces its faces
TRIANGLES, FAN = 4, 6  # glTF's modes of a primitive
MAX_PARTS = 20_000  # that a GLB file places in its scene
# What a GLB file may require without a change of its geometry: materials, textures, lights, names.
HARMLESS = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "MSFT_texture_", "KHR_lights_", "EXT_lights_", "KHR_xmp", "ADOBE_materials_")
PACKED = {
    "KHR_draco_mesh_compression": "Draco",
    "EXT_meshopt_compression": "meshopt",
    "KHR_meshopt_compression": "meshopt",
    "KHR_mesh_quantization": "quantised",
    "EXT_mesh_gpu_instancing": "GPU instancing",
}


def parse(content: bytes, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The vertices float64 (V, 3) and triangles int64 (F, 3) of a file of that kind ("obj", "ply", "stl", "off", "glb").

    No other file is opened: materials and outside buffers are not followed. Raises InvalidValue ("problem; remedy") where
    the file says itself that it is too large or packed; a broken one raises anything.
    """
    claimed = claimed_faces(content, kind)
    if claimed > MAX_FACES:
        raise too_many(claimed)
    return READERS[kind].parse(content)


def parse_glb(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of a GLB file's scene. Raises InvalidValue where its geometry is packed."""
    refuse_packed(glb_header(content))
    return flattened(trimesh.load_scene(io.BytesIO(content), file_type="glb", process=False, skip_materials=True))


def parse_obj(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of a Wavefront OBJ file; whatever else a line says is passed over."""
    text = content.removeprefix(polygons.BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    text = re.sub(rb"\\[ \t]*\n", b" ", text)
    coordinates, corners, sizes = [], [], []
    seen = 0
    for line in text.split(b"\n"):
        words = line.partition(b"#")[0].split()
        if not words:
            continue
        if words[0] == b"v":
            coordinates += words[1:4]
            seen += 1
            if len(coordinates) != 3 * seen:
                raise ValueError("a vertex has fewer than 3 coordinates")
        elif words[0] in (b"f", b"fo"):
            indices = [int(word.partition(b"/")[0]) for word in words[1:]]
            if len(indices) > 2:
                corners += [index - 1 if index > 0 else index + seen if index < 0 else -1 for index in indices]
                sizes.append(len(indices))
    vertices_V3 = np.array(list(map(float, coordinates)), np.float64).reshape(-1, 3)
    return surface(vertices_V3, np.array(corners, np.int64), np.array(sizes, np.int64))


def surface(vertices_V3: np.ndarray, corners: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The vertices and triangles of polygons; those of fewer than 3 corners go. Raises InvalidValue where there are no such corners."""
    corners, sizes = corners[np.repeat(sizes > 2, sizes)], sizes[sizes > 2]
    if not len(corners):
        return vertices_V3, np.zeros((0, 3), np.int64)
    if corners.min() < 0 or corners.max() >= len(vertices_V3):
        raise InvalidValue("has faces with corners that do not exist; export it again")
    return vertices_V3, triangulated(vertices_V3, corners, sizes)


def triangulated(vertices_V3: np.ndarray, corners: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Triangles (F, 3) of polygons, one after the other: `sizes` counts the corners of each. VTK clips their ears, so that a
    concave one stays what it is."""
    starts = np.cumsum(sizes) - sizes
    own_F3 = corners[starts[sizes == 3][:, None] + np.arange(3)]
    if (sizes == 3).all():
        return own_F3
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkFiltersCore import vtkTriangleFilter

    points, polygons, data, clip = vtkPoints(), vtkCellArray(), vtkPolyData(), vtkTriangleFilter()
    points.SetData(numpy_to_vtk(vertices_V3))
    many = np.repeat(sizes > 3, sizes)
    offsets = np.concatenate([[0], np.cumsum(sizes[sizes > 3])])
    polygons.SetData(numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(corners[many], deep=True))
    data.SetPoints(points)
    data.SetPolys(polygons)
    clip.SetInputData(data)
    clip.Update()
    clipped = vtk_to_numpy(clip.GetOutput().GetPolys().GetConnectivityArray()).astype(np.int64)
    return np.concatenate([own_F3, clipped.reshape(-1, 3)])


def flattened(scene: trimesh.Scene) -> tuple[np.ndarray, np.ndarray]:
    """All parts of a scene together, each where the scene places it."""
    nodes = [(matrix, scene.geometry[name]) for matrix, name in (scene.graph[node] for node in scene.graph.nodes_geometry)]
    parts = [(matrix, part) for matrix, part in nodes if isinstance(part, trimesh.Trimesh)]
    total = sum(len(part.faces) for _, part in parts)
    if total > MAX_FACES:
        raise too_many(total)
    vertices, faces, count = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], 0
    for matrix, part in parts:
        mirrored = np.linalg.det(matrix[:3, :3]) < 0
        vertices.append(part.vertices @ matrix[:3, :3].T + matrix[:3, 3])
        faces.append((part.faces[:, ::-1] if mirrored else part.faces) + count)
        count += len(part.vertices)
    return np.concatenate(vertices).astype(np.float64), np.concatenate(faces).astype(np.int64)


def too_many(count: int) -> InvalidValue:
    return InvalidValue(f"has {count:,} triangles; at most {MAX_FACES:,} are read: simplify it")


def claimed_faces(content: bytes, kind: str) -> int:
    """The number of faces that a file announces, found without parsing it; 0 where it announces none (or wrongly)."""
    try:
        return READERS[kind].claimed(content)
    except (struct.error, StopIteration, ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError):
        return 0  # broken: the parser will say so


def obj_claimed(content: bytes) -> int:
    return content.count(b"\nf ") + content.startswith(b"f ")


def stl_claimed(content: bytes) -> int:
    count = polygons.stl_rows(content)
    return content.lower().count(b"endfacet") if count is None else count


def ply_claimed(content: bytes) -> int:
    line = next(line for line in content[:HEAD].split(b"\n") if line.startswith(b"element face"))
    return int(line.split()[2])


def off_claimed(content: bytes) -> int:
    words = [word for line in polygons.text_lines(content[:HEAD]) for word in line.split()]
    return int(words[2] if words[0].upper().endswith(b"OFF") else words[1])


def glb_header(content: bytes) -> dict:
    """The JSON of a GLB file."""
    return json.loads(content[20 : 20 + struct.unpack_from("<I", content, 12)[0]])


def glb_faces(header: dict) -> int:
    """The triangles of a GLB's scene, each mesh counted as often as a node places it."""
    accessors = header.get("accessors", [])
    faces_M = [
        sum(int(accessors[part.get("indices", part["attributes"]["POSITION"])]["count"]) // 3 for part in mesh["primitives"])
        for mesh in header.get("meshes", [])
    ]
    placed = sum(faces_M[node["mesh"]] for node in header.get("nodes", []) if "mesh" in node)
    return max(placed, max((int(each["count"]) // 3 for each in accessors), default=0))


def refuse_packed(header: dict) -> None:
    """Raises InvalidValue for a GLB whose geometry is in a form that is not read, naming the extension; and for too many parts."""
    parts = len(header.get("nodes", []))
    if parts > MAX_PARTS:
        raise InvalidValue(f"places {parts:,} parts; at most {MAX_PARTS:,} are read: join them into one mesh")
    if not header.get("scenes"):
        raise InvalidValue("holds no scene, so nothing says where its parts are; export it again with one")
    for primitive in (each for mesh in header.get("meshes", []) for each in mesh["primitives"]):
        if primitive.get("mode", TRIANGLES) == FAN:
            raise InvalidValue("draws triangle fans, which are not read; export it again as triangles")
        of = (primitive.get("indices"), primitive["attributes"].get("POSITION"))
        if any("sparse" in header["accessors"][each] for each in of if each is not None):
            raise InvalidValue("keeps its geometry as sparse changes, which are not read; export it again without sparse accessors")
    required, used = header.get("extensionsRequired", []), header.get("extensionsUsed", [])
    blocking = [name for name in required if not str(name).startswith(HARMLESS)]
    blocking += [name for name in used if name in PACKED and name != "KHR_draco_mesh_compression" and name not in blocking]
    if blocking:
        names = ", ".join(f"{name} ({PACKED[name]})" if name in PACKED else str(name)[:60] for name in blocking[:4])
        raise InvalidValue(f"needs the glTF extension {names}, which is not read; export it without compression or quantisation")


@dataclass(frozen=True)
class Reader:
    """How files of one kind are read: the triangles that one announces, told without parsing it, and its vertices and triangles."""

    claimed: Callable[[bytes], int]
    parse: Callable[[bytes], tuple[np.ndarray, np.ndarray]]


READERS = {
    "obj": Reader(obj_claimed, parse_obj),
    "ply": Reader(ply_claimed, lambda content: surface(*polygons.ply(content))),
    "stl": Reader(stl_claimed, lambda content: surface(*polygons.stl(content))),
    "off": Reader(off_claimed, lambda content: surface(*polygons.off(content))),
    "glb": Reader(lambda content: glb_faces(glb_header(content)), parse_glb),
}
