"""What is made once somebody asks: the routes that need the engine, the host itself, the columns that Home reads before pandas is there."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from engine.api.guard import Guard
from engine.api.server import Later, host_routes, routes_later
from engine.core.artifacts import Manifest, Store
from engine.core.errors import CorruptArtifact
from engine.core.tables import array_of, columns, count
from engine.host import host as hosts
from explorer import controls, services, shell
from tests.serving import tiny_host, tiny_store  # noqa: F401 - fixtures
from tests.tiny import SPACE

ROOT = Path(__file__).resolve().parents[2]


def test_an_application_is_made_by_its_first_request_once_and_others_wait():
    made, go = [], threading.Event()

    def make():
        made.append(threading.current_thread())
        assert go.wait(60)
        return PlainTextResponse("here")

    with TestClient(Starlette(routes=[Route("/", Later(make))])) as client, ThreadPoolExecutor(3) as people:
        answers = [people.submit(client.get, "/") for _ in range(3)]
        while not made:
            assert not any(each.done() for each in answers)
        go.set()
        assert [each.result().text for each in answers] == ["here"] * 3
        assert client.get("/").text == "here" and len(made) == 1 and made[0] is not threading.main_thread()


def test_what_could_not_be_made_is_tried_again():
    tries = []

    def make():
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("not now")
        return PlainTextResponse("here")

    with TestClient(Starlette(routes=[Route("/", Later(make))])) as client:
        with pytest.raises(RuntimeError, match="not now"):
            client.get("/")
        assert client.get("/").text == "here"


def test_jobs_are_answered_before_there_is_a_host_and_all_else_makes_it(tiny_host):
    asked = []

    def host():
        asked.append("host")
        return tiny_host

    app = Guard(Starlette(routes=routes_later(tiny_host.store, host, lambda: host_routes(host()))), frozenset({"127.0.0.1"}), "/user/ada")
    with TestClient(app, base_url="http://127.0.0.1:8501") as client:
        assert client.get("/api/jobs").status_code == 200 and asked == []
        for base in ("", "/user/ada"):
            assert SPACE in client.get(f"{base}/api/spaces/{SPACE}").text
            nothing = client.get(f"{base}/api/no-such")
            assert nothing.status_code == 404 and nothing.json()["kind"] == "UnknownId"
            assert client.post(f"{base}/api/spaces/{SPACE}").status_code == 404
            with client.websocket_connect(f"ws://127.0.0.1:8501{base}/api/live") as socket:
                socket.send_text("{}")
                assert "no op" in socket.receive_json()["error"]
    assert asked == ["host", "host"], "once for the live socket, once for the others"


def test_the_store_is_not_held_up_while_a_host_is_made(tmp_path, monkeypatch):
    begun, go = threading.Event(), threading.Event()
    make = hosts.Host

    def slowly(store):
        begun.set()
        assert go.wait(60)
        return make(store, "cpu")

    monkeypatch.setattr(hosts, "Host", slowly)
    services.use(Store(tmp_path))
    with ThreadPoolExecutor(3) as people:
        made = [people.submit(services.host) for _ in range(2)]
        assert begun.wait(60)
        assert people.submit(services.store).result(60).workspace == tmp_path
        go.set()
        assert made[0].result() is made[1].result()
    services.use(None)


HOME = """
import sys
from types import SimpleNamespace
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest
from explorer import app, components, services

made = []
services.host = lambda: made.append("host") or SimpleNamespace(device_name=lambda: "cpu")
client = TestClient(app.create(), base_url="http://127.0.0.1")
scripts = [part.split('"')[0] for part in client.get("/").text.split('modulepreload" href="')[1:]]
assert all(client.get("/" + address).status_code == 200 for address in scripts) and len(scripts) > 20
assert client.get("/api/jobs?live").status_code == 200
app.imported()
for _ in range(2):
    shown = AppTest.from_file(app.__file__, default_timeout=60).run()
    assert not shown.exception and not shown.warning and not shown.error, (shown.exception, shown.warning, shown.error)
    assert any(each.value.startswith("Figures are as they were") for each in shown.markdown), "that is not all of Home"
assert made == ["host"] * 2, "its last line alone asks for the host, in a thread of its own"
print(*sorted(sys.modules.keys() & {LATE}))
"""


def test_home_is_shown_without_torch_and_pandas(tmp_path):
    """From the first request to its last words, live views and cards among them; nor what else takes long to import."""
    late = {"torch", "pandas", "scipy", "sklearn", "numba", "trimesh", "networkx", "igl", "matplotlib", "sympy"}
    done = subprocess.run(
        [sys.executable, "-c", HOME.replace("{LATE}", repr(late))], capture_output=True, text=True, cwd=ROOT,
        env={"EXPLORER_WORKSPACE": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == []


def test_home_alone_fetches_its_scripts_early():
    assert "modulepreload\" href=\"api" not in shell.html("latent-map") and shell.html("").count('interpolation.js"') == 1


def test_columns_are_what_pandas_reads_and_import_none_of_it(tmp_path):
    frame = pd.DataFrame(
        {
            "id": ["a", "b", "c"],
            "kind": pd.Categorical(["x", None, "x"]),
            "steps": pd.array([1, None, 3], dtype="Int64"),
            "seed": [1, 2, 3],
            "accuracy": np.array([0.5, np.nan, 1], "float32"),
            "seen": [True, False, True],
        }
    )
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    artifact = store.write(Manifest("zoo-a", "zoo", "", "", "", {}), {}, {"t.parquet": frame})
    found = columns(artifact, "t.parquet", [*frame, "no-such"])
    assert list(found) == list(frame) and count(artifact, "t.parquet") == 3
    for name, column in found.items():
        known = frame[name].notna().to_numpy()
        assert column[known].tolist() == frame[name][known].tolist() and all(each is None or each != each for each in column[~known])
    assert [found[name].dtype.kind for name in frame] == ["O", "O", "f", "i", "f", "b"] and found["accuracy"].dtype == np.float32
    assert array_of(pa.array([1.0, None, 3.0, 4.0]).slice(1, 2)).tolist()[1:] == [3.0] and len(array_of(pa.array([], pa.string()))) == 0
    (artifact.folder / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorruptArtifact):
        columns(artifact, "t.parquet", ["id"])
    script = (
        "import sys; from engine.core.artifacts import Store; from engine.core.tables import columns\n"
        "space = Store().open('netspace-digits'); table = space.table if len(sys.argv) > 1 else lambda name: columns(space, name, ['id', "
        "'split', 'val_accuracy', 'steps'])\n"
        "print(len(table('instances.parquet')['id']), 'pandas' in sys.modules)"
    )
    for more, said in (([], "256 False"), (["pandas"], "256 True")):
        done = subprocess.run([sys.executable, "-c", script, *more], capture_output=True, text=True, cwd=ROOT, check=True)
        assert done.stdout.strip() == said


@pytest.mark.parametrize("several", [False, True])
def test_pairs_are_the_same_of_a_frame_and_of_its_columns(several):
    random = np.random.default_rng(0)
    split = ["train"] * 10 + ["test"] * 20
    table = pd.DataFrame(
        {
            "id": [f"n{i:02d}" for i in range(30)], "split": split, "val_accuracy": random.uniform(0.1, 1, 30).round(1).astype("float32"),
            "x2": random.normal(size=30), "y2": random.normal(size=30), **({"class_id": random.integers(0, 3, 30)} if several else {}),
        }
    )  # fmt: skip
    arrays = {name: table[name].to_numpy() for name in table}
    for pair in (controls.first_pair, controls.good_pair):
        assert pair(table) == pair(arrays)
    held = table[10:].set_index("id")
    a, b = (held.loc[each] for each in controls.first_pair(table))
    if several:
        assert (a["class_id"], b["class_id"]) == (held["class_id"].min(), held["class_id"].max())
        assert all(each["val_accuracy"] == held["val_accuracy"][held["class_id"] == each["class_id"]].max() for each in (a, b))
        return
    assert abs(a["val_accuracy"] - 0.2) == (held["val_accuracy"] - 0.2).abs().min() and b["val_accuracy"] == held["val_accuracy"].max()
    one, other = (held.loc[each] for each in controls.good_pair(table))
    good = held[held["val_accuracy"] >= controls.GOOD]
    away = np.hypot(good["x2"] - one["x2"], good["y2"] - one["y2"])
    assert one.name == held["val_accuracy"].idxmax() and other.name == away.idxmax()
    assert controls.good_pair(table[:11]) == controls.good_pair({name: column[:11] for name, column in arrays.items()})
