"""Shapes of anyone's making, from files: triangle meshes and DeepSDF's samples. Read in a process with limits, mended, stood
upright, normalised, with a signed distance.

A mesh need not be watertight: the sign comes from the generalised winding number (libigl's fast one), which is near 1
inside and near 0 outside and passes over holes; the distance is exact, to the nearest triangle.

Shape suffixes: V vertices, F faces, Q points, 3 coordinates.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ...core.boundary import readable
from ...core.errors import InvalidValue
from ...core.limits import Limits, limited
from .deepsdf import SampleShape
from .pose import Pose
from .sampling import NoInside, Samples, draw

MESH_SUFFIXES = (".obj", ".ply", ".stl", ".off", ".glb")
SUFFIXES = (*MESH_SUFFIXES, ".npz")
MAX_BYTES = 256 * 2**20  # of a file
LIMITS = Limits(memory=4 << 30, cpu=90, wall=180)  # of one file, and of a batch of small ones
BATCH, BATCH_BYTES = 64, 16 << 20  # files of a folder that are read by one process; its limits are those of one file
DEEPEST, MOST_FILES = 6, 100_000  # folders below a folder of meshes, and files in it, that are looked through
MIDDLES = {"models", "model", "mesh", "meshes"}  # folders that do not name a shape
PLAIN_NAMES = {"model_normalized", "model", "mesh", "models", "model_watertight", "model_flipped"}  # nor do these files


log = logging.getLogger(__name__)


class MeshError(InvalidValue):
    """A mesh or sample file that cannot be used; the message says which, why, and what to do."""


@dataclass(frozen=True)
class MeshShape:
    """A triangle mesh normalised as the chairs are: its box centred on the origin, its vertices in a ball of 1/1.03."""

    vertices_V3: np.ndarray  # float64
    faces_F3: np.ndarray  # int64
    notes: list[str] = field(default_factory=list)  # what was mended in it, and what stays doubtful

    def sdf(self, points_Q3: np.ndarray) -> np.ndarray:
        """Signed distances (Q,), negative inside. Inside is where the winding number is above 1/2, or, for a mesh
        that is inside out, below -1/2."""
        import igl

        points_Q3 = np.ascontiguousarray(points_Q3, dtype=np.float64)
        squared_Q = igl.point_mesh_squared_distance(points_Q3, self.vertices_V3, self.faces_F3)[0]
        winding_Q = np.asarray(igl.fast_winding_number(self.vertices_V3, self.faces_F3, points_Q3))
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
        """``count`` queries as :func:`engine.tasks.distances.sampling.draw` makes them; raises its NoInside for an open sheet."""
        return draw(self.sdf, self.surface, count, seed)


Shape = MeshShape | SampleShape


@dataclass(frozen=True)
class ShapeFile:
    """A file of a folder, and what the shape in it is called: by its file, or in ShapeNet's layout by its folder."""

    path: Path
    name: str


def read_shape(path: Path, content: bytes | None = None, pose: Pose = Pose(), stop: Callable[[], bool] = lambda: False) -> Shape:
    """The shape of an OBJ, PLY, STL, OFF, GLB or DeepSDF NPZ file, all of its parts together. With ``content`` that is what the
    file holds, and ``path`` only its name.

    Nothing else is read than this file. Raises :class:`MeshError` for an unknown format, a broken, empty or too large file, and
    one that takes too long; Stopped soon after ``stop()`` is true.
    """
    check_file(path, content)
    with tempfile.TemporaryDirectory(prefix="mesh-") as folder:
        where = path
        if content is not None:
            where = Path(folder, f"content{path.suffix.lower()}")
            where.write_bytes(content)
        ((_, found),) = _read([(where, path.name)], pose, stop)
    if isinstance(found, MeshError):
        raise found
    return found


def read_shown(name: str, content: bytes, stop: Callable[[], bool] = lambda: False) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """What a person sees of a file before it is placed: vertices (V, 3) and faces (F, 3) as the file has them, and notes. Raises
    as :func:`read_shape` does, and :class:`MeshError` for a shape that encloses nothing."""
    check_file(Path(name), content)
    with tempfile.TemporaryDirectory(prefix="mesh-") as folder:
        where = Path(folder, f"content{Path(name).suffix.lower()}")
        where.write_bytes(content)
        try:
            notes, arrays = limited("engine.tasks.distances.reading:shown", {"path": str(where), "name": name}, name, LIMITS, stop)
        except InvalidValue as error:
            raise MeshError(str(error)) from error
    return arrays["vertices"], arrays["faces"], notes


def read_mesh(path: Path, content: bytes | None = None, pose: Pose = Pose()) -> MeshShape:
    """:func:`read_shape` of a triangle mesh; raises :class:`MeshError` for a file of samples, too."""
    if path.suffix.lower() not in MESH_SUFFIXES:
        raise MeshError(f"{path.name}: is not one of {', '.join(MESH_SUFFIXES)}; convert it first")
    shape = read_shape(path, content, pose)
    assert isinstance(shape, MeshShape), "its suffix says so"
    return shape


def read_folder(
    folder: Path, pose: Pose = Pose(), stop: Callable[[], bool] = lambda: False
) -> Iterator[tuple[ShapeFile, Shape | MeshError]]:
    """Each shape of a folder, in the order of names, or the error that it met; one bad file does not stop the rest.

    Raises :class:`MeshError` where the folder is none, or holds no such file.
    """
    batch: list[ShapeFile] = []
    size = 0
    for file in shape_files(folder):
        try:
            check_file(file.path)
            bytes_ = file.path.stat().st_size
        except (MeshError, OSError) as error:  # too large, empty, or gone since it was listed
            yield (
                file,
                error
                if isinstance(error, MeshError)
                else MeshError(f"{file.name}: cannot be opened ({error.strerror}); check that it is there"),
            )
            continue
        if batch and (len(batch) == BATCH or size + bytes_ > BATCH_BYTES):
            yield from _batch(batch, pose, stop)
            batch, size = [], 0
        batch.append(file)
        size += bytes_
    yield from _batch(batch, pose, stop)


def shape_files(folder: Path) -> list[ShapeFile]:
    """The mesh and DeepSDF files below a folder, however deep, by name. Raises :class:`MeshError` where there are none."""
    if not folder.is_dir():
        raise MeshError(f"{folder.name}: is not a folder; name a folder of OBJ, PLY, STL, OFF, GLB or NPZ files")
    paths, seen = [], 0
    for path in _files_below(folder):
        seen += 1
        if seen > MOST_FILES:
            raise MeshError(f"{folder.name}: holds more than {MOST_FILES:,} files; name a smaller folder")
        if path.suffix.lower() in SUFFIXES:
            paths.append(path)
    if not paths:
        raise MeshError(f"{folder.name}: holds no mesh; put OBJ, PLY, STL, OFF, GLB or NPZ files in it")
    return sorted((ShapeFile(path, shape_name(folder, path)) for path in paths), key=lambda file: (file.name, str(file.path)))


def shape_name(folder: Path, path: Path) -> str:
    """`id` for ShapeNet's id/models/model_normalized.obj, the path below the folder for any other file."""
    parts = Path(readable(str(path.relative_to(folder)))).parts
    if path.stem.lower() in PLAIN_NAMES:
        named = [part for part in parts[:-1] if part.lower() not in MIDDLES]
        if named:
            return "/".join(named)
    return "/".join(parts)


def _files_below(folder: Path, above: tuple[tuple[int, int], ...] = ()) -> Iterator[Path]:
    """The files below a folder; links are followed, each folder once on its way down. What may not be read is said."""
    try:
        about = folder.stat()
        paths = sorted(folder.iterdir())
    except OSError as error:
        log.warning("Left out: %s cannot be opened (%s)", readable(folder.name), error.strerror)
        return
    identity = (about.st_dev, about.st_ino)
    if identity in above:
        return
    for path in paths:
        if path.name.startswith("."):
            continue
        if path.is_file():
            yield path
        elif len(above) < DEEPEST and path.is_dir():
            yield from _files_below(path, (*above, identity))


def check_file(path: Path, content: bytes | None = None) -> None:
    """Raises :class:`MeshError` for what need not be opened to be refused."""
    if path.suffix.lower() not in SUFFIXES:
        raise MeshError(f"{path.name}: is not one of {', '.join(SUFFIXES)}; convert it first")
    try:
        size = path.stat().st_size if content is None else len(content)
        if content is None and not path.is_file():
            raise MeshError(f"{path.name}: is not a file; name a mesh or a DeepSDF sample file")
    except OSError as error:
        raise MeshError(f"{path.name}: cannot be opened ({error.strerror}); check that it is there and readable") from error
    if size > MAX_BYTES:
        raise MeshError(f"{path.name}: has {size / 2**20:.0f} MiB; at most {MAX_BYTES / 2**20:.0f} are read: simplify it")
    if not size:
        raise MeshError(f"{path.name}: is empty; export it again")


def _batch(batch: Sequence[ShapeFile], pose: Pose, stop) -> Iterator[tuple[ShapeFile, Shape | MeshError]]:
    """A batch read by one process; where that ends at a limit, each file by its own, so that the one to blame is found."""
    try:
        read = _read([(file.path, file.name) for file in batch], pose, stop)
    except InvalidValue:
        read = [each for file in batch for each in _one(file, pose, stop)]
    yield from ((file, found) for file, (_, found) in zip(batch, read))


def _one(file: ShapeFile, pose: Pose, stop) -> list[tuple[str, Shape | MeshError]]:
    try:
        return _read([(file.path, file.name)], pose, stop)
    except MeshError as error:
        return [(file.name, error)]


def _read(files: Sequence[tuple[Path, str]], pose: Pose, stop) -> list[tuple[str, Shape | MeshError]]:
    """Shapes or errors of files (path, name), by one process. Raises MeshError where it ran into a limit or died."""
    given = {"files": [[str(path.absolute()), name] for path, name in files], "pose": asdict(pose)}
    what = files[0][1] if len(files) == 1 else f"A batch of {len(files)} files"
    try:
        said, arrays = limited("engine.tasks.distances.reading:read", given, what, LIMITS, stop)
    except InvalidValue as error:
        raise MeshError(str(error)) from error
    return [(name, _shape(each, arrays, index)) for index, ((_, name), each) in enumerate(zip(files, said))]


def _shape(said: dict, arrays: dict[str, np.ndarray], index: int) -> Shape | MeshError:
    if "error" in said:
        return MeshError(said["error"])
    kind = MeshShape if said["kind"] == "mesh" else SampleShape
    return kind(arrays[f"{index}.0"], arrays[f"{index}.1"], said["notes"])


def samples_of(name: str, shape: Shape, count: int, seed: int) -> Samples:
    """``count`` queries of a file's shape. Raises :class:`MeshError` where it encloses nothing."""
    try:
        return shape.samples(count, seed)
    except NoInside as error:
        raise MeshError(f"{name}: encloses nothing; {error}") from error
