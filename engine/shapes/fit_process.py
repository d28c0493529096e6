"""A network fitted to a person's mesh, in a process of its own: `python -m engine.shapes.fit_process NAME ARCHITECTURE OUT < MESH`.

Reading a stranger's mesh and measuring distances to it keeps Python's lock for seconds, which would stop every drag, and a
parser may crash. Says `step steps` on standard output as it goes; an interrupt ends the fit early. OUT is a safetensors file:
`parameters`, `vertices` and `faces` of the mesh as it is shown, `said` (IoU of the fit, steps, seconds). What a user can mend
is one line on standard error and exit code 2.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

NICE = 5  # who drags comes first
SHOWN_FACES = 100_000  # of the mesh; a finer one is shown as the surface of its signed distance
SHOWN_RESOLUTION = 96


def main(name: str, arch_id: str, out: str) -> int:
    os.nice(NICE)
    stopped: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: stopped.append(number))
    content = sys.stdin.buffer.read()

    import numpy as np
    import torch
    from safetensors.numpy import save_file

    from ..archs import architecture
    from ..errors import ExplorerError
    from ..netspace.placing import fit_mesh

    torch.set_num_threads(1)
    try:
        fitted = fit_mesh(name, architecture(arch_id), content, lambda step, steps, _: print(step, steps, flush=True), lambda: bool(stopped))
    except ExplorerError as error:
        print(error, file=sys.stderr)
        return 2
    shown = mesh_shown(fitted.shape)
    said = np.array([fitted.iou, fitted.steps, fitted.seconds], np.float32)
    save_file({"parameters": fitted.parameters_P.numpy(), "vertices": shown.vertices_V3, "faces": shown.faces_F3, "said": said}, Path(out))
    return 0


def mesh_shown(shape):
    """A person's mesh as it is shown: its own triangles, or where they are too many the surface of its signed distance."""
    import numpy as np

    from ..meshing import Mesh, mesh, numpy_field

    if len(shape.faces_F3) <= SHOWN_FACES:
        return Mesh(shape.vertices_V3.astype(np.float32), shape.faces_F3.astype(np.int32))
    found = mesh(numpy_field(shape.sdf), SHOWN_RESOLUTION, lipschitz=1.0)
    assert isinstance(found, Mesh), "it was fitted, so it has an inside"
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
