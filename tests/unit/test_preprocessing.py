"""What a network's input is: recorded once for each data set, network, zoo and export; measured with; and said where it does not fit."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from engine import datasets
from engine.core.artifacts import Store
from engine.core.errors import CorruptArtifact, InvalidValue
from engine.datasets import Images, prepared
from engine.datasets.builtin import digits
from engine.datasets.pixels import Pixels
from engine.datasets.preprocessing import Preprocessing, of_dict, parse
from engine.kinds.nern.bringing import import_network
from engine.kinds.nern.network_training import NetworkTraining
from engine.kinds.nern.original import load_original
from engine.kinds.netspace.space import load_space
from engine.kinds.netspace.targets import target
from engine.kinds.zoo.loading import load_zoo
from engine.nets import measuring
from engine.nets.networks import read, record_of
from engine.nets.reading import unpack
from tests.commands import call
from tests.tiny import SPACE, ZOO, edit_manifest, write_tiny
from tests.tiny_nern import NETWORK

ARCH = "resnet8-digits"
PLAIN = Preprocessing((0.0,), (1.0,))  # x / 16, as many have it
GREY = (PLAIN, Preprocessing((0.5,), (0.5,)), Preprocessing((4.9,), (6.0,), 16.0), Preprocessing((33.3,), (78.6,), 255.0))
COLOUR = (
    Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    Preprocessing((103.9, 116.8, 123.7), (1.0, 1.0, 1.0), 255.0, "BGR"),
    Preprocessing((0.1, 0.2, 0.3), (0.5, 0.6, 0.7), 1.0, "BGR"),
    Preprocessing((0.0,) * 3, (1.0,) * 3, 255.0),
)
pytestmark = pytest.mark.usefixtures("one_thread", "read_here")


def made(bytes_BCHW: torch.Tensor, of: Preprocessing) -> torch.Tensor:
    """The definition, written out: the input of channel c is (range * pixel - mean) / std."""
    pixels_BCHW = bytes_BCHW.double() / 255
    return torch.stack(
        [
            (of.range * pixels_BCHW[:, place] - mean) / std
            for place, mean, std in zip((2, 1, 0) if of.order == "BGR" else (0, 1, 2), of.mean, of.std)
        ],
        1,
    )


@pytest.mark.parametrize("given, wanted", [*itertools.product(GREY, GREY), *itertools.product(COLOUR, COLOUR)], ids=str)
def test_images_of_one_preprocessing_become_those_of_another(given, wanted):
    channels = len(given.mean)
    bytes_BCHW = torch.randint(256, (5, channels, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    floats_BCHW, expected_BCHW = made(bytes_BCHW, given).float(), made(bytes_BCHW, wanted)
    labels = {"test": torch.zeros(5, dtype=torch.int64)}
    found = Images("x", "X", ("a",), {"test": floats_BCHW}, labels, preprocessing=given).seen_by(wanted)
    assert found.preprocessing == wanted and found.labels is labels
    scale = float(expected_BCHW.abs().max())
    assert float((found.images["test"] - expected_BCHW).abs().max()) < 1e-4 * scale
    as_bytes = Pixels(bytes_BCHW, [mean / given.range for mean in given.mean], [std / given.range for std in given.std], given.places)
    seen = Images("x", "X", ("a",), {"test": as_bytes}, labels, preprocessing=given).seen_by(wanted).images["test"]
    assert float((seen[:] - expected_BCHW).abs().max()) < 1e-4 * scale and seen.bytes_BCHW is as_bytes.bytes_BCHW
    assert torch.equal(seen.first(2)[:], seen[:2]) and torch.equal(seen[torch.tensor([3, 1])], seen[:][[3, 1]])
    black, white = (float(made(torch.full((1, channels, 1, 1), value, dtype=torch.uint8), wanted)[0, 0, 0, 0]) for value in (0, 255))
    assert wanted.ends == pytest.approx((black, white), abs=1e-6 * scale)


def test_images_are_left_alone_where_nothing_is_to_be_done():
    images = datasets.load("digits")
    assert images.seen_by(None) is images and images.seen_by(digits.PREPROCESSING) is images
    with pytest.raises(InvalidValue, match="channels"):
        images.seen_by(COLOUR[0])


def test_a_data_set_has_one_home_for_its_normalisation(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    for split, (pixels_BHW, _) in digits.arrays().items():  # to the last bit what it was before it had one
        assert torch.equal(datasets.load("digits").images[split], torch.from_numpy(pixels_BHW)[:, None] / 8 - 1)
    assert datasets.preprocessing_of("digits") == digits.PREPROCESSING and datasets.preprocessing_of("cifar10") is None
    part = (np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8)).astype(np.uint8), np.arange(6) % 2)
    prepared.write("mine", "Mine", "here", ("a", "b"), {split: part for split in datasets.SPLITS}, normal=(COLOUR[0].mean, COLOUR[0].std))
    images = datasets.load("mine")
    assert images.preprocessing == datasets.preprocessing_of("mine") == COLOUR[0]
    assert (images.low, images.high) == COLOUR[0].ends


@pytest.mark.parametrize("text, channels, expected", [
    ("mean=0.5,std=0.25", 1, Preprocessing((0.5,), (0.25,))),
    ("mean=0.5,std=0.25", 3, Preprocessing((0.5,) * 3, (0.25,) * 3)),
    ("mean=0,std=1,range=255", 1, Preprocessing((0.0,), (1.0,), 255.0)),
    ("mean=0.485,0.456,0.406,std=0.229,0.224,0.225", 3, COLOUR[0]),
    ("mean=[0.485, 0.456, 0.406] std=(0.229, 0.224, 0.225)", 3, COLOUR[0]),
    ("std=1;mean=103.9,116.8,123.7;range=255;order=bgr", 3, COLOUR[1]),
    ("MEAN=0.1,STD=0.2,order=grey", 1, Preprocessing((0.1,), (0.2,))),
])  # fmt: skip
def test_what_normalise_says(text, channels, expected):
    found = parse(text, channels)
    assert found == expected and parse(str(found), channels) == found and of_dict(json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize(
    "text",
    (
        "",
        "0.5",
        "mean=0.5",
        "std=1",
        "mean=0.5,std=0",
        "mean=0.5,std=-1",
        "mean=0.5,std=1e-300",
        "mean=0.5,std=1e-6",
        "mean=0.5,std=0.01,range=255",
        "mean=0,std=1,range=1e-300",
        "mean=0.5,0.5,std=1",
        "mean=nan,std=1",
        "mean=0.5,std=inf",
        "mean=0.5,std=1e9",
        "mean=x,std=1",
        "mean=1,2,std=1",
        "mean=0.5,mean=0.5,std=1",
        "mean=0.5,std=1,size=3",
        "mean=0.5,std=1,range=0",
        "mean=0.5,std=1,range=1,2",
        "mean=0.5,std=1,order=HSV",
        "mean=0.5,std=1,range=",
        "banana",
    ),
)
def test_what_is_no_normalisation_is_refused(text):
    with pytest.raises(InvalidValue, match="mean=0.5,std=0.25|order"):
        parse(text, 3)


@pytest.mark.parametrize(
    "raw",
    (
        {"mean": [0.5]},
        {"mean": 0.5, "std": 1},
        [1],
        "x",
        {"mean": ["a"], "std": [1]},
        {"mean": [0.5], "std": [0.0]},
        {"mean": [0.5], "std": [1], "gamma": 2},
        {"mean": [True], "std": [1]},
        {"mean": [0.5], "std": [1], "order": 3},
    ),
)
def test_a_record_that_is_none_is_refused(raw):
    with pytest.raises(InvalidValue):
        of_dict(raw)


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """(store, file of a network trained on x / 16, its accuracy there)."""
    root = tmp_path_factory.mktemp("strangers")
    store = Store(root / "workspace", root / "gallery")
    images = datasets.load("digits").seen_by(PLAIN)
    training = NetworkTraining(NETWORK, images)
    for step in range(training.total):
        training.step(step)
    module = training.deployed()
    with torch.no_grad():
        accuracy = float((module(images.images["test"]).argmax(-1) == images.labels["test"]).float().mean())
    save_file(module.state_dict(), root / "theirs.safetensors")
    write_tiny(store, ARCH)
    return store, root / "theirs.safetensors", accuracy


def test_a_network_of_another_normalisation(strangers, capsys, tmp_path):
    store, file, accuracy = strangers
    with_images = ("import", str(file), "--architecture", ARCH, "--dataset", "digits", "--device", "cpu")
    code, value, error = call(capsys, store.workspace, *with_images, "--id", "network-wrong", "--accuracy", f"{accuracy:.3f}")
    wrong = value["metrics"]["test_accuracy"]["value"]
    assert (
        code == 0
        and accuracy - wrong > 0.05
        and f"stated {100 * accuracy:.1f} %, here {100 * wrong:.1f} % of 360 digits test images" in error
    )
    assert "--normalise mean=0,std=1 " in error, "the usual normalisations were tried on validation images"
    assert call(capsys, store.workspace, "evaluate", "network-wrong")[2].count("stated") == 1
    code, value, error = call(
        capsys, store.workspace, *with_images, "--id", "network-right", "--accuracy", f"{accuracy:.3f}", "--normalise", "mean=0,std=1"
    )
    assert code == 0 and value["metrics"]["test_accuracy"]["value"] == pytest.approx(accuracy, abs=1e-6) and "stated" not in error
    code, value, error = call(
        capsys, store.workspace, *with_images, "--id", "network-same", "--normalise", "mean=0,std=16,range=16"
    )  # says the same
    assert value["metrics"]["test_accuracy"]["value"] == pytest.approx(accuracy, abs=1e-6)
    net = read(store, "network-right")
    assert net.preprocessing == load_original(store, "network-right").preprocessing == PLAIN and net.images().preprocessing == PLAIN
    images = load_space(store, SPACE).images  # as the space has them: a teacher sees them its own way
    logits_BK = target(store, load_space(store, SPACE), "network-right").teachers(images, ("test",))["test"][0]
    assert float((logits_BK.argmax(-1) == images.labels["test"]).float().mean()) == pytest.approx(accuracy, abs=1e-6)
    call(capsys, store.workspace, "export", "network-right", "--output", str(tmp_path / "x.safetensors"))
    with safe_open(tmp_path / "x.safetensors", "pt") as opened:
        assert of_dict(json.loads(opened.metadata()["preprocessing"])) == PLAIN


def test_a_percentage_is_an_accuracy_and_nonsense_is_none(strangers, capsys):
    store, file, accuracy = strangers
    artifact = import_network(store, file, ARCH, "network-percent", "digits", "cpu", normalise=str(PLAIN), stated=100 * accuracy)
    assert artifact.manifest.config["stated_accuracy"] == pytest.approx(accuracy) and measuring.beside_stated(artifact.manifest) is None
    for option, value in (
        ("--accuracy", "177"),
        ("--accuracy", "-0.5"),
        ("--accuracy", "nan"),
        ("--normalise", "mean=1"),
        ("--normalise", "mean=1,2,3,std=1"),
    ):
        code, said, error = call(
            capsys, store.workspace, "import", str(file), "--architecture", ARCH, "--dataset", "digits", "--id", "network-x", option, value
        )
        assert (code, said) == (2, None) and error.count("\n") == 1 and not store.has("network-x")


@pytest.mark.parametrize(
    "said, expected",
    [
        ({"best_prec1": 97.7}, 0.977),
        ({"acc": 0.9}, 0.9),
        ({"best_acc": torch.tensor(93.0)}, 0.93),
        ({"acc": True}, None),
        ({"acc": float("nan")}, None),
        ({"acc": 177}, None),
        ({"epoch": 3}, None),
    ],
)
def test_a_checkpoint_may_state_its_accuracy_itself(tmp_path, said, expected):
    torch.save({"state_dict": {"fc.weight": torch.zeros(2, 2)}, **said}, tmp_path / "x.pt")
    found, _ = unpack(str(tmp_path / "x.pt"), "x.pt")
    assert found["accuracy"] == (None if expected is None else pytest.approx(expected))


def test_what_a_checkpoint_states_is_compared(strangers, tmp_path):
    store, file, accuracy = strangers
    torch.save({"state_dict": load_file(file), "best_prec1": 100 * accuracy}, tmp_path / "theirs.pt")
    artifact = import_network(store, tmp_path / "theirs.pt", ARCH, "network-says", "digits", "cpu")
    assert "stated" in measuring.beside_stated(artifact.manifest) and "mean=0,std=1" in measuring.beside_stated(artifact.manifest)


def test_without_its_images_a_network_keeps_what_it_was_told(strangers):
    store, file, _ = strangers
    artifact = import_network(store, file, ARCH, "network-alone", None, "cpu", normalise=str(PLAIN))
    assert record_of(artifact.manifest) == PLAIN and artifact.manifest.metrics == {}


def test_a_zoo_and_its_space_are_measured_on_what_the_zoo_records(strangers, tmp_path):
    store, *_ = strangers
    assert load_space(store, SPACE).images.preprocessing == digits.PREPROCESSING  # nothing is recorded: the data set's own
    folder = store.workspace / ZOO
    edit_manifest(folder, provenance={"preprocessing": PLAIN.as_dict()})
    assert load_zoo(store, ZOO).preprocessing == load_space(store, SPACE).images.preprocessing == PLAIN
    edit_manifest(folder, provenance={"preprocessing": {"mean": [0.5], "std": [0]}})
    with pytest.raises(CorruptArtifact, match=ZOO):
        load_zoo(store, ZOO)
    edit_manifest(folder, provenance={})


def test_digits_are_scikit_learns_images_in_its_own_split():
    """Which `digits` reads and draws without it. Another seed is another split."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images_BD, label_B = load_digits(return_X_y=True)
    for seed, same in ((digits.SPLIT_SEED, True), (digits.SPLIT_SEED + 1, False)):
        rest_B, test_B = train_test_split(range(len(label_B)), test_size=digits.TEST, stratify=label_B, random_state=seed)
        train_B, val_B = train_test_split(rest_B, test_size=digits.VAL, stratify=label_B[rest_B], random_state=seed)
        for split, index in (("train", train_B), ("val", val_B), ("test", test_B)):
            found_BHW, answer_B = digits.arrays()[split]
            assert found_BHW.shape == (len(index), 8, 8) and answer_B.shape == (len(index),)
            assert np.array_equal(found_BHW.reshape(len(index), -1), images_BD[index]) == same
            assert np.array_equal(answer_B, label_B[index]) == same
