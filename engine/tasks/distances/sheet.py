"""Contact sheets: a small picture of each shape, of very many some that lie evenly in their table, all on one sheet, made once and kept
with the artifact.

PyVista draws, off screen and in a process of its own (draw.py): a crash of OpenGL cannot take a server down. Where no OpenGL
is to be had matplotlib draws, and the sheet says so. A sheet is kept as tensors, and so hashed like everything else of an
artifact: `webp` (the bytes of one picture with a transparent ground), `grid` (columns, side of a picture in pixels, number of
pictures), `drawn` (place of who drew it in RENDERERS).

Legend: N shapes, S side of a picture.
"""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load
from torch import Tensor

from ...archs import Architecture
from ...archs.siren import siren_field, stacked_layers
from ...core import settings
from ...core.artifacts import Artifact, Store, manifest_hash, sha256, write_atomic
from ...core.errors import StorageError
from ...core.places import PACKAGES
from ...core.tensors import to_bytes, to_file
from ...nets.stacked import unflatten
from ..zoo import evenly
from .meshing import Mesh, NoSurface, mesh

FILE = "sheet.safetensors"
COLUMNS, SIDE = 16, 112
MOST = 1500  # shapes on a sheet: 2 MB, a minute and a half to draw, and a WebP file can be no higher than 2 300 of them
RESOLUTION = 56  # nodes an axis of the meshes that are drawn: a picture of SIDE shows no more
RENDERERS = ("PyVista", "matplotlib")
SECONDS = 900  # that a drawing process may take
log = logging.getLogger(__name__)


def rows_of(count: int, drawn: int | None = None) -> np.ndarray:
    """Which of `count` networks are on their sheet, int64: all, or MOST that lie evenly. `drawn`: how many pictures it holds, if it is
    there."""
    return evenly(count, MOST if drawn is None else drawn)


def sheet_of(parameters_NP: Tensor, arch: Architecture) -> dict[str, np.ndarray]:
    """The sheet of some networks, in their order: what an artifact keeps under FILE. Some 0.06 s a network."""
    shown_NP = parameters_NP[rows_of(len(parameters_NP))].cpu()
    fields = (siren_field(stacked_layers(unflatten(parameters_P, arch))) for parameters_P in shown_NP)
    return draw([mesh(field, RESOLUTION) for field in fields])


def draw(meshes: Iterable[Mesh | NoSurface], side: int = SIDE) -> dict[str, np.ndarray]:
    """The sheet of some meshes; one without a surface is an empty picture."""
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "meshes.safetensors"), Path(folder, "pictures.npy")
        tensors = {"count": np.zeros(0, np.int32)}
        for count, each in enumerate(meshes):
            tensors["count"] = np.zeros(count + 1, np.int32)
            if isinstance(each, Mesh):
                tensors |= {f"v{count}": each.vertices_V3, f"f{count}": each.faces_F3.astype(np.int32)}
        to_file(tensors, source)
        for drawn, name in enumerate(RENDERERS):  # noqa: B007 - who drew it
            command = [sys.executable, "-m", "engine.tasks.distances.draw", name, str(source), str(made), str(side)]
            try:
                subprocess.run(
                    command,
                    cwd=PACKAGES,
                    check=True,
                    capture_output=True,
                    text=True,
                    timeout=SECONDS,
                    env=settings.environment(OMP_NUM_THREADS="1"),
                )
                break
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                log.warning("%s did not draw: %s", name, str(getattr(error, "stderr", None) or error)[-400:])
        else:
            raise StorageError(
                "Neither PyVista nor matplotlib could draw the shapes; the log says why. Install them again: pip install -r "
                "requirements.txt."
            )
        pictures_NSS4 = np.load(made, allow_pickle=False)
    return {
        "webp": encode(pictures_NSS4),
        "grid": np.array([COLUMNS, side, len(pictures_NSS4)], np.int32),
        "drawn": np.array([drawn], np.uint8),
    }


def cut(drawn: Mapping[str, np.ndarray]) -> np.ndarray:
    """The pictures of a sheet, RGBA uint8 [N, S, S, 4]."""
    from PIL import Image

    columns, side, count = drawn["grid"].tolist()
    whole = np.asarray(Image.open(io.BytesIO(drawn["webp"].tobytes())).convert("RGBA"))
    return whole.reshape(-1, side, columns, side, 4).swapaxes(1, 2).reshape(-1, side, side, 4)[:count]


def encode(pictures_NSS4: np.ndarray) -> np.ndarray:
    """RGBA pictures, uint8, side by side in rows of COLUMNS, as the bytes of a WebP file."""
    from PIL import Image

    count, side = pictures_NSS4.shape[:2]
    rows = -(-count // COLUMNS)
    padded = np.zeros((rows * COLUMNS, side, side, 4), np.uint8)
    padded[:count] = pictures_NSS4
    whole = padded.reshape(rows, COLUMNS, side, side, 4).transpose(0, 2, 1, 3, 4).reshape(rows * side, COLUMNS * side, 4)
    buffer = io.BytesIO()
    Image.fromarray(whole, "RGBA").save(buffer, "webp", quality=80, alpha_quality=80, method=4)
    return np.frombuffer(buffer.getvalue(), np.uint8)


def sheet(store: Store, artifact: Artifact, parameters_NP: Tensor, arch: Architecture) -> dict[str, np.ndarray]:
    """The sheet that an artifact keeps; where it keeps none, one made now and kept in the workspace."""
    if FILE in artifact.manifest.files:
        return artifact.arrays(FILE)
    path = store.workspace / ".sheets" / f"{artifact.id}-{manifest_hash(artifact)[:12]}.safetensors"
    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError):  # not there yet, or not whole
        with torch.no_grad():
            made = sheet_of(parameters_NP, arch)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"Cannot write to {path.parent} ({error.strerror}). Choose another folder with --workspace.") from error
        write_atomic(path, to_bytes(made))
        return made


def attach(artifact: Artifact, made: dict[str, np.ndarray]) -> None:
    """Keep a sheet with an artifact that was made without one."""
    path = artifact.folder / FILE
    write_atomic(path, to_bytes(made))
    manifest = asdict(artifact.manifest)
    manifest["files"] = {**manifest["files"], FILE: {"sha256": sha256(path), "bytes": path.stat().st_size}}
    write_atomic(artifact.folder / "manifest.json", (json.dumps(manifest, indent=1, allow_nan=False) + "\n").encode())
