"""Placing a person's mesh in the background: read, fit, place, draw, keep. The page watches; it may be closed meanwhile."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

import numpy as np

from ..errors import ExplorerError
from ..host import Host
from ..meshing import Mesh, mesh, numpy_field
from ..netspace.placing import fit_mesh, place_network
from . import placed, sheet, viewing
from .meshes import MeshShape

SHOWN_FACES = 100_000  # of a person's mesh; a finer one is shown as the surface of its signed distance
SHOWN_RESOLUTION = 96
FIT_SHARE = 0.85  # of the progress bar
log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()


class PlacingJob:
    """One mesh on its way into a space. `stage` says what is being done, `share` (0 to 1) how far it is; in the end `id` is that
    of the placed shape, or `error` a sentence."""

    def __init__(self, host: Host, space_id: str, name: str, content: bytes):
        self.host, self.space_id, self.name, self.content = host, space_id, name, content
        self.stage, self.share, self.id, self.error = "Waiting for another mesh to be placed", 0.0, None, None
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name="placing", daemon=True)

    def start(self) -> PlacingJob:
        self.thread.start()
        return self

    def stop(self) -> None:
        """Fit no longer: the network is placed as it stands."""
        self._stop.set()

    @property
    def done(self) -> bool:
        return self.id is not None or self.error is not None

    def _run(self) -> None:
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)  # on Linux a thread's own: who drags comes first
        except OSError:
            pass
        try:
            with _one_at_a_time:
                self.id = self._place()
        except ExplorerError as error:
            self.error = str(error)
        except Exception:  # ours: the log gets all of it, the person a sentence
            log.exception("Placing %r failed", self.name[:200])
            self.error = f"The explorer failed at placing {self.name}; its log says more."

    def _place(self) -> str:
        import torch

        torch.set_num_threads(1)
        began = time.monotonic()
        space = viewing.shapes(self.host, self.space_id).space
        self.stage = "Reading the mesh and measuring distances to it"
        id_ = placed.id_of(space, self.content)
        fitted = fit_mesh(Path(self.name), space.arch, content=self.content, progress=self._fitting, stop=self._stop.is_set)
        self.stage, self.share = "Placing the network: encoder, then inversion", FIT_SHARE
        found = place_network(space, fitted.parameters_P.to(space.embeddings_NE.device))
        self.stage, self.share = "Drawing its picture", 0.95
        original = shown(fitted.shape)
        values = {"fit_iou": fitted.iou, "encoded_iou": found.encoded_iou, "placed_iou": found.iou, "nearest_iou": found.nearest_iou}
        splits = {"fit_iou": "the fitted network to the mesh", "nearest_iou": f"the nearest training instance, {found.nearest}"}
        metrics = {name: {"value": round(value, 6), "split": splits.get(name, "decoded to the fitted network"), "n": 1} for name, value in values.items()}
        arrays = [tensor.detach().cpu().numpy().astype(np.float32) for tensor in (fitted.parameters_P, found.encoded_E, found.embedding_E)]
        kept = placed.Placed(id_, self.name, *arrays, original, metrics)
        provenance = {"fit_steps": fitted.steps, "fit_seconds": round(fitted.seconds, 2), "placing_seconds": round(found.seconds, 3), "inversion_steps": found.steps, "nearest": found.nearest, "seconds": round(time.monotonic() - began, 1)}
        picture = sheet.sheet_of(fitted.parameters_P[None], space.arch)
        placed.save(self.host.store, space, kept, picture, provenance)
        self.stage, self.share = "Placed", 1.0
        return id_

    def _fitting(self, step: int, steps: int, loss: float) -> None:
        self.stage, self.share = f"Fitting a network: step {step} of {steps}", FIT_SHARE * step / steps


def shown(shape: MeshShape) -> Mesh:
    """A person's mesh as it is shown: its own triangles, or where they are too many the surface of its signed distance."""
    if len(shape.faces_F3) <= SHOWN_FACES:
        return Mesh(shape.vertices_V3.astype(np.float32), shape.faces_F3.astype(np.int32))
    found = mesh(numpy_field(shape.sdf), SHOWN_RESOLUTION, lipschitz=1.0)
    assert isinstance(found, Mesh), "it was fitted, so it has an inside"
    return found
