"""What the host shows of a space of shapes: the meshes over the socket and in files are those of the decoded networks."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from engine.archs.siren import siren_field, stacked_layers
from engine.core.artifacts import Store
from engine.core.errors import InvalidValue, UnknownId
from engine.core.frames import unframe
from engine.host import shapes as viewing
from engine.host.host import Host
from engine.host.live import answer
from engine.kinds.netspace import kept
from engine.kinds.netspace.space import load_space
from engine.nets.alignment import aligned
from engine.nets.stacked import unflatten
from engine.tasks.distances import sheet
from engine.tasks.distances.measures import FORMATS
from engine.tasks.distances.meshing import mesh_dense
from tests.serving import get, serving, tiny_host, tiny_store  # noqa: F401 - fixtures
from tests.tiny_shapes import SPACE, write_tiny_shapes


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("shapes")
    store = Store(root / "workspace", root / "gallery")
    write_tiny_shapes(store)
    return store


@pytest.fixture(scope="module")
def host(store):
    host = Host(store, "cpu")
    yield host
    host.close()


@pytest.fixture(scope="module")
def ids(host) -> list[str]:
    return host.space(SPACE).table["id"].tolist()


def ask(host: Host, **question) -> tuple[dict, dict]:
    reply = answer(host, json.dumps({"id": 1, "space": SPACE, "gamma": 0.5, **question}))
    return (json.loads(reply), {}) if isinstance(reply, str) else unframe(reply)


def plain_mesh(store: Store, rows: tuple[int, int], gamma: float, path: str, resolution: int, level: float = 0.0):
    """The mesh of the network that stands there, worked out without the host, on the whole grid."""
    space = load_space(store, SPACE)
    source_NX = space.embeddings_NE if path == "embedding" else space.parameters_NP
    mixed_X = (1 - gamma) * source_NX[rows[0]] + gamma * source_NX[rows[1]]
    with torch.no_grad():
        parameters_P = space.model.decode(mixed_X[None])[0] if path == "embedding" else mixed_X
    return mesh_dense(siren_field(stacked_layers(unflatten(parameters_P, space.arch))), resolution, level)


@pytest.mark.parametrize(
    ("path", "gamma", "resolution", "level"),
    [("embedding", 0.0, 32, 0.0), ("embedding", 0.7, 48, 0.02), ("weights", 0.0, 48, 0.0), ("weights", 0.4, 80, -0.02)],
)
def test_a_mesh_over_the_socket_is_that_of_the_network_itself(store, host, ids, path, gamma, resolution, level):
    header, arrays = ask(host, op="mesh", a=ids[0], b=ids[1], gamma=gamma, path=path, resolution=resolution, level=level)
    wanted = plain_mesh(store, (0, 1), gamma, path, resolution, level)
    assert (
        header["ok"]
        and header["surface"] == "mesh"
        and (header["gamma"], header["resolution"], header["level"]) == (gamma, resolution, level)
    )
    assert arrays["faces"].dtype == np.uint32 and np.array_equal(arrays["faces"], wanted.faces_F3)
    assert np.allclose(arrays["vertices"], wanted.vertices_V3, atol=1e-3)
    elsewhere = plain_mesh(store, (0, 2), 0.9, path, resolution, level)
    assert len(elsewhere.faces_F3) != len(wanted.faces_F3), "any network would have passed"


def test_the_aligned_path_is_that_of_aligned_networks(store, host, ids):
    """Its middle is the mean of A and of B once B is aligned, and not that of the weights as they are; B itself keeps its shape."""
    space = load_space(store, SPACE)
    mean_P = (space.parameters_NP[0] + aligned(space.arch, *space.parameters_NP[:2])) / 2
    wanted = mesh_dense(siren_field(stacked_layers(unflatten(mean_P, space.arch))), 24)
    shown, plain = (viewing.surface(host, viewing.View(SPACE, *ids[:2], 0.5, path, resolution=24)) for path in ("aligned", "weights"))
    np.testing.assert_allclose(shown.vertices_V3, wanted.vertices_V3, atol=1e-5)
    assert shown.vertices_V3.shape != plain.vertices_V3.shape or np.abs(shown.vertices_V3 - plain.vertices_V3).max() > 1e-3
    end, own = (viewing.surface(host, viewing.View(SPACE, *ids[:2], 1.0, path, resolution=24)) for path in ("aligned", "weights"))
    np.testing.assert_allclose(end.vertices_V3, own.vertices_V3, atol=1e-3)


def test_where_there_is_no_surface_it_says_on_which_side(host, ids):
    header, arrays = ask(host, op="mesh", a=ids[0], b=ids[0], level=-0.3)
    assert header["ok"] and header["surface"] == "outside" and not arrays
    said, _ = ask(host, op="measures", a=ids[0], b=ids[0], level=-0.3)
    assert said["mesh"] is None and said["to"][ids[0]] == {"iou": 0.0, "chamfer": None}


def test_a_target_is_like_itself_and_less_like_another(host, ids):
    said, _ = ask(host, op="measures", a=ids[0], b=ids[1], gamma=0.0, path="weights", resolution=64)
    assert said["to"][ids[0]]["iou"] == 1.0 and said["to"][ids[0]]["chamfer"] < 0.015
    assert 0.1 < said["to"][ids[1]]["iou"] < 0.9 and said["to"][ids[1]]["chamfer"] > 0.03
    assert said["mesh"]["faces"] > 1000 and said["mesh"]["area"] > 1 and said["mesh"]["largest_share"] > 0.9


def test_the_original_of_a_chair_is_the_chair(host, ids):
    header, arrays = ask(host, op="mesh", a=ids[0], b=ids[0], path="original")
    solid = trimesh.Trimesh(arrays["vertices"], arrays["faces"], process=False)
    assert header["ok"] and solid.is_watertight and np.linalg.norm(arrays["vertices"], axis=-1).max() < 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"resolution": 8},
        {"resolution": 400},
        {"resolution": 48.0},
        {"resolution": True},
        {"level": 1},
        {"level": "0"},
        {"level": float("nan")},
        {"path": "round"},
        {"gamma": 2},
        {"a": "no-such"},
        {"a": "placed-0123456789ab"},
        {"space": "zoo-tiny-chairs"},
    ],
)
@pytest.mark.parametrize("op", ["mesh", "measures"])
def test_a_wrong_question_gets_a_reason(host, ids, op, wrong):
    refused, _ = ask(host, op=op, **{"a": ids[0], "b": ids[1], **wrong})
    assert not refused["ok"] and refused["kind"] in ("InvalidValue", "UnknownId") and len(refused["error"]) > 20


def test_shapes_answer_no_images_and_say_so(host, ids):
    for op in ({"op": "step"}, {"op": "curve", "gammas": [0.5]}):
        refused, _ = ask(host, a=ids[0], b=ids[1], **op)
        assert refused["kind"] == "InvalidValue" and "shapes" in refused["error"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_downloaded_mesh_is_the_one_that_is_shown(host, ids, form):
    shown, arrays = ask(host, op="mesh", a=ids[0], b=ids[1], gamma=0.25, resolution=40, level=0.01)
    with serving(host) as port:
        status, body, headers = get(
            port, f"/api/spaces/{SPACE}/mesh?a={ids[0]}&b={ids[1]}&gamma=0.25&resolution=40&level=0.01&format={form}"
        )
    assert status == 200 and headers["content-disposition"].endswith(f'.{form}"')
    assert len(trimesh.load_mesh(io.BytesIO(body), file_type=form).faces) == len(arrays["faces"]) > 100


def test_wrong_downloads_get_a_reason(host, ids):
    good = f"a={ids[0]}&b={ids[1]}&gamma=0.5"
    with serving(host) as port:
        for query, status in [
            ("", 400),
            (f"{good}&format=exe", 400),
            (f"{good}&resolution=9999", 400),
            (f"{good}&level=x", 400),
            (f"{good}&level=-0.3", 400),
            (f"{good}&path=up", 400),
            ("a=x%0d%0ay&b=z&gamma=0", 404),
        ]:
            found, body, _ = get(port, f"/api/spaces/{SPACE}/mesh?{query}")
            assert found == status and len(json.loads(body)["error"]) > 20, query
        assert get(port, f"/api/spaces/{SPACE}/images")[0] == 400
        status, body, _ = get(port, f"/api/spaces/{SPACE}")
        assert status == 200 and json.loads(body)["shapes"] is True


def test_a_kept_shape_has_a_picture_of_its_own(tmp_path):
    """The sheet of the space stays as it is; the kept shape's picture is that of the instance whose network it is."""
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    write_tiny_shapes(store)
    space = load_space(store, SPACE)
    kept.save(store, space, 0, space.embeddings_NE[0].numpy(), space.parameters_NP[0].numpy(), space.arch.id, {}, {}, {}, "mine")
    host = Host(store, "cpu")
    try:
        with serving(host) as port:
            header, arrays = unframe(get(port, f"/api/spaces/{SPACE}/sheet")[1])
    finally:
        host.close()
    whole, own = header["sheets"]
    assert whole["ids"] == space.table["id"].tolist() and own["ids"] == ["mine"]
    pictures = [
        np.asarray(Image.open(io.BytesIO(arrays[each["webp"]].tobytes())).convert("RGBA"))[: each["side"], :, 3] > 128
        for each in (whole, own)
    ]
    side = own["side"]
    unlike = [(pictures[0][:, i * side : (i + 1) * side] != pictures[1][:, :side]).mean() for i in range(2)]
    assert unlike[0] < 0.02 < unlike[1]  # control: another instance's picture differs


def test_the_contact_sheet_is_drawn_once(host, store, ids, monkeypatch):
    with serving(host) as port:
        status, body, _ = get(port, f"/api/spaces/{SPACE}/sheet")
        monkeypatch.setattr(sheet, "draw", lambda *_: 1 / 0)
        again = get(port, f"/api/spaces/{SPACE}/sheet")[1]
    header, arrays = unframe(body)
    (entry,) = header["sheets"]
    assert status == 200 and body == again and entry["ids"] == ids and entry["drawn"] == "PyVista"
    picture = np.asarray(Image.open(io.BytesIO(arrays[entry["webp"]].tobytes())).convert("RGBA"))
    side = entry["side"]
    covered = [(picture[:side, i * side : (i + 1) * side, 3] > 128).mean() for i in range(len(ids) + 1)]
    assert all(0.1 < share < 0.8 for share in covered[:-1]) and covered[-1] == 0


def test_a_space_of_more_shapes_than_a_sheet_holds_shows_all_of_them(tmp_path, monkeypatch):
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    write_tiny_shapes(store)
    host = Host(store, "cpu")
    try:
        wanted = host.space(SPACE).table["id"].tolist()[::-1]
        whole_NSS4 = ask(host, op="pictures", ids=wanted)[1]["pictures"]
        for file in (store.workspace / ".sheets").iterdir():
            file.unlink()
        host.close()
        monkeypatch.setattr(sheet, "MOST", 3)
        host = Host(store, "cpu")
        found_NSS4 = ask(host, op="pictures", ids=wanted)[1]["pictures"]
        with serving(host) as port:
            entry = unframe(get(port, f"/api/spaces/{SPACE}/sheet")[1])[0]["sheets"][0]
    finally:
        host.close()
    assert entry["ids"] == wanted[::-1][::2]  # they lie evenly
    seen, again = (pictures[..., 3] > 128 for pictures in (whole_NSS4, found_NSS4))
    unlike = (seen[:, None] != again[None]).mean((-1, -2))
    assert unlike.diagonal().max() < 0.02 < (unlike + np.eye(len(unlike))).min()  # each is its own, and no other


def test_without_opengl_matplotlib_draws_and_says_so(monkeypatch):
    from engine.tasks.distances.meshing import Mesh

    box = trimesh.creation.box((1, 1, 1))
    monkeypatch.setattr(sheet, "RENDERERS", ("broken", "matplotlib"))  # the process of the first fails
    kept = sheet.draw([Mesh(box.vertices.astype("f4"), box.faces)], side=32)
    picture = np.asarray(Image.open(io.BytesIO(kept["webp"].tobytes())).convert("RGBA"))[:32, :32]
    assert (
        kept["drawn"].tolist() == [1] and 0.15 < (picture[..., 3] > 128).mean() < 0.7 and picture[..., :3][picture[..., 3] > 128].std() > 5
    )


def test_a_space_of_classifiers_has_no_meshes(tiny_host):
    from tests.tiny import SPACE as CLASSIFIERS

    a, b = tiny_host.space(CLASSIFIERS).table["id"][:2]
    with pytest.raises(InvalidValue, match="classifiers"):
        viewing.surface(tiny_host, viewing.View(CLASSIFIERS, a, b, 0.5))
    with pytest.raises(UnknownId):
        viewing.surface(tiny_host, viewing.View("no-such", a, b, 0.5))
