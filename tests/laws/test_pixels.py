"""Images kept as bytes read as the floats they stand for, wherever they are asked for; what is prepared opens as it was."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine import datasets
from engine.archs import architecture
from engine.core.errors import CorruptArtifact, DataMissing, UnknownId
from engine.datasets import Images, prepared
from engine.datasets.pixels import Pixels, augmented
from engine.nets.answers import accuracies
from engine.nets.stacked import flatten, logits

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def some(count: int = 50, size: int = 32) -> torch.Tensor:
    return torch.randint(256, (count, 3, size, size), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def plain(bytes_BCHW: torch.Tensor) -> torch.Tensor:
    mean, std = (torch.tensor(values, dtype=torch.float64).view(-1, 1, 1) for values in (MEAN, STD))
    return ((bytes_BCHW.double() / 255 - mean) / std).float()


@pytest.mark.parametrize("index", [3, slice(5, 9), slice(None), torch.tensor([4, 4, 0]), torch.tensor([[1, 2], [3, 4]])], ids=str)
def test_pixels_are_indexed_as_the_tensor_of_their_floats(index):
    kept = some()
    assert torch.allclose(Pixels(kept, MEAN, STD)[index], plain(kept)[index], atol=1e-5)


def test_the_parts_of_a_split_are_all_images_in_order():
    pixels = Pixels(some(), MEAN, STD)
    assert torch.equal(torch.cat(list(pixels.split(16))), pixels[:]) and [len(part) for part in pixels.split(16)] == [16, 16, 16, 2]
    assert len(pixels.first(7)) == 7 and torch.equal(pixels.first(7)[:], pixels[:7])
    assert torch.equal(pixels.bytes_BCHW, some())  # control: reading changed nothing


@pytest.mark.parametrize("id_", ["lenetlike-cifar10", "resnet8-cifar10"])
def test_networks_answer_alike_on_bytes_and_on_floats(id_):
    torch.manual_seed(0)
    arch, pixels = architecture(id_), Pixels(some(), MEAN, STD)
    parameters_NP = torch.stack([flatten(arch.build()) for _ in range(3)])
    labels_B = torch.randint(10, (50,))
    floats_BCHW = plain(some())
    with torch.no_grad():
        assert torch.allclose(logits(parameters_NP, pixels, arch), logits(parameters_NP, floats_BCHW, arch), atol=1e-4)
        right_N = (logits(parameters_NP, floats_BCHW, arch).argmax(-1) == labels_B).float().mean(-1)
    assert torch.allclose(accuracies(parameters_NP, pixels, labels_B, arch), right_N)


@pytest.mark.parametrize("crop", [0, 6])
@pytest.mark.parametrize("mirror", [True, False])
def test_an_augmented_image_is_a_crop_of_itself_reflected(mirror, crop):
    images_BCHW, side = plain(some(64, 9)), crop or 9
    found_BCHW = augmented(images_BCHW, 2, torch.Generator().manual_seed(1), mirror, crop)
    unlike, places = 0, set()
    for image, found in zip(images_BCHW.numpy(), found_BCHW.numpy()):
        crops = []
        for seen in (image, image[:, :, ::-1])[: 1 + mirror]:
            padded = np.pad(seen, ((0, 0), (2, 2), (2, 2)), mode="reflect")
            crops += [padded[:, top : top + side, left : left + side] for top in range(14 - side) for left in range(14 - side)]
        at = [i for i, each in enumerate(crops) if np.array_equal(each, found)]
        assert at
        places.update(at)
        unlike += not np.array_equal(found, image)
    assert unlike > 32  # control: most are moved
    assert len(places) > 16  # and not all alike
    again = augmented(images_BCHW, 2, torch.Generator().manual_seed(1), mirror, crop)
    assert torch.equal(again, found_BCHW)
    assert torch.equal(augmented(images_BCHW, 0, torch.Generator(), mirror=False), images_BCHW)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    return tmp_path


def write(name: str = "cifar10") -> dict:
    random = np.random.default_rng(3)
    splits = {
        split: (random.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8), random.integers(0, 10, count))
        for split, count in (("train", 40), ("val", 10), ("test", 20))
    }
    prepared.write(name, "CIFAR-10 (made up)", "a test", map(str, range(10)), splits)
    return splits


def test_what_was_prepared_opens_mapped_and_whole(home):
    splits = write()
    images = datasets.load("cifar10")
    assert isinstance(images, Images) and images.title == "CIFAR-10 (made up)" and len(images.classes) == 10
    for split, (bytes_BCHW, labels_B) in splits.items():
        kept = images.images[split].bytes_BCHW.numpy()
        assert sorted(row.tobytes() for row in kept) == sorted(row.tobytes() for row in bytes_BCHW)  # in another order
        by_bytes = {row.tobytes(): int(label) for row, label in zip(bytes_BCHW, labels_B)}
        assert [by_bytes[row.tobytes()] for row in kept] == images.labels[split].tolist()
    train_BCHW = torch.from_numpy(splits["train"][0]).double() / 255
    mean = images.images["train"][:].mean((0, 2, 3))
    assert mean.abs().max() < 1e-4 and abs(float(images.images["train"][:].std()) - 1) < 1e-2
    assert images.low == pytest.approx(float((0 - train_BCHW[:, 0].mean()) / train_BCHW[:, 0].std(correction=0)), rel=1e-4)


def test_writing_to_mapped_images_leaves_the_file(home):
    write()
    images = datasets.load("cifar10").images["train"]
    images.bytes_BCHW.zero_()
    assert datasets.load("cifar10").images["train"].bytes_BCHW.float().mean() > 100


def test_the_first_images_of_a_split_are_of_all_classes(home):
    splits = {split: (np.zeros((200, 3, 8, 8), np.uint8), np.arange(200) // 20) for split in datasets.SPLITS}
    prepared.write("sorted", "Sorted", "a test", map(str, range(10)), splits)
    few = datasets.load("sorted").first(60)
    assert len(few.labels["test"]) == len(few.images["test"]) == 60 and len(set(few.labels["test"].tolist())) == 10


def test_missing_unknown_and_damaged_sets_are_named_errors(home):
    with pytest.raises(DataMissing, match="data get cifar10"):
        datasets.load("cifar10")
    with pytest.raises(UnknownId, match="cifar10"):
        datasets.load("cifar11")
    write()
    path = home / "cifar10" / "train.images.npy"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(CorruptArtifact, match="data remove cifar10"):
        datasets.load("cifar10")
    write()
    datasets.load("cifar10")  # written anew, it opens
    about = home / "cifar10" / "manifest.json"
    about.write_text(json.dumps({"name": "cifar10"}))
    with pytest.raises(CorruptArtifact):
        datasets.load("cifar10")
