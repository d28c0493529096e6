"""Placing a person's mesh or network in the background: read, fit, place, draw, keep. The page watches; it may be closed meanwhile."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

from ..core import settings
from ..core.errors import ExplorerError, Stopped
from ..core.places import PACKAGES
from ..kinds.netspace import placed_shapes
from ..kinds.netspace.placing import Placed, keep, place_network
from ..tasks.distances import sheet
from ..tasks.distances.meshes import read_shown
from ..tasks.distances.meshing import Mesh
from ..tasks.distances.pose import Pose
from . import shapes as viewing
from .host import Host

FIT_SHARE = 0.85  # of the progress bar
log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()


class NotFitted(ExplorerError):
    """A mesh to which no network could be fitted; the message says why."""


class ReadingJob:
    """A file on its way to the page, in the background. In the end `shown` is its mesh and `notes` what was mended in it, or `error`
    a sentence."""

    def __init__(self, name: str, content: bytes):
        self.name, self.content = name, content
        self.shown: Mesh | None = None
        self.notes: list[str] = []
        self.error: str | None = None
        self._stopped = False

    def start(self) -> ReadingJob:
        threading.Thread(target=self._run, name="reading", daemon=True).start()
        return self

    def stop(self) -> None:
        """Read no longer."""
        self._stopped = True

    def _run(self) -> None:
        try:
            vertices_V3, faces_F3, self.notes = read_shown(self.name, self.content, lambda: self._stopped)
            self.shown = Mesh(vertices_V3, faces_F3)
        except ExplorerError as error:
            self.error = str(error)
        except Stopped:
            self.error = f"Reading {self.name} was stopped."
        except Exception:  # ours: the log gets all of it, the person a sentence
            log.exception("Reading %r failed", self.name[:200])
            self.error = f"The explorer failed to read {self.name}; see its log."


class PlacingJob:
    """One mesh on its way into a space. `stage` says what is being done, `share` (0 to 1) how far it is; in the end `id` is that
    of the placed shape, or `error` a sentence."""

    def __init__(self, host: Host, space_id: str, name: str, content: bytes, pose: Pose = Pose()):
        self.host, self.space_id, self.name, self.content, self.pose = host, space_id, name, content, pose
        self.stage, self.share = "Waiting for another placement", 0.0
        self.id: str | None = None
        self.error: str | None = None
        self._stopped = False
        self._process: subprocess.Popen | None = None
        self.thread = threading.Thread(target=self._run, name="placing", daemon=True)

    def start(self) -> PlacingJob:
        self.thread.start()
        return self

    def stop(self) -> None:
        """Fit no longer: the network is placed as it stands. Before a network is there, nothing is placed."""
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    @property
    def done(self) -> bool:
        return self.id is not None or self.error is not None

    def _run(self) -> None:
        try:
            while not _one_at_a_time.acquire(timeout=0.2):
                if self._stopped:
                    raise NotFitted(f"{self.name} was stopped before its turn came.")
            try:
                self.id = self._place()
            finally:
                _one_at_a_time.release()
        except ExplorerError as error:
            self.error = str(error)
        except Exception:  # ours: the log gets all of it, the person a sentence
            log.exception("Placing %r failed", self.name[:200])
            self.error = f"The explorer failed to place {self.name}; see its log."

    def _place(self) -> str:
        began = time.monotonic()
        space = viewing.shapes(self.host, self.space_id).space
        fitted = self._fit(space.arch.id)
        self.stage, self.share = "Placing the network: encoder, then inversion", FIT_SHARE
        parameters_P = torch.from_numpy(fitted["parameters"])
        found = self.host.run_long(torch.enable_grad()(place_network), space, parameters_P.to(space.embeddings_NE.device))
        self.stage, self.share = "Drawing its picture", 0.95
        fit_iou, fit_steps, fit_seconds = (float(value) for value in fitted["said"])
        said = {
            "fit_iou": (fit_iou, "the fitted network to the shape of the file"),
            "encoded_iou": (found.encoded_likeness, "decoded to the fitted network, by the encoder alone"),
            "placed_iou": (found.likeness, f"decoded to the fitted network, {found.steps} steps of inversion"),
            "nearest_iou": (found.nearest_likeness, f"the nearest training instance, {found.nearest}"),
        }
        metrics = {
            name: {"value": round(value, 6), "split": split, "n": 1} for name, (value, split) in said.items()
        } | found.outside.metrics()
        encoded_E, inverted_E = (tensor.detach().cpu().numpy().astype(np.float32) for tensor in (found.encoded_E, found.embedding_E))
        original = Mesh(fitted["vertices"], fitted["faces"])
        stood = self.content + (b"" if self.pose == Pose() else repr(self.pose).encode())  # the same file stood otherwise is another shape
        id_ = placed_shapes.id_of(space, stood)
        kept = placed_shapes.PlacedShape(id_, self.name, fitted["parameters"], encoded_E, inverted_E, original, metrics)
        seconds = {
            "fit_steps": int(fit_steps),
            "fit_seconds": round(fit_seconds, 2),
            "placing_seconds": round(found.seconds, 3),
            "seconds": round(time.monotonic() - began, 1),
        }
        placed_shapes.save(self.host.store, space, kept, self.host.run_long(sheet.sheet_of, parameters_P[None], space.arch), seconds)
        self.stage, self.share = "Placed", 1.0
        return kept.id

    def _fit(self, arch_id: str) -> dict[str, np.ndarray]:
        """What fit_process.py makes of the mesh. Raises NotFitted."""
        self.stage = "Reading the file and measuring distances to its shape"
        with tempfile.TemporaryDirectory() as folder:
            source, out, said = (Path(folder, name) for name in ("mesh", "fitted.safetensors", "said"))
            source.write_bytes(self.content)
            command = [
                sys.executable,
                "-m",
                "engine.tasks.distances.fit_process",
                self.name,
                arch_id,
                str(out),
                self.pose.up,
                str(self.pose.turn),
            ]
            with source.open("rb") as given, said.open("wb") as errors:
                environment = settings.environment(OMP_NUM_THREADS="1")
                self._process = subprocess.Popen(
                    command, cwd=PACKAGES, stdin=given, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
                )
            with self._process:
                if self._stopped:  # it was asked before there was a process
                    self._process.kill()
                assert self._process.stdout is not None, "it is a pipe"
                for line in self._process.stdout:
                    step, steps = (int(word) for word in line.split())
                    self.stage, self.share = f"Fitting a network: step {step} of {steps}", FIT_SHARE * step / steps
                    if self._stopped:
                        self._process.send_signal(signal.SIGINT)
            if self._process.returncode == 2:
                raise NotFitted(said.read_text("utf-8", "replace").strip().splitlines()[-1][:600])
            if self._process.returncode and self._stopped:
                raise NotFitted(f"{self.name} was stopped before a network was fitted to it.")
            if self._process.returncode:
                log.warning("Fitting %r failed: %s", self.name[:200], said.read_text("utf-8", "replace")[-2000:])
                raise NotFitted(f"{self.name}: its reader stopped unexpectedly; export the file again, as PLY for instance.")
            return load_file(out)


class NetworkJob(PlacingJob):
    """One checkpoint on its way into a space. In the end `placement` says where it lives; it is an instance only once it is kept."""

    placement: Placed | None = None

    def stop(self) -> None:
        """Place it no longer; what is found all the same is not shown."""
        self._stopped = True

    def _place(self) -> str:
        self.stage, self.share = "Reading the file", 0.1
        space = self.host.space(self.space_id)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, Path(self.name).name or "network")
            path.write_bytes(self.content)
            unseen = space.task.read_unseen(space, path)
        self._unless_stopped()
        self.stage, self.share = "Placing the network: encoder, then inversion", 0.3
        found = self.host.run_long(torch.enable_grad()(place_network), space, unseen)
        self._unless_stopped()
        self.placement = found
        return self.name

    def _unless_stopped(self) -> None:
        if self._stopped:
            raise NotFitted(f"{self.name} was stopped before it was placed.")

    def keep(self) -> str:
        """Make it an instance of its space; its id. Raises StorageError, InvalidValue."""
        assert self.placement is not None, "nothing is offered before"
        space, command = self.host.space(self.space_id), ["place", self.space_id, self.name, "--keep"]
        return self.host.run_long(keep, self.host.store, space, self.placement, Path(self.name).stem, command, str(self.host.device)).id
