"""The host: what it answers is what a plain module with the decoded parameters answers; what it keeps, and for how long."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch

from engine.archs import architecture
from engine.core.artifacts import Store
from engine.core.errors import ExplorerError, InvalidValue, UnknownId
from engine.core.frames import unframe
from engine.host.export import network_bytes
from engine.host.host import Host, nbytes_of
from engine.host.live import answer
from engine.kinds.netspace.space import load_space
from engine.nets.answers import wilson
from engine.tasks.images.live import live_images
from tests.serving import ask, live, serving
from tests.tiny import SPACE, edit_manifest, write_tiny

SPACES = {"lenetlike-digits": SPACE, "resnet8-digits": f"{SPACE}-resnet8"}


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("tiny")
    store = Store(root / "workspace", root / "gallery")
    write_tiny(store)
    write_tiny(store, "resnet8-digits", "zoo-tiny-resnet8", SPACES["resnet8-digits"])
    return store


@pytest.fixture(scope="module")
def host(store):
    host = Host(store, "cpu")
    yield host
    host.close()


def anchors(host: Host, space: str) -> tuple[str, str]:
    a, b = host.space(space).table["id"][:2]
    return a, b


def plain_answers(store: Store, space_id: str, a: str, b: str, gamma: float, path: str) -> tuple[torch.Tensor, torch.Tensor]:
    """(predicted, true) classes on the test split by an ordinary module, loaded tensor by tensor; nothing of the host's."""
    space = load_space(store, space_id)
    rows = [list(space.table["id"]).index(name) for name in (a, b)]
    source_NX = space.embeddings_NE if path == "embedding" else space.parameters_NP
    mixed_X = (1 - gamma) * source_NX[rows[0]] + gamma * source_NX[rows[1]]
    flat_P = space.model.decode(mixed_X[None])[0] if path == "embedding" else mixed_X
    module = architecture(space.arch.id).build()
    at = 0
    with torch.no_grad():
        for tensor in module.parameters():
            tensor.copy_(flat_P[at : at + tensor.numel()].view_as(tensor))
            at += tensor.numel()
        assert at == len(flat_P)
        return module(space.images.images["test"]).argmax(-1), space.images.labels["test"]


@pytest.mark.parametrize("path", ["embedding", "weights"])
@pytest.mark.parametrize("space", SPACES.values())
def test_a_step_over_the_socket_equals_a_plain_module(store, host, space, path):
    a, b = anchors(host, space)
    seen = []
    with serving(host) as port, live(port) as socket:
        for gamma in (0.0, 0.31, 0.75, 1.0):
            predicted_B, labels_B = plain_answers(store, space, a, b, gamma, path)
            header, arrays = ask(
                socket,
                {
                    "id": 3,
                    "op": "step",
                    "space": space,
                    "a": a,
                    "b": b,
                    "gamma": gamma,
                    "path": path,
                    "want": ["accuracy", "per_class", "answers", "prep"],
                },
            )
            assert header["ok"] and header["id"] == 3 and header["gamma"] == gamma
            assert np.array_equal(arrays["answers"], predicted_B.numpy())
            right = int((predicted_B == labels_B).sum())
            low, high = wilson(right, len(labels_B))
            assert header["accuracy"] == {
                "value": right / len(labels_B),
                "low": low,
                "high": high,
                "right": right,
                "n": 360,
                "total": 360,
                "dtype": "float32",
                "split": "test",
            }
            assert [each["name"] for each in header["per_class"]] == list("0123456789")
            assert [each["right"] for each in header["per_class"]] == [int(((predicted_B == c) & (labels_B == c)).sum()) for c in range(10)]
            assert sum(each["n"] for each in header["per_class"]) == 360
            seen.append(arrays["answers"].tobytes())
    assert len(set(seen)) == len(seen), "the networks of the path all answer alike: the comparison holds nothing"


def test_a_curve_is_its_steps(host):
    a, b = anchors(host, SPACE)
    gammas = [0.0, 0.4, 1.0]
    header, _ = unframe(answer(host, f'{{"id": 1, "op": "curve", "space": "{SPACE}", "a": "{a}", "b": "{b}", "gammas": {gammas}}}'))
    steps = [host.step(SPACE, a, b, gamma) for gamma in gammas]
    assert header["points"] == [
        {"gamma": step.gamma, "value": step.accuracy, "low": step.low, "high": step.high, "architecture": "lenetlike-digits"}
        for step in steps
    ]
    assert len({step.accuracy for step in steps}) > 1


def test_the_prep_of_a_step_keeps_one_scale_along_a_path(host):
    a, b = anchors(host, SPACE)
    space, ranges = host.space(SPACE), set()
    for gamma in (0.0, 0.5, 1.0):
        ask_ = (
            f'{{"id": 1, "op": "step", "space": "{SPACE}", "a": "{a}", "b": "{b}", "gamma": {gamma}, "path": "weights", "want": ["prep"]}}'
        )
        header, arrays = unframe(answer(host, ask_))
        entry, step = header["prep"], host.step(SPACE, a, b, gamma, "weights")
        ranges.add((entry["vmin"], entry["vmax"]))
        assert (entry["rows"], entry["cols"]) == arrays["prep"].shape == (space.config.prep_height, space.config.prep_width)
        shown = arrays["prep"] / 255 * (entry["vmax"] - entry["vmin"]) + entry["vmin"]
        inside = np.abs(step.prep) < entry["vmax"]
        assert np.abs(shown - step.prep)[inside].max() <= (entry["vmax"] - entry["vmin"]) / 255
        assert 0.9 < inside.mean() < 1
        assert np.array_equal(step.prep.ravel()[: space.arch.parameters], step.parameters_P.numpy())
    assert len(ranges) == 1


def test_the_colour_range_is_of_both_anchors(host):
    a, b = anchors(host, SPACE)
    both = host.colour_range(SPACE, a, b)
    alone = [host.colour_range(SPACE, one, one) for one in (a, b)]
    assert both == host.colour_range(SPACE, b, a) and both not in alone and min(alone) < both < max(alone)


@pytest.mark.parametrize("path", ["embedding", "weights"])
def test_a_network_taken_away_is_the_one_under_the_thumb(store, host, path):
    import json

    from safetensors.numpy import load

    a, b = anchors(host, SPACE)
    data = network_bytes(host, SPACE, a, b, 0.25, path)
    tensors = {name: torch.from_numpy(array) for name, array in load(data).items()}
    metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    module = architecture(metadata["architecture"]).build()
    module.load_state_dict(tensors)
    predicted_B, labels_B = plain_answers(store, SPACE, a, b, 0.25, path)
    images_BCHW = host.space(SPACE).images.images["test"]
    assert torch.equal(module(images_BCHW).argmax(-1), predicted_B)
    assert (metadata["space"], json.loads(metadata["anchors"]), float(metadata["gamma"]), metadata["path"]) == (SPACE, [a, b], 0.25, path)
    assert json.loads(metadata["metrics"])["test_accuracy"]["value"] == float((predicted_B == labels_B).double().mean())


def test_fewer_images_are_the_first_of_them(host):
    a, b = anchors(host, SPACE)
    whole, part = host.step(SPACE, a, b, 0.5, images="all"), host.step(SPACE, a, b, 0.5, images=25)
    assert (whole.n, part.n, part.total) == (360, 25, 360)
    assert np.array_equal(part.answers, whole.answers[:25]) and part.right == int((whole.answers == whole.labels)[:25].sum())
    assert part.high - part.low > whole.high - whole.low


def test_a_large_split_is_measured_in_pieces_and_live_on_some(host, monkeypatch):
    a, b = anchors(host, SPACE)
    whole = host.step(SPACE, a, b, 0.5)
    monkeypatch.setattr("engine.tasks.images.live.PIECE_PIXELS", 64 * 7)
    monkeypatch.setattr("engine.tasks.images.live.LIVE_IMAGES", 100)
    assert np.array_equal(host.step(SPACE, a, b, 0.5, images="all").answers, whole.answers)
    assert host.step(SPACE, a, b, 0.5).n == 100


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"gamma": -1e-9}, InvalidValue),
        ({"gamma": float("nan")}, InvalidValue),
        ({"gamma": "0"}, InvalidValue),
        ({"a": "x"}, UnknownId),
        ({"b": None}, UnknownId),
        ({"path": "p"}, InvalidValue),
        ({"images": 0}, InvalidValue),
        ({"space_id": "x"}, UnknownId),
    ],
)
def test_wrong_steps_say_what_is_wrong(host, wrong, error):
    a, b = anchors(host, SPACE)
    with pytest.raises(error) as told:
        host.step(**{"space_id": SPACE, "a": a, "b": b, "gamma": 0.5, **wrong})
    assert len(str(told.value)) > 20


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "meta", "cpu:x"])
def test_a_device_that_is_not_there(store, device):
    with pytest.raises(InvalidValue, match="device"):
        Host(store, device)


def test_people_who_drag_at_once_each_get_their_own_answers(host):
    a, b = anchors(host, SPACE)
    lines = [
        (SPACE, a, b, "embedding"),
        (SPACE, b, a, "weights"),
        (SPACES["resnet8-digits"], *anchors(host, SPACES["resnet8-digits"]), "embedding"),
        (SPACE, a, b, "weights"),
    ]
    gammas = [i / 19 for i in range(20)]
    alone = [[host.step(space, x, y, gamma, path).answers.tobytes() for gamma in gammas] for space, x, y, path in lines]
    together: list[list[bytes]] = [[] for _ in lines]

    def drag(index: int) -> None:
        space, x, y, path = lines[index]
        together[index] = [host.step(space, x, y, gamma, path).answers.tobytes() for gamma in gammas]

    threads = [threading.Thread(target=drag, args=(index,)) for index in range(len(lines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone and len({tuple(answers) for answers in alone}) == len(lines)


def test_a_long_measurement_does_not_hold_up_a_step(host, monkeypatch):
    """A full split in many pieces, and a step that comes later: it waits for a piece, not for all."""
    a, b = anchors(host, SPACE)
    monkeypatch.setattr("engine.tasks.images.live.PIECE_PIXELS", 64)
    started, done = threading.Event(), []
    plain = host.run
    pieces = []

    def slow(function, *args):
        started.set()
        pieces.append(threading.current_thread().name)
        return plain(lambda: (time.sleep(0.002), function(*args))[1])

    monkeypatch.setattr(host, "run", slow)
    long = threading.Thread(target=lambda: done.append(("long", host.step(SPACE, a, b, 0.5, images="all").n)), name="long")
    long.start()
    started.wait()
    host.step(SPACE, a, b, 0.5, images=1)
    done.append(("step", 1))
    long.join()
    assert [name for name, _ in done] == ["step", "long"] and pieces.count("long") == 361


def test_the_least_recently_used_space_goes(store):
    first, second = SPACES.values()
    host = Host(store, "cpu")
    host.space(first), host.space(second), host.space(first)
    assert host.loaded() == [second, first]
    assert host.cache.nbytes() == sum(nbytes_of(host.space(id_)) for id_ in (second, first)) > 500_000
    host.close()
    small = Host(store, "cpu", bytes_limit=host.cache.nbytes() - 1)
    kept = small.space(first)
    small.space(second)
    assert small.loaded() == [second] and small.cache.nbytes() <= small.cache.bytes_limit
    assert small.space(first) is not kept
    small.close()


def test_one_space_is_read_once_by_many_at_once(store, monkeypatch):
    host, reads = Host(store, "cpu"), []
    monkeypatch.setattr("engine.host.host.load_space", lambda *args: (reads.append(1), load_space(*args))[1])
    threads = [threading.Thread(target=host.space, args=(SPACE,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reads) == 1
    host.close()


def test_a_space_written_again_is_read_again(tmp_path):
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    write_tiny(store)
    host = Host(store, "cpu")
    old = host.space(SPACE)
    assert host.space(SPACE) is old
    edit_manifest(store.folders()[SPACE], title="Another title")
    assert host.space(SPACE).manifest.title == "Another title"
    edit_manifest(store.folders()[SPACE], format=99)
    with pytest.raises(ExplorerError, match="Update"):
        host.space(SPACE)
    host.close()


def test_gradients_are_off_and_one_core_computes(host):
    assert host.run(torch.is_grad_enabled) is False
    assert host.run(torch.get_num_threads) == 1


@pytest.mark.parametrize(
    ("shape", "count"),
    [((360, 1, 8, 8), 360), ((5000, 1, 8, 8), 1000), ((10_000, 3, 32, 32), 256), ((10_000, 3, 64, 64), 64), ((40_000, 3, 600, 600), 1)],
)
def test_a_live_answer_rests_on_fewer_images_the_larger_they_are(shape, count):
    assert live_images(shape) == count
