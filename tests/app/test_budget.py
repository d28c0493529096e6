"""What a page sends grows with a space's instances by so few bytes each that its first paint stays below 4 MB at 100 000 of them."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest, local_script_runner

from engine.core.artifacts import Store, manifest_hash
from engine.kinds.netspace.probing import Probe
from engine.kinds.netspace.properties import MOST, Property
from engine.tasks.distances import sheet
from explorer import properties, services
from tests.serving import get, live, serving
from tests.tiny import SPACE, ZOO, write_tiny
from tests.tiny_shapes import SPACE as SHAPES
from tests.tiny_shapes import ZOO as SHAPE_ZOO
from tests.tiny_shapes import write_tiny_shapes

BUDGET, LARGE = 4 << 20, 100_000  # bytes, instances
COUNTS = (500, 1500)
PAGES = ("interpolation", "plane", "preps", "lso", "home", "latent_map", "properties", "shapes")
# What the scripts of a page fetch at once, beside images of the data set, which are the same for any zoo.
FETCHED = {
    "preps": f"/api/spaces/{SPACE}?most=0",
    "lso": f"/api/spaces/{SPACE}?most=100",
}
POINTS = {"op": "points", "space": SPACE, "numbers": ["x2", "y2", "val_accuracy", "hollow"], "names": ["architecture"]}
FOUND = {"op": "search", "space": SPACE, "query": ""}  # the table below the map
SHEET = {"op": "search", "space": SHAPES, "query": "", "limit": 200}
ASKED = {"latent_map": (POINTS, FOUND), "shapes": (SHEET,)}  # and what they ask the socket
FEW = 40  # instances that probes rest on here


def write_large(store: Store, zoo: str, space: str, count: int) -> None:
    """A tiny zoo and its space with so many instances, their own again and again under new ids."""
    for id_, name, key in ((zoo, "parameters.safetensors", "parameters"), (space, "embeddings.safetensors", "embeddings")):
        artifact = store.open(id_)
        table = artifact.table("instances.parquet")
        rows = np.arange(count) % len(table)
        arrays = {file: artifact.arrays(file) for file in artifact.manifest.files if file.endswith(".safetensors")}
        arrays[name][key] = arrays[name][key][rows]
        many = table.iloc[rows].assign(id=[f"digits-lenetlike-{row:06d}" for row in range(count)])
        if "test_accuracy" in many:  # else nothing varies that a probe could read
            many = many.assign(test_accuracy=np.random.default_rng(0).uniform(0.1, 0.9, count).round(4))
        inputs = {zoo: {"sha256": manifest_hash(store.open(zoo))}} if id_ == space else {}
        store.write(dataclasses.replace(artifact.manifest, inputs=inputs), arrays, {"instances.parquet": many}, replace=True)


def answers(port: int, name: str) -> list[bytes]:
    """What the server sends to a page's scripts."""
    found = []
    for path in filter(None, [FETCHED.get(name)]):
        status, body, _ = get(port, path)
        assert status == 200
        found.append(body)
    with live(port) as socket:
        for question in ASKED.get(name, ()):
            socket.send(json.dumps({"id": 1, **question}))
            reply = socket.recv(timeout=60)
            assert isinstance(reply, bytes) or json.loads(reply)["ok"], reply
            found.append(reply if isinstance(reply, bytes) else reply.encode())
    return found


def page(name: str) -> None:
    import runpy
    from pathlib import Path

    from explorer import controls, state

    state.read(name)
    runpy.run_path(str(Path(controls.__file__).resolve().parents[1] / "pages" / f"{name}.py"))
    state.write()


@pytest.fixture(scope="module")
def sent(tmp_path_factory) -> dict[str, list[int]]:
    """Page -> bytes that Streamlit and the API send, with each count of instances."""
    patch, found = pytest.MonkeyPatch(), {name: [] for name in PAGES}
    patch.setattr("explorer.jobs.ready", lambda: "")  # no worker is started, which would outlive this
    patch.setattr("engine.kinds.netspace.properties.MOST", dict.fromkeys(("train", "val", "test"), FEW))
    patch.setattr("engine.kinds.netspace.probing.DRAWS", 20)
    parse = local_script_runner.parse_tree_from_messages
    sizes: list[int] = []

    def weighed(messages):
        sizes.append(sum(each.ByteSize() for each in messages))
        return parse(messages)

    patch.setattr(local_script_runner, "parse_tree_from_messages", weighed)
    for count in COUNTS:
        root = tmp_path_factory.mktemp("large")
        store = Store(root / "workspace", root / "gallery")
        write_tiny(store)
        write_tiny_shapes(store, 20)
        write_large(store, ZOO, SPACE, count)
        write_large(store, SHAPE_ZOO, SHAPES, count)
        services.use(store)
        try:
            with serving(services.host()) as port:
                for name in PAGES:
                    sizes.clear()
                    app = AppTest.from_function(page, args=(name,), default_timeout=120).run()
                    assert not app.exception and not app.error, (app.exception, app.error)
                    assert name != "properties" or app.dataframe, [each.value for each in app.info]
                    found[name].append(sum(sizes) + sum(map(len, answers(port, name))))
        finally:
            services.use(None)
    patch.undo()
    return found


@pytest.mark.parametrize("name", PAGES)
def test_first_paint_is_below_four_megabytes_at_a_hundred_thousand_instances(sent, name):
    few, many = sent[name]
    assert few > 1000, "something was sent"
    each = (many - few) / (COUNTS[1] - COUNTS[0])
    assert few + each * LARGE < BUDGET, f"{each:.0f} bytes an instance"


def test_a_chart_of_as_many_held_out_instances_as_are_probed_is_a_quarter_of_it():
    count = MOST["test"]
    ids, true_H = [f"digits-lenetlike-{row:06d}" for row in range(count)], np.random.default_rng(0).normal(size=count)
    probes = {name: Probe(true_H + 0.1, 1.0) for name in ("embedding", "weight statistics", "PCA of weights")}
    figure = properties.scatter(Property("log10 steps", True, ids, true_H, probes), ["#000000"] * 3)
    assert 100 * count < len(figure.to_json()) < BUDGET / 4


def test_a_contact_sheet_takes_half_of_the_budget_at_most(gallery_store):
    rows = sheet.rows_of(LARGE)
    assert len(rows) == sheet.MOST >= COUNTS[1] and rows[0] == 0 and rows[-1] == LARGE - 1 and (np.diff(rows) > 60).all()
    kept = gallery_store.open("netspace-chairs-probe").arrays(sheet.FILE)
    each = kept["webp"].nbytes / kept["grid"][2]
    assert 500 < each and each * sheet.MOST < BUDGET / 2
    assert sheet.rows_of(9).tolist() == [*range(9)] and sheet.rows_of(9, 3).tolist() == [0, 4, 8]
