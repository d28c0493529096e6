"""The latent map in a real browser, over spaces of many instances: the shipped space of digits as networks, its rows again and again,
each moved a little."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace

import numpy as np

from ..core.artifacts import Store, manifest_hash
from ..kinds.netspace.umap_map import MAP_2D, MAP_3D
from . import row
from .measure import p95
from .programs import explorer, opened

SOURCE = "netspace-digits-inr"
COUNTS = (1000, 10_000, 100_000)
BAR_SHOWN, BAR_FRAME, BAR_HOVER, BAR_PICK = 3.0, 60.0, 100.0, 5.0  # s, ms, ms, ms; on a graphics card's stand-in, at the largest count
FRAMES, HOVERS, PICKS = 60, 30, 2000
PATIENCE = 120_000  # ms
SOFTWARE = ("swiftshader", "llvmpipe", "software")
# Frames while a hand moves: what a movement does, and the milliseconds until the next frame has begun.
FRAME = """async ([what, frames]) => {
  const map = document.querySelector('.lm').latentMap, found = [];
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  for (let i = 0; i < frames; i++) {
    const began = performance.now();
    what === 'pan' ? map.flat.pan(i % 2 ? 9 : -8, 3) : what === 'zoom' ? map.flat.zoom(i < frames / 2 ? 1.1 : 1 / 1.1, 300, 300)
      : map.solid.camera.turn(3, 0.5);
    await frame();
    await frame();
    found.push(performance.now() - began);
  }
  return found;
}"""
HOVER = """async (hovers) => {
  const map = document.querySelector('.lm').latentMap, found = [], order = map.order();
  for (let i = 0; i < hovers; i++) {
    const row = order[Math.floor((i + 0.5) * order.length / hovers)], at = map.at(row), began = performance.now();
    await map.hover(map.under(...at), at);
    await new Promise((done) => requestAnimationFrame(done));
    found.push(performance.now() - began);
  }
  map.hover(null);
  return found;
}"""
PICK = """(picks) => {
  const map = document.querySelector('.lm').latentMap, found = [];
  map.under(1, 1);
  for (let i = 0; i < picks; i++) {
    const began = performance.now();
    for (let again = 0; again < 10; again++) map.under((37 * i + 11 * again) % map.eye.width, (53 * i + 7 * again) % map.eye.height);
    found.push((performance.now() - began) / 10);
  }
  return found;
}"""


def many(store: Store, count: int) -> str:
    """A space of so many instances in a store's workspace; its id."""
    source = store.open(SOURCE, "netspace")
    zoo = store.open(next(iter(source.manifest.inputs)), "zoo")
    random, name = np.random.default_rng(0), f"bench-{count}"
    rows = np.arange(count) % len(zoo.table("instances.parquet"))
    ids = [f"instance-{at:06d}" for at in range(count)]
    made = store.write(
        replace(zoo.manifest, id=f"zoo-{name}", files={}),
        {"parameters.safetensors": {"parameters": zoo.arrays("parameters.safetensors")["parameters"][rows]}},
        {"instances.parquet": zoo.table("instances.parquet").iloc[rows].reset_index(drop=True).assign(id=ids)},
    )
    table = source.table("instances.parquet").iloc[rows].reset_index(drop=True).assign(id=ids)
    for axes in (MAP_2D, MAP_3D):
        spread = (table[axes].max() - table[axes].min()).to_numpy()
        table[axes] = table[axes] + (0.03 * spread * random.normal(size=(count, len(axes)))).astype(np.float32)
    embeddings_NE = source.arrays("embeddings.safetensors")["embeddings"][rows]
    embeddings_NE = (embeddings_NE + 0.05 * random.normal(size=embeddings_NE.shape)).astype(embeddings_NE.dtype)
    arrays = {"embeddings.safetensors": {"embeddings": embeddings_NE}, "model.safetensors": source.arrays("model.safetensors")}
    inputs = {made.id: {"sha256": manifest_hash(made)}}
    manifest = replace(source.manifest, id=f"netspace-{name}", inputs=inputs, files={})
    return store.write(manifest, arrays, {"instances.parquet": table}).id


def page() -> list[dict]:
    """Of each count: seconds until the points are shown, once the server holds the space; p95 of a frame while a hand pans, zooms and
    turns the solid map, of a card under the pointer, and p99 of what finds the point under it, in ms. The references
    are the bars. Names end in `_gpu` where a graphics card draws."""
    rows = []
    with tempfile.TemporaryDirectory() as workspace:
        store = Store(workspace)
        spaces = {count: many(store, count) for count in COUNTS}
        with opened() as browser, explorer(workspace) as url:
            for count, space_id in spaces.items():
                rows += measured(browser, f"{url.rstrip('/')}/latent-map?space={space_id}", count)
    return rows


def measured(browser, address: str, count: int) -> list[dict]:
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.set_default_timeout(PATIENCE)
    shown = []
    for _ in range(4):  # the first loads the space
        began = time.perf_counter()
        tab.goto(address)
        tab.locator(".lm[data-drawn]").wait_for()
        shown.append(time.perf_counter() - began)
    tab.locator(f'.lm[data-drawn="{count}"]').wait_for()
    end = "" if any(each in tab.locator(".lm").get_attribute("data-renderer").lower() for each in SOFTWARE) else "_gpu"
    found = {f"map_shown_{count}{end}": (statistics.median(shown[1:]), "s", BAR_SHOWN)}
    for what in ("pan", "zoom"):
        found[f"map_{what}_{count}{end}"] = (p95(tab.evaluate(FRAME, [what, FRAMES])), "ms", BAR_FRAME)
    found[f"map_hover_{count}{end}"] = (p95(tab.evaluate(HOVER, HOVERS)), "ms", BAR_HOVER)
    found[f"map_pick_{count}{end}"] = (statistics.quantiles(tab.evaluate(PICK, PICKS), n=100)[-1], "ms", BAR_PICK)
    tab.goto(f"{address}&dims=3")
    tab.locator(f'.lm[data-dims="3"][data-drawn="{count}"]').wait_for()
    found[f"map_turn_{count}{end}"] = (p95(tab.evaluate(FRAME, ["turn", FRAMES])), "ms", BAR_FRAME)
    tab.close()
    return [row(name, value, unit, bar) for name, (value, unit, bar) in found.items()]
