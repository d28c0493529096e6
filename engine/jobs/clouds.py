"""Point clouds that a person uploads: read under limits, normalised as meshes are, kept by their content in the workspace.

Shape suffixes: B points, 3 coordinates.
"""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

import numpy as np

from ..core.artifacts import Store, write_atomic
from ..core.errors import InvalidValue, UnknownId
from ..core.tensors import to_bytes
from ..tasks.distances.chairs import RADIUS
from ..tasks.distances.meshes import MESH_SUFFIXES, read_mesh

TEXTS = (".xyz", ".txt", ".csv", ".pts")
MAX_BYTES, MAX_POINTS, LEAST = 32 << 20, 20_000, 32
ID = re.compile(r"cloud-[0-9a-f]{12}")


def read(name: str, content: bytes, seed: int = 0) -> np.ndarray:
    """Points float32 [B, 3] of a text file with x, y, z on each line (further columns are passed over), or drawn from the surface
    of a mesh; at most MAX_POINTS. A cloud's box is centred and its points lie in the ball that chairs lie in. Raises InvalidValue,
    MeshError."""
    suffix = Path(name).suffix.lower()
    if len(content) > MAX_BYTES:
        raise InvalidValue(f"The file is over {MAX_BYTES >> 20} MiB: thin the cloud out.")
    random = np.random.default_rng([0xC10D, seed])
    if suffix in MESH_SUFFIXES:
        return read_mesh(Path(Path(name).name), content).surface(MAX_POINTS // 4, random).astype(np.float32)
    if suffix not in TEXTS:
        raise InvalidValue(f"A point cloud must be one of {', '.join((*TEXTS, *MESH_SUFFIXES))}; got {suffix[:10]!r}.")
    try:
        lines = content.decode("utf-8").replace(",", " ").replace(";", " ")
        if not lines.strip():
            raise ValueError("it is empty")
        points_B3 = np.loadtxt(io.StringIO(lines), dtype=np.float64, usecols=(0, 1, 2), ndmin=2, max_rows=1_000_000)
    except (UnicodeDecodeError, ValueError, IndexError) as error:
        raise InvalidValue(f"The file is not a point cloud ({str(error)[:100]}): each line is x y z.") from error
    if not np.isfinite(points_B3).all() or len(points_B3) < LEAST or np.ptp(points_B3, axis=0).max() == 0:
        raise InvalidValue(f"A point cloud needs at least {LEAST} finite points, not all in one place; this one has {len(points_B3)}.")
    if len(points_B3) > MAX_POINTS:
        points_B3 = points_B3[random.permutation(len(points_B3))[:MAX_POINTS]]
    points_B3 = points_B3 - (points_B3.max(0) + points_B3.min(0)) / 2
    return (points_B3 * (RADIUS / np.linalg.norm(points_B3, axis=1).max())).astype(np.float32)


def save(store: Store, name: str, content: bytes) -> str:
    """Keep a cloud; its id, which is that of its content. Raises InvalidValue, MeshError, StorageError."""
    points_B3 = read(name, content)
    id_ = f"cloud-{hashlib.sha256(points_B3.tobytes()).hexdigest()[:12]}"
    folder = store.workspace / ".clouds"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / f"{id_}.safetensors", to_bytes({"points": points_B3}))
    return id_


def load(store: Store, id_: str) -> np.ndarray:
    """Points [B, 3] of a kept cloud. Raises UnknownId, InvalidValue."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = store.workspace / ".clouds" / f"{id_}.safetensors"
    if not ID.fullmatch(id_) or not path.is_file():
        raise UnknownId(f"There is no point cloud {id_[:60]!r}: upload it on the LSO page.")
    try:
        points_B3 = load_file(path)["points"]
    except (SafetensorError, KeyError) as error:
        raise InvalidValue(f"{id_} is damaged: upload the cloud again.") from error
    if points_B3.ndim != 2 or points_B3.shape[1] != 3 or not np.isfinite(points_B3).all():
        raise InvalidValue(f"{id_} is damaged: upload the cloud again.")
    return points_B3
