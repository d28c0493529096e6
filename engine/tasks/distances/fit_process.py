"""A network fitted to a person's mesh, in a process of its own:
`python -m engine.tasks.distances.fit_process NAME ARCHITECTURE OUT UP TURN < FILE`.

Measuring distances to a mesh keeps Python's lock for seconds, which would stop every drag; the file itself is read by yet
another process, with limits. Says `step steps` on standard output as it goes. An interrupt ends the fit early and keeps what
is fitted; before the first steps are done it ends everything. OUT is a safetensors file: `parameters`, `vertices` and `faces`
of the mesh as it is shown, `said` (IoU of the fit, steps, seconds). What a user can mend, and that it was stopped, is one line
on standard error and exit code 2.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from ...core.errors import ExplorerError, Stopped

NICE = 5  # who drags comes first
SHOWN_FACES = 100_000  # of the mesh; a finer one is shown as the surface of its signed distance
SHOWN_RESOLUTION = 96


def main(name: str, arch_id: str, out: str, up: str, turn: str) -> int:
    os.nice(NICE)
    stopped: list[int] = []
    fitting: list[int] = []

    def stop(number: int, _) -> None:
        stopped.append(number)
        if not fitting:
            raise Stopped

    signal.signal(signal.SIGINT, stop)
    try:
        fit(name, arch_id, out, (up, int(turn)), fitting, lambda: bool(stopped))
    except ExplorerError as error:
        print(error, file=sys.stderr)
        return 2
    except Stopped:
        print(f"{name} was stopped before a network was fitted to it.", file=sys.stderr)
        return 2
    return 0


def fit(name: str, arch_id: str, out: str, pose: tuple[str, int], fitting: list[int], stop: Callable[[], bool]) -> None:
    """Reads, fits and writes; `fitting` gets the steps that are done."""
    content = sys.stdin.buffer.read()

    import numpy as np
    import torch

    from ...archs import architecture
    from ...core.tensors import to_file
    from .mesh_fit import fit_mesh
    from .pose import Pose

    def progress(step: int, steps: int, _: float) -> None:
        fitting.append(step)
        print(step, steps, flush=True)

    torch.set_num_threads(1)
    fitted = fit_mesh(name, architecture(arch_id), content, progress, stop, pose=Pose(*pose))
    shown = mesh_shown(fitted.shape)
    said = np.array([fitted.iou, fitted.steps, fitted.seconds], np.float32)
    to_file({"parameters": fitted.parameters_P.numpy(), "vertices": shown.vertices_V3, "faces": shown.faces_F3, "said": said}, Path(out))


def mesh_shown(shape):
    """A person's shape as it is shown: a mesh's own triangles; where they are too many, or there are none, the surface of its
    signed distance."""
    import numpy as np

    from .meshes import MeshShape
    from .meshing import Mesh, mesh, numpy_field

    if isinstance(shape, MeshShape) and len(shape.faces_F3) <= SHOWN_FACES:
        return Mesh(shape.vertices_V3.astype(np.float32), shape.faces_F3.astype(np.int32))
    found = mesh(numpy_field(shape.sdf), SHOWN_RESOLUTION, lipschitz=1.0 if isinstance(shape, MeshShape) else 2.0)
    assert isinstance(found, Mesh), "it was fitted, so it has an inside"
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
