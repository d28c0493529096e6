"""Placing a person's mesh in the background: read, fit, place, draw, keep. The page watches; it may be closed meanwhile."""

from __future__ import annotations

import logging
import os
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

from ..errors import ExplorerError, Stopped
from ..host import Host
from ..meshing import Mesh
from ..netspace.placing import place_network
from . import placed, sheet, viewing
from .meshes import read_shown
from .pose import Pose

FIT_SHARE = 0.85  # of the progress bar
ROOT = Path(__file__).resolve().parents[2]
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
            self.error = f"The explorer failed at reading {self.name}; its log says more."


class PlacingJob:
    """One mesh on its way into a space. `stage` says what is being done, `share` (0 to 1) how far it is; in the end `id` is that
    of the placed shape, or `error` a sentence."""

    def __init__(self, host: Host, space_id: str, name: str, content: bytes, pose: Pose = Pose()):
        self.host, self.space_id, self.name, self.content, self.pose = host, space_id, name, content, pose
        self.stage, self.share = "Waiting for another mesh to be placed", 0.0
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
            self.error = f"The explorer failed at placing {self.name}; its log says more."

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
            "encoded_iou": (found.encoded_iou, "decoded to the fitted network, by the encoder alone"),
            "placed_iou": (found.iou, f"decoded to the fitted network, {found.steps} steps of inversion"),
            "nearest_iou": (found.nearest_iou, f"the nearest training instance, {found.nearest}"),
        }
        metrics = {name: {"value": round(value, 6), "split": split, "n": 1} for name, (value, split) in said.items()} | found.outside.metrics()
        embeddings = [tensor.detach().cpu().numpy().astype(np.float32) for tensor in (found.encoded_E, found.embedding_E)]
        original = Mesh(fitted["vertices"], fitted["faces"])
        stood = self.content + (b"" if self.pose == Pose() else repr(self.pose).encode())  # the same file stood otherwise is another shape
        kept = placed.Placed(placed.id_of(space, stood), self.name, fitted["parameters"], *embeddings, original, metrics)
        seconds = {"fit_steps": int(fit_steps), "fit_seconds": round(fit_seconds, 2), "placing_seconds": round(found.seconds, 3), "seconds": round(time.monotonic() - began, 1)}
        placed.save(self.host.store, space, kept, self.host.run_long(sheet.sheet_of, parameters_P[None], space.arch), seconds)
        self.stage, self.share = "Placed", 1.0
        return kept.id

    def _fit(self, arch_id: str) -> dict[str, np.ndarray]:
        """What fit_process.py makes of the mesh. Raises NotFitted."""
        self.stage = "Reading the file and measuring distances to its shape"
        with tempfile.TemporaryDirectory() as folder:
            source, out, said = (Path(folder, name) for name in ("mesh", "fitted.safetensors", "said"))
            source.write_bytes(self.content)
            command = [sys.executable, "-m", "engine.shapes.fit_process", self.name, arch_id, str(out), self.pose.up, str(self.pose.turn)]
            with source.open("rb") as given, said.open("wb") as errors:
                environment = {**os.environ, "OMP_NUM_THREADS": "1"}
                self._process = subprocess.Popen(command, cwd=ROOT, stdin=given, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
            with self._process:
                if self._stopped:  # it was asked before there was a process
                    self._process.kill()
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
