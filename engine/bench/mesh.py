"""Shapes: meshing sparsely against the whole grid, one drag step, many SIRENs at once, and the page in a browser."""

from __future__ import annotations

import json
import math
import tempfile
import time
from dataclasses import replace

import numpy as np
import torch

from ..archs import architecture
from ..archs.siren import Siren, siren_field, stacked_layers
from ..core.artifacts import Store
from ..core.errors import DataMissing
from ..host.host import Host
from ..host.live import answer
from ..nets.stacked import flatten
from ..presets import config as preset
from ..tasks.distances.chairs import random_chair, samples
from ..tasks.distances.fitting import FitConfig, fit
from ..tasks.distances.fitting import start as fresh
from ..tasks.distances.meshing import Mesh, mesh, mesh_dense
from ..tasks.distances.sampling import Samples
from ..tasks.distances.sources import Chairs
from ..tasks.distances.zoo_training import ShapeZooTraining, hidden_of, start_seed
from . import row
from .browser import PATIENCE, swept
from .measure import medians, p95, seconds, tune
from .programs import explorer, opened

SPACE = "netspace-chairs"
DRAG, RELEASE = 48, 128  # nodes an axis while the thumb moves, and when it is released
STEPS, RELEASES, WARM_UP = 400, 40, 20
BAR_DRAG, BAR_RELEASE, BAR_RATE = 30.0, 300.0, 12.0  # ms, ms, meshes a second
FITTED = FitConfig(hidden=(256, 256), steps=400, batch=1024, lr=3e-4)  # the paper's network, fitted for long enough to be a chair
SHORTER = 4  # every fit of the zoo, so many times shorter
SWEEPS = 4


def shipped() -> tuple[Store, list[str]]:
    """The store, and the ids of the shipped space's training instances."""
    store = Store()
    if not store.has(SPACE):
        raise DataMissing(f"This row needs {SPACE}, which is not available: make it with `python -m engine train {SPACE}`.")
    table = store.open(SPACE).table("instances.parquet")
    return store, table[table["split"] == "train"]["id"].tolist()


def sparse_256() -> list[dict]:
    """Seconds of a mesh at 256 nodes an axis of the paper's MLP (67 073 parameters) fitted to a chair; the reference evaluates
    the whole grid in batches that fit the cache. The same triangles."""
    tune()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        points_NQ3, sdf_NQ = (torch.from_numpy(part)[None] for part in samples(random_chair(0), 16 * FITTED.batch, 0))
        params = fit(fresh([0], FITTED.hidden), points_NQ3, sdf_NQ, FITTED).params
        field = siren_field([(weight[0], bias[0]) for weight, bias in stacked_layers(params)])
        found = {}
        ours = medians(lambda: found.update(ours=mesh(field, 256)), repeats=3)[0]
        theirs = seconds(lambda: found.update(theirs=mesh_dense(field, 256)))
    finally:
        torch.set_num_threads(threads)
    assert isinstance(found["ours"], Mesh) and found["ours"].sparse, "no block was skipped"
    assert np.array_equal(found["ours"].faces_F3, found["theirs"].faces_F3) and np.array_equal(
        found["ours"].vertices_V3, found["theirs"].vertices_V3
    )
    return [row("mesh_sparse_256", ours, "s", theirs)]


def questions(ids: list[str], count: int, resolution: int) -> list[str]:
    """Drags between pairs of instances, ten steps each, one question a step."""
    random = np.random.default_rng(0)
    pairs = [random.choice(ids, 2, replace=False).tolist() for _ in range(-(-count // 10))]
    asked = [(a, b, (step + 0.5) / 10) for a, b in pairs for step in range(10)][:count]
    return [
        json.dumps({"id": i, "op": "mesh", "space": SPACE, "a": a, "b": b, "gamma": gamma, "resolution": resolution})
        for i, (a, b, gamma) in enumerate(asked)
    ]


def server_times(count: int, resolution: int) -> list[float]:
    """Milliseconds from question to framed answer on the server."""
    store, ids = shipped()
    host = Host(store, "cpu")
    times = []
    for text in questions(ids, count + WARM_UP, resolution):
        began = time.perf_counter()
        reply = answer(host, text)
        times.append(1000 * (time.perf_counter() - began))
        assert isinstance(reply, bytes), reply
    host.close()
    return times[WARM_UP:]


def drag_p95() -> list[dict]:
    """p95 of one drag step on the server: decode, mesh at 48 nodes an axis, frame; in ms, the reference is the bar."""
    return [row("mesh_drag_p95", p95(server_times(STEPS, DRAG)), "ms", BAR_DRAG)]


def release_128() -> list[dict]:
    """Median of the mesh that is made when the thumb is released, in ms; the reference is the bar."""
    return [row("mesh_release_128", float(np.median(server_times(RELEASES, RELEASE))), "ms", BAR_RELEASE)]


class Drawn(Chairs):
    """Chairs whose queries are drawn already."""

    def __init__(self, count: int, seed: int, queries: int):
        super().__init__(count, seed)
        self.drawn = [super(Drawn, self).samples(i, queries) for i in range(count)]

    def samples(self, index: int, count: int) -> Samples:
        return self.drawn[index]


def siren_stacked() -> list[dict]:
    """Seconds of fitting 64 small chairs for a part of their steps, as the zoo does it; the reference fits the same networks from
    the same starts to the same queries, one after the other, with plain modules, the same fast sine and torch's fused Adam, on one
    thread: networks so small are slower on two."""
    tune()
    full = preset("zoo-chairs")
    config = replace(full, train=62, val=1, test=1, steps=full.steps // SHORTER, half=False)
    drawn = Drawn(config.instances, config.seed, config.queries)
    found: dict[str, torch.Tensor] = {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def together() -> None:
        trainee = ShapeZooTraining(config, drawn)
        for index in range(trainee.total):
            trainee.step(index)
        found["together"] = trainee.parameters_NP

    def one_by_one() -> None:
        found["alone"] = torch.stack([alone(config, drawn, index) for index in range(config.instances)])

    try:
        ours, theirs = medians(together, one_by_one, repeats=1)
    finally:
        torch.set_num_threads(threads)
    assert (found["together"] - found["alone"]).abs().mean() < 1e-3, "the two sides did not do the same work"
    return [row("siren_stacked", ours, "s", theirs)]


def alone(config, drawn: Drawn, index: int) -> torch.Tensor:
    """Parameters [P] of one instance fitted by itself."""
    torch.manual_seed(start_seed(config, index))
    module = Siren(hidden_of(architecture(config.architecture)))
    optimizer = torch.optim.Adam(module.parameters(), lr=config.lr, fused=True)
    points_Q3, sdf_Q = (torch.from_numpy(part) for part in drawn.samples(index, config.queries))
    slices = len(sdf_Q) // config.batch
    for step in range(config.steps):
        optimizer.param_groups[0]["lr"] = config.lr * (1 + math.cos(math.pi * step / config.steps)) / 2
        batch = slice(step % slices * config.batch, (step % slices + 1) * config.batch)
        loss = (module(points_Q3[batch]) - sdf_Q[batch]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return flatten(module)


def browser_updates() -> list[dict]:
    """Painted meshes a second while the thumb moves, in a headless browser; the reference is the bar."""
    store, ids = shipped()
    with opened() as browser, tempfile.TemporaryDirectory() as workspace, explorer(workspace) as url:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.goto(f"{url.rstrip('/')}/shapes?space={SPACE}&a={ids[0]}&b={ids[1]}&gamma=0.5")
        page.locator('[data-testid="filmstrip"][data-frames="22"]').wait_for()
        paints = swept(page, SWEEPS)["paints"]
    assert len(paints) > 10, "the mesh did not follow the thumb"
    return [row("mesh_browser_updates_per_s", 1000 * (len(paints) - 1) / (paints[-1] - paints[0]), "1/s", BAR_RATE, higher_is_better=True)]
