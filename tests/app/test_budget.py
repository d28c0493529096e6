"""What a page sends grows with a space's instances by so few bytes each that its first paint stays below 4 MB at 100 000 of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest, local_script_runner

from engine.core.artifacts import Store, manifest_hash
from explorer import services
from tests.serving import get, serving
from tests.tiny import SPACE, ZOO, write_tiny

BUDGET, LARGE = 4 << 20, 100_000  # bytes, instances
COUNTS = (500, 1500)
PAGES = ("interpolation", "plane", "preps", "lso", "home")
# What the scripts of a page fetch at once, beside images of the data set, which are the same for any zoo. The map asks for arrays: its own.
FETCHED = {"preps": f"/api/spaces/{SPACE}?most=0", "lso": f"/api/spaces/{SPACE}?most=100"}


def write_large(store: Store, count: int) -> None:
    """The tiny space with so many instances, its own again and again under new ids."""
    write_tiny(store)
    for id_, name, key in ((ZOO, "parameters.safetensors", "parameters"), (SPACE, "embeddings.safetensors", "embeddings")):
        artifact = store.open(id_)
        table = artifact.table("instances.parquet")
        rows = np.arange(count) % len(table)
        arrays = {file: artifact.arrays(file) for file in artifact.manifest.files if file.endswith(".safetensors")}
        arrays[name][key] = arrays[name][key][rows]
        many = table.iloc[rows].assign(id=[f"digits-lenetlike-{row:06d}" for row in range(count)])
        inputs = {ZOO: {"sha256": manifest_hash(store.open(ZOO))}} if id_ == SPACE else {}
        store.write(dataclasses.replace(artifact.manifest, inputs=inputs), arrays, {"instances.parquet": many}, replace=True)


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
    parse = local_script_runner.parse_tree_from_messages
    sizes: list[int] = []

    def weighed(messages):
        sizes.append(sum(each.ByteSize() for each in messages))
        return parse(messages)

    patch.setattr(local_script_runner, "parse_tree_from_messages", weighed)
    for count in COUNTS:
        root = tmp_path_factory.mktemp("large")
        store = Store(root / "workspace", root / "gallery")
        write_large(store, count)
        services.use(store)
        try:
            with serving(services.host()) as port:
                for name in PAGES:
                    sizes.clear()
                    app = AppTest.from_function(page, args=(name,), default_timeout=120).run()
                    assert not app.exception and not app.error, (app.exception, app.error)
                    body = b""
                    if name in FETCHED:
                        status, body, _ = get(port, FETCHED[name])
                        assert status == 200
                    found[name].append(sum(sizes) + len(body))
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
