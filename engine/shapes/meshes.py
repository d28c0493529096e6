"""Triangle meshes of anyone's making, as shapes: read under limits, normalised, with a signed distance.

A mesh need not be watertight: the sign comes from the generalised winding number (libigl's fast one), which is near 1
inside and near 0 outside and passes over holes; the distance is exact, to the nearest triangle. DeepSDF's sample files
(``.npz`` with ``pos`` and ``neg``) are read too.

Shape suffixes: V vertices, F faces, Q points, 3 coordinates.
"""

import io
import json
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import igl
import numpy as np
import trimesh

from ..errors import ExplorerError
from .chairs import RADIUS
from .sampling import NoInside, Samples, balanced, draw

SUFFIXES = (".obj", ".ply", ".stl", ".off", ".glb")
MAX_BYTES = 256 * 2**20  # of a file
MAX_FACES = 2_000_000
MAX_SAMPLES = 20_000_000  # rows of a DeepSDF file (its own have 500 000)


class MeshError(ExplorerError):
    """A mesh or sample file that cannot be used; the message says which, why, and what to do."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        super().__init__(f"{path.name}: {problem}; {remedy}")
        self.path = path


@dataclass(frozen=True)
class MeshShape:
    """A triangle mesh normalised as the chairs are: its box centred on the origin, its vertices in a ball of 1/1.03."""

    vertices_V3: np.ndarray  # float64
    faces_F3: np.ndarray  # int64

    def sdf(self, points_Q3: np.ndarray) -> np.ndarray:
        """Signed distances (Q,), negative inside. Inside is where the winding number is above 1/2, or, for a mesh
        that is inside out, below -1/2."""
        points_Q3 = np.ascontiguousarray(points_Q3, dtype=np.float64)
        squared_Q = igl.point_mesh_squared_distance(points_Q3, self.vertices_V3, self.faces_F3)[0]
        winding_Q = igl.fast_winding_number(self.vertices_V3, self.faces_F3, points_Q3)
        return np.where(abs(winding_Q) > 0.5, -1.0, 1.0) * np.sqrt(squared_Q)

    def surface(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """``count`` points (count, 3) on the triangles, evenly by area."""
        corners_F33 = self.vertices_V3[self.faces_F3]
        area_F = np.linalg.norm(np.cross(corners_F33[:, 1] - corners_F33[:, 0], corners_F33[:, 2] - corners_F33[:, 0]), axis=-1)
        corners_Q33 = corners_F33[rng.choice(len(area_F), count, p=area_F / area_F.sum())]
        u, v = rng.random((2, count, 1))
        u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)  # fold the parallelogram onto the triangle
        return (1 - u - v) * corners_Q33[:, 0] + u * corners_Q33[:, 1] + v * corners_Q33[:, 2]

    def samples(self, count: int, seed: int) -> Samples:
        """``count`` queries as :func:`engine.shapes.sampling.draw` makes them; raises its NoInside for an open sheet."""
        return draw(self.sdf, self.surface, count, seed)


def read_mesh(path: Path, content: bytes | None = None) -> MeshShape:
    """The mesh of an OBJ, PLY, STL, OFF or GLB file, all of its parts together, normalised. With ``content`` that is what
    the file holds, and ``path`` only its name.

    Nothing else is read than this file: materials and outside buffers are not followed. Raises :class:`MeshError` for
    an unknown format, a broken or empty file, and one of more than 256 MiB or 2 million triangles, before it is parsed
    where the file says so itself.
    """
    content = _read_bounded(path, SUFFIXES, content)
    kind = path.suffix.lower()[1:]
    claimed = _claimed_faces(content, kind)
    if claimed > MAX_FACES:
        raise _too_many(path, claimed)
    try:
        scene = trimesh.load_scene(io.BytesIO(content), file_type=kind, process=False)
        placed = [scene.geometry[scene.graph[node][1]] for node in scene.graph.nodes_geometry]
        total = sum(len(part.faces) for part in placed if isinstance(part, trimesh.Trimesh))
        if total > MAX_FACES:
            raise _too_many(path, total)
        mesh = scene.to_mesh()
        vertices_V3, faces_F3 = np.array(mesh.vertices, np.float64), np.array(mesh.faces, np.int64)
    except MeshError:
        raise
    except Exception as error:  # a parser fed with strangers' bytes can fail in any way; every way means the same here
        raise MeshError(path, f"cannot be read as {kind.upper()} ({error})", "export it again") from error
    return _normalised(path, vertices_V3, faces_F3)


def read_deepsdf(path: Path, count: int, seed: int) -> Samples:
    """``count`` queries out of DeepSDF's ``.npz``: float arrays ``pos`` and ``neg`` of rows (x, y, z, distance).

    Rows that are not finite are left out, as DeepSDF does. Raises :class:`MeshError` for anything else in the file, and
    reads nothing before the sizes in the headers were checked.
    """
    content = _read_bounded(path, (".npz",))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            shapes = {name: _npy_shape(archive, f"{name}.npy") for name in ("pos", "neg")}
        for name, shape in shapes.items():
            if len(shape) != 2 or shape[1] != 4:
                raise MeshError(path, f"'{name}' has shape {shape}", "rows are x, y, z and the distance")
            if shape[0] > MAX_SAMPLES:
                raise MeshError(path, f"'{name}' has {shape[0]:,} rows", f"at most {MAX_SAMPLES:,} are read: thin it out")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            tables = {name: np.asarray(arrays[name], np.float32) for name in ("pos", "neg")}
    except MeshError:
        raise
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, NotImplementedError) as error:
        raise MeshError(path, f"is not a DeepSDF sample file ({error})", "it holds the arrays 'pos' and 'neg'") from error
    outside, inside = (table[np.isfinite(table).all(-1)] for table in (tables["pos"], tables["neg"]))
    if not len(outside) or not len(inside):
        raise MeshError(path, "has samples on one side of the surface only", "both 'pos' and 'neg' need finite rows")
    if (outside[:, 3] < 0).any() or (inside[:, 3] > 0).any():
        raise MeshError(path, "has distances of the wrong sign", "'pos' is outside (>= 0), 'neg' inside (<= 0)")
    return balanced(inside, outside, count, seed)


def read_folder(folder: Path, count: int, seed: int) -> Iterator[tuple[Path, Samples | MeshError]]:
    """Each mesh and DeepSDF file of a folder, by name, as ``count`` queries or as the error that it met.

    One bad file does not stop the rest. Files of other kinds are passed over. Raises :class:`MeshError` where the
    folder is none, or holds no such file.
    """
    for path in mesh_files(folder):
        try:
            if path.suffix.lower() == ".npz":
                yield path, read_deepsdf(path, count, seed)
            else:
                yield path, _samples(path, count, seed)
        except MeshError as error:
            yield path, error


def mesh_files(folder: Path) -> list[Path]:
    """The mesh and DeepSDF files of a folder, by name. Raises :class:`MeshError` where there are none."""
    if not folder.is_dir():
        raise MeshError(folder, "is not a folder", "name a folder of OBJ, PLY, STL, OFF, GLB or NPZ files")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (*SUFFIXES, ".npz") and path.is_file())
    if not paths:
        raise MeshError(folder, "holds no mesh", "put OBJ, PLY, STL, OFF, GLB or NPZ files in it")
    return paths


def _samples(path: Path, count: int, seed: int) -> Samples:
    try:
        return read_mesh(path).samples(count, seed)
    except MeshError:
        raise
    except NoInside as error:
        raise MeshError(path, "encloses nothing", str(error)) from error


def _read_bounded(path: Path, suffixes: tuple[str, ...], content: bytes | None = None) -> bytes:
    if path.suffix.lower() not in suffixes:
        raise MeshError(path, f"is not one of {', '.join(suffixes)}", "convert it first")
    try:
        size = path.stat().st_size if content is None else len(content)
        if size > MAX_BYTES:
            raise MeshError(path, f"has {size / 2**20:.0f} MiB", f"at most {MAX_BYTES / 2**20:.0f} are read: simplify it")
        if content is None:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)  # bounded again: the file may be growing
    except OSError as error:
        raise MeshError(path, f"cannot be opened ({error.strerror})", "check that it is there and readable") from error
    if not content or len(content) > MAX_BYTES:
        raise MeshError(path, "is empty" if not content else "grew beyond the limit", "export it again")
    return content


def _too_many(path: Path, count: int) -> MeshError:
    return MeshError(path, f"has {count:,} triangles", f"at most {MAX_FACES:,} are read: simplify it")


def _claimed_faces(content: bytes, kind: str) -> int:
    """The number of faces that a file announces, found without parsing it; 0 where it announces none (or wrongly)."""
    head = content[:4096]
    try:
        if kind == "obj":
            return content.count(b"\nf ") + content.startswith(b"f ")
        if kind == "stl" and not (head.lstrip().startswith(b"solid") and b"facet" in head):
            return struct.unpack_from("<I", content, 80)[0]
        if kind == "stl":
            return content.count(b"endfacet")
        if kind == "ply":
            line = next(line for line in head.split(b"\n") if line.startswith(b"element face"))
            return int(line.split()[2])
        if kind == "off":
            words = [w for line in head.split(b"\n") for w in line.split(b"#")[0].split()]
            return int(words[2] if words[0].upper().endswith(b"OFF") else words[1])
        length = struct.unpack_from("<I", content, 12)[0]
        accessors = json.loads(content[20 : 20 + length]).get("accessors", [])
        return max((int(accessor["count"]) // 3 for accessor in accessors), default=0)
    except (struct.error, StopIteration, ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError):
        return 0  # broken: the parser will say so


def _npy_shape(archive: zipfile.ZipFile, name: str) -> tuple[int, ...]:
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    if dtype.kind != "f":
        raise ValueError(f"{name} holds {dtype}, not floats")
    return shape


def _normalised(path: Path, vertices_V3: np.ndarray, faces_F3: np.ndarray) -> MeshShape:
    if not len(faces_F3):
        raise MeshError(path, "has no triangles", "a point cloud or a drawing of lines is no surface")
    if faces_F3.min() < 0 or faces_F3.max() >= len(vertices_V3):
        raise MeshError(path, "has triangles with corners that are not there", "export it again")
    used = np.unique(faces_F3)
    if not np.isfinite(vertices_V3[used]).all():
        raise MeshError(path, "has vertices that are not finite", "export it again")
    faces_F3 = np.searchsorted(used, faces_F3)  # stray vertices would count in the box
    vertices_V3 = vertices_V3[used]
    vertices_V3 = vertices_V3 - (vertices_V3.min(0) + vertices_V3.max(0)) / 2
    radius = np.linalg.norm(vertices_V3, axis=-1).max()
    if not (np.isfinite(radius) and radius > 0):
        raise MeshError(path, "has no extent", "all of its vertices lie in one point, or beyond any scale")
    vertices_V3 = vertices_V3 * (RADIUS / radius)
    corners_F33 = vertices_V3[faces_F3]
    area_F = np.linalg.norm(np.cross(corners_F33[:, 1] - corners_F33[:, 0], corners_F33[:, 2] - corners_F33[:, 0]), axis=-1)
    keep_F = area_F > 1e-14
    if not keep_F.any():
        raise MeshError(path, "has triangles without area only", "export it again")
    return MeshShape(vertices_V3, np.ascontiguousarray(faces_F3[keep_F]))
