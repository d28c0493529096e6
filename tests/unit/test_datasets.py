"""Data sets: every form read as it was written, the papers' splits, memory-mapped, and the commands."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from engine import datasets
from engine.core.errors import DataMissing, InvalidValue, UnknownId
from engine.datasets import imagenet, prepared, preparing, tiny_imagenet
from engine.datasets.decode import Form, cut
from engine.datasets.files import files_of
from engine.datasets.reading import Reading, fifth
from tests.archives import CIFAR10, cifar10, encoded, image_tree, picture, tar, written, zipped
from tests.commands import call


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


PINNED = [2, 3, 11, 17, 26, 29]  # what is held out of two classes of 15


def kept(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The bytes that are kept of a split."""
    images = datasets.load(name)
    return images.images[split].bytes_BCHW.numpy(), images.labels[split].numpy()


def by_bytes(images_BCHW, labels_B) -> dict[bytes, int]:
    return {image.tobytes(): int(label) for image, label in zip(images_BCHW, labels_B)}


def mapped_at(address: int) -> str:
    """The file that is mapped at an address of this process; "" where there is none."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        first, last = (int(part, 16) for part in line.split()[0].split("-"))
        if first <= address < last:
            return " ".join(line.split()[5:]).removeprefix("[heap]").removeprefix("[anon")
    return ""


def test_cifar_comes_back_byte_for_byte_in_the_papers_splits(tmp_path):
    path, images_BCHW, labels_B = cifar10(tmp_path / "cifar-10-binary.tar.gz", 50)
    found, broken = preparing.add("cifar10", path)
    assert found.title == "CIFAR-10" and found.classes == CIFAR10 and not broken
    assert found.counts == {"train": 200, "val": 50, "test": 50}
    train, val, test = (by_bytes(*kept("cifar10", split)) for split in datasets.SPLITS)
    assert not train.keys() & val.keys() and train | val == by_bytes(images_BCHW[:250], labels_B[:250])
    assert test == by_bytes(images_BCHW[250:], labels_B[250:])
    assert sorted(val.values()) == sorted(list(range(10)) * 5)


def test_cifar100_takes_the_fine_labels(tmp_path):
    names = [f"class{number:02d}" for number in range(100)]
    records = {split: np.random.default_rng(at).integers(0, 256, (500, 3074), dtype=np.uint8) for at, split in enumerate(("train", "test"))}
    for part in records.values():
        part[:, 0], part[:, 1] = np.arange(500) % 20, np.arange(500) % 100
    files = {f"cifar-100-binary/{split}.bin": part.tobytes() for split, part in records.items()} | {
        "cifar-100-binary/fine_label_names.txt": "\n".join(names).encode(),
        "cifar-100-binary/coarse_label_names.txt": b"x",
    }
    found, _ = preparing.add("cifar100", tar(tmp_path / "cifar-100-binary.tar.gz", files))
    assert found.title == "CIFAR-100" and found.counts == {"train": 400, "val": 100, "test": 500} and found.classes == tuple(names)
    assert by_bytes(*kept("cifar100", "test")) == by_bytes(records["test"][:, 2:], records["test"][:, 1])


@pytest.mark.parametrize("pack", ["folder", "tar.xz", "tar.gz", "zip"])
def test_a_tree_of_jpegs_is_what_pillow_makes_of_them_and_says_so(tmp_path, pack):
    files = {f"pictures/{name}": data for name, data in image_tree(5).items()}
    path = (
        written(tmp_path / "folder", files)
        if pack == "folder"
        else zipped(tmp_path / "a.zip", files)
        if pack == "zip"
        else tar(tmp_path / f"a.{pack}", files)
    )
    found, _ = preparing.add("cifar10", path)
    assert found.title == "CIFAR-10 (JPEG)" and found.counts == {"train": 40, "val": 10, "test": 50} and found.classes == CIFAR10
    expected = {
        np.asarray(Image.open(io.BytesIO(data))).transpose(2, 0, 1).tobytes(): CIFAR10.index(name.split("/")[2])
        for name, data in files.items()
    }
    seen = {}
    for split in datasets.SPLITS:
        seen |= by_bytes(*kept("cifar10", split))
    assert seen == expected


def test_images_read_as_normalised_floats_and_are_not_copied(tmp_path):
    path, images_BCHW, _ = cifar10(tmp_path / "c.tar.gz")
    preparing.add("cifar10", path)
    images = datasets.load("cifar10")
    for split, pixels in images.images.items():
        assert mapped_at(pixels.bytes_BCHW.data_ptr()).endswith(f"cifar10/{split}.images.npy"), (
            "the images were copied when they were opened"
        )
    assert mapped_at(images.labels["test"].data_ptr()) == "", "negative control: labels are in memory"
    train = images.images["train"][:]
    assert train.mean((0, 2, 3)).abs().max() < 1e-4 and (train.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-4
    assert torch.equal(images.images["train"][3], train[3])


def test_splits_are_the_same_every_time_and_other_labels_give_others():
    labels_B = np.repeat(np.arange(7), 30)
    assert (fifth(labels_B) == fifth(labels_B.copy())).all() and fifth(labels_B).sum() == 42
    assert np.flatnonzero(fifth(np.repeat(np.arange(2), 15))).tolist() == PINNED, "spaces were trained on other images than these"
    assert all(fifth(labels_B)[labels_B == label].sum() == 6 for label in range(7))
    assert (fifth(labels_B) != fifth(np.tile(np.arange(7), 30))).any()
    assert fifth(np.array([0, 0, 1, 1])).tolist().count(True) == 2 and not fifth(np.array([0, 1])).any()


def test_a_tree_without_splits_or_with_some_gets_the_rest():
    def counts(folder):
        found, _ = preparing.add("mine", folder)
        return found.counts

    root = prepared.home().parent
    assert counts(
        written(root / "flat", {name.removeprefix("train/"): data for name, data in image_tree(10, splits=("train",)).items()})
    ) == {"train": 64 + 6, "val": 10, "test": 20}
    assert counts(written(root / "val", image_tree(5, splits=("train", "val")))) == {"train": 40, "val": 10, "test": 50}
    assert counts(written(root / "all", image_tree(2, splits=("train", "valid", "test")))) == {"train": 20, "val": 20, "test": 20}


def test_grey_images_and_webp_have_their_own_form(tmp_path):
    files = {f"train/{name}/{number}.png": encoded(picture(number, (20, 12), "L")) for name in "ab" for number in range(5)}
    found, _ = preparing.add("grey", written(tmp_path / "grey", files))
    assert datasets.load("grey").images["train"].shape[1:] == (1, 12, 20) and len(found.mean) == 1
    found, _ = preparing.add("cifar10", written(tmp_path / "webp", image_tree(2, kind="WEBP")))
    assert found.title == "CIFAR-10 (WebP)"


def test_images_of_many_sizes_need_one_to_be_named(tmp_path):
    files = {f"train/{name}/{number}.png": encoded(picture(number, (40 + number, 60))) for name in "ab" for number in range(5)}
    folder = written(tmp_path / "sizes", files)
    with pytest.raises(InvalidValue, match="not of one size.*--size"):
        preparing.add("mine", folder)
    preparing.add("mine", folder, size=24)
    assert datasets.load("mine").images["test"].shape[1:] == (3, 24, 24)


def test_scaling_and_cutting_is_torchvisions():
    image = picture(1, (341, 256))
    assert (
        cut(image, Form(3, 224, 224, 256)).tobytes() == image.crop((58, 16, 58 + 224, 16 + 224)).tobytes()
    )  # (341 - 224) / 2 = 58.5, to even
    assert (
        cut(picture(1, (512, 1024)), Form(3, 224, 224, 256)).tobytes()
        == picture(1, (512, 1024)).resize((256, 512), Image.Resampling.BILINEAR).crop((16, 144, 240, 368)).tobytes()
    )


def test_tiny_imagenet_takes_its_labelled_val_folder_as_test(tmp_path):
    wnids, files = ("n01443537", "n01629819", "n02100000"), {}
    for at, wnid in enumerate(wnids):
        for number in range(10):
            files[f"tiny-imagenet-200/train/{wnid}/images/{wnid}_{number}.JPEG"] = encoded(picture(100 * at + number, (64, 64)), "JPEG")
        files[f"tiny-imagenet-200/train/{wnid}/{wnid}_boxes.txt"] = b"x"
    order = [2, 0, 1, 1, 2, 0]
    for number, at in enumerate(order):
        files[f"tiny-imagenet-200/val/images/val_{number}.JPEG"] = encoded(picture(1000 + number, (64, 64)), "JPEG")
        files[f"tiny-imagenet-200/test/images/test_{number}.JPEG"] = encoded(picture(2000 + number, (64, 64)), "JPEG")
    files["tiny-imagenet-200/val/val_annotations.txt"] = "".join(
        f"val_{number}.JPEG\t{wnids[at]}\t0\t32\t44\t62\n" for number, at in enumerate(order)
    ).encode()
    files["tiny-imagenet-200/words.txt"] = (
        b"n01443537\tgoldfish, Carassius auratus\nn01629819\tEuropean fire salamander\nn09999999\tother\n"
    )
    archive = files_of(zipped(tmp_path / "tiny-imagenet-200.zip", files))
    assert tiny_imagenet.fits(archive)
    found = tiny_imagenet.read(Reading(archive, None, tmp_path, preparing.silent))
    assert {split: len(labels) for split, (_, labels) in found.splits.items()} == {"train": 24, "val": 6, "test": 6}
    assert found.classes == ("goldfish", "European fire salamander", "n02100000") and found.splits["test"][1].tolist() == order
    assert found.splits["test"][0].shape[1:] == (3, 64, 64) and not found.made_of
    with pytest.raises(InvalidValue, match="200 classes"):
        preparing.add("tinyimagenet", archive.path)


WNIDS = ("n01440764", "n01443537", "n01484850")
IMAGENET = {f"ILSVRC2012_val_{number:08d}.JPEG": WNIDS[number % 3] for number in range(1, 76)}


def imagenet_lists() -> dict[str, dict[str, bytes]]:
    """layout -> the files beside the images; the development kit numbers its classes in an order of its own."""
    kit = {"n01440764": 2, "n01443537": 3, "n01484850": 1}
    synsets = np.array(
        [(kit[wnid], wnid, 0) for wnid in WNIDS] + [(4, "n00000001", 3)],
        dtype=[("ILSVRC2012_ID", "i4"), ("WNID", "O"), ("num_children", "i4")],
    )
    meta = io.BytesIO()
    savemat(meta, {"synsets": synsets})
    return {
        "kaggle": {
            "LOC_val_solution.csv": (
                "ImageId,PredictionString\n" + "".join(f"{name[:-5]},{wnid} 85 1 499 272\n" for name, wnid in IMAGENET.items())
            ).encode()
        },
        "caffe": {"val.txt": "".join(f"{name} {WNIDS.index(wnid)}\n" for name, wnid in IMAGENET.items()).encode()},
        "kit": {
            "data/ILSVRC2012_validation_ground_truth.txt": "".join(f"{kit[wnid]}\n" for wnid in IMAGENET.values()).encode(),
            "data/meta.mat": meta.getvalue(),
        },
        "folders": {},
    }


@pytest.mark.parametrize("layout", ["kaggle", "caffe", "kit", "folders"])
def test_imagenets_validation_images_in_each_layout(tmp_path, layout):
    images = {
        f"{wnid if layout == 'folders' else 'images'}/{name}": encoded(picture(at % 3, (300, 280)), "JPEG")
        for at, (name, wnid) in enumerate(IMAGENET.items(), 1)
    }
    files = files_of(written(tmp_path / "imagenet", images | imagenet_lists()[layout]))
    assert imagenet.fits(files)
    found = imagenet.read(Reading(files, None, tmp_path, preparing.silent))
    assert {split: len(labels) for split, (_, labels) in found.splits.items()} == {"train": 3, "val": 12, "test": 60}
    assert found.classes == (WNIDS if layout != "caffe" else ("0", "1", "2")) and found.moments == imagenet.MOMENTS
    for pixels_BCHW, labels_B in found.splits.values():  # each class has one picture here: its label must be its own
        assert pixels_BCHW.shape[1:] == (3, 224, 224)
        assert {label: {image.tobytes() for image in pixels_BCHW[labels_B == label]} for label in range(3)} == {
            label: {decoded_once(label)} for label in range(3)
        }
    with pytest.raises(InvalidValue, match="1000 classes"):
        preparing.add("imagenet", files.path)


def decoded_once(number: int) -> bytes:
    image = Image.open(io.BytesIO(encoded(picture(number, (300, 280)), "JPEG"))).resize((274, 256), Image.Resampling.BILINEAR)
    return np.asarray(image.crop((25, 16, 249, 240))).transpose(2, 0, 1).tobytes()


def test_imagenet_without_a_list_says_which_would_do(tmp_path):
    folder = written(tmp_path / "flat", {name: encoded(picture(0, (30, 30)), "JPEG") for name in list(IMAGENET)[:4]})
    with pytest.raises(InvalidValue, match="LOC_val_solution.csv"):
        preparing.add("imagenet", folder)


def test_the_commands_add_list_and_remove(tmp_path, capsys, home):
    folder = written(tmp_path / "tree", image_tree(3, ("cat", "dog")) | {"train/cat/broken.jpg": b"no image", "train/dog/notes.txt": b"x"})
    code, made, error = call(capsys, None, "data", "add", "pets", str(folder))
    assert (
        code == 0
        and made["counts"] == {"train": 4, "val": 2, "test": 6}
        and list(made["broken"]) == ["train/cat/broken.jpg"]
        and "broken.jpg" in error
    )
    code, found, _ = call(capsys, None, "data")
    rows = {row["name"]: row for row in found["datasets"]}
    assert code == 0 and rows["pets"]["broken"] == 1 and rows["pets"]["here"] and not rows["cifar10"]["here"] and rows["digits"]["here"]
    assert datasets.load("pets").title == "pets"
    assert call(capsys, None, "data", "remove", "pets")[1] == {"removed": "pets"} and not (home / "pets").exists()
    with pytest.raises(UnknownId, match="data add"):
        datasets.load("pets")
    with pytest.raises(DataMissing, match="data get cifar10"):
        datasets.load("cifar10")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("get",), "takes NAME"),
        (("get", "cifra10"), "cifar10"),
        (("get", "imagenet"), "data add imagenet"),
        (("add", "cifar10"), "takes NAME PATH"),
        (("add", "cifar10", "/nowhere/at/all"), "no folder or archive"),
        (("add", "../up", "."), "not a safe name"),
        (("add", "digits", "."), "another name"),
        (("remove", "cifar10"), "not here"),
        (("remove", "../up"), "not a safe name"),
        (("list", "cifar10"), "nothing more"),
        (("get", "cifar10", "--size", "3"), "--size"),
    ],
)
def test_a_wrong_use_is_one_line_and_code_2(capsys, arguments, words):
    code, out, error = call(capsys, None, "data", *arguments)
    assert code == 2 and out is None and words in error and error.count("\n") == 1


def wnid_tree(count: int, size: tuple[int, int] = (64, 64)) -> dict[str, bytes]:
    image = encoded(picture(1, size), "JPEG")
    return {f"{split}/n{at:08d}/{number}.jpg": image for split in ("train", "test") for at in range(count) for number in range(2)}


def renamed(old: str, new: str) -> dict[str, bytes]:
    return {name.replace(f"/{old}/", f"/{new}/"): data for name, data in image_tree(3).items()}


@pytest.mark.parametrize(
    ("name", "files", "words"),
    [
        ("cifar10", image_tree(3, ("cat", "dog")), "10 classes"),
        ("cifar10", renamed("ship", "sofa"), "no class 'sofa'"),
        (
            "cifar100",
            {f"train/thing{at}/{number}.jpg": encoded(picture(1), "JPEG") for at in range(100) for number in range(3)},
            "no class",
        ),
        ("cifar10", {name: encoded(picture(1, (64, 64)), "JPEG") for name in image_tree(3)}, "32 x 32 colour"),
        ("cifar10", {name: encoded(picture(1, mode="L"), "PNG") for name in image_tree(3)}, "32 x 32 grey"),
        ("tinyimagenet", {name.replace("/n0", "/class"): data for name, data in wnid_tree(200).items()}, "no class"),
        ("tinyimagenet", wnid_tree(200, (32, 32)), "64 x 64"),
    ],
    ids=["count", "another class", "100 things", "size", "grey", "200 things", "size of tiny"],
)
def test_what_a_name_promises_is_held(tmp_path, capsys, name, files, words):
    code, _, error = call(capsys, None, "data", "add", name, str(written(tmp_path / "tree", files)))
    assert code == 2 and words in error and "another name" in error and not prepared.here(name)


@pytest.mark.parametrize("new", ["ship", "Ship", "plane"])
def test_what_keeps_a_names_promise_is_taken_under_it(tmp_path, new):
    files = renamed("airplane" if new == "plane" else "ship", new)
    assert preparing.add("cifar10", written(tmp_path / "tree", files))[0].title == "CIFAR-10 (JPEG)"


def test_tiny_imagenet_as_folders_of_wordnet_ids_is_taken(tmp_path):
    assert preparing.add("tinyimagenet", written(tmp_path / "tree", wnid_tree(200)))[0].title == "Tiny-ImageNet (JPEG)"


def test_other_files_are_counted_not_passed_over_in_silence(tmp_path, capsys):
    extra = {"train/cat/a.heic": b"x", "train/cat/b.heic": b"x", "notes.txt": b"x", "train/dog/LICENSE": b"x", "train/dog/.DS_Store": b"x"}
    folder = written(tmp_path / "tree", image_tree(2, ("cat", "dog")) | extra)
    code, value, _ = call(capsys, None, "data", "add", "mine", str(folder))
    assert code == 0 and value["left_out"] == {".heic": 2, ".txt": 1, "no extension": 1}
    assert {row["name"]: row for row in preparing.listed()}["mine"]["left_out"] == value["left_out"]


def test_an_archive_made_on_windows_is_read(tmp_path):
    """Backslashes between the parts, folders among the entries; colons in the names of classes."""
    path = tmp_path / "windows.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in image_tree(2, ("cat", "dog")).items():
            entry = zipfile.ZipInfo("x")
            entry.filename = name.replace("/", "\\")
            archive.writestr(entry, data)
        folder = zipfile.ZipInfo("x")
        folder.filename = "train\\cat\\"
        archive.writestr(folder, b"")
    found, broken = preparing.add("mine", path)
    assert found.classes == ("cat", "dog") and sum(found.counts.values()) == 8 and not broken
    colons = {name.replace("/cat/", "/a:cat/"): data for name, data in image_tree(2, ("cat", "dog")).items()}
    assert preparing.add("mine", zipped(tmp_path / "colon.zip", {f"set:1/{name}": data for name, data in colons.items()}))[0].classes == (
        "a:cat",
        "dog",
    )


def test_names_that_are_no_text_are_kept_readable(tmp_path):
    folder = written(tmp_path / "tree", image_tree(2, ("cat", "dog")))
    os.rename(os.fsencode(folder / "train/cat"), os.fsencode(folder / "train") + b"/c\xe9")
    os.rename(os.fsencode(folder / "test/cat"), os.fsencode(folder / "test") + b"/c\xe9")
    assert preparing.add("mine", folder)[0].classes == ("c\ufffd", "dog")


@pytest.mark.parametrize("per_class", [1, 2])
def test_too_few_images_a_class_are_told(tmp_path, per_class):
    files = {name.removeprefix("train/"): data for name, data in image_tree(per_class, ("cat", "dog"), ("train",)).items()}
    with pytest.raises(InvalidValue, match="too few images a class.*at least three"):
        preparing.add("mine", written(tmp_path / "few", files))
    files = {name.removeprefix("train/"): data for name, data in image_tree(3, ("cat", "dog"), ("train",)).items()}
    assert preparing.add("mine", written(tmp_path / "enough", files))[0].counts == {"train": 2, "val": 2, "test": 2}


def test_the_workspace_of_a_command_holds_its_data_sets(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("EXPLORER_DATA")
    folder = written(tmp_path / "tree", image_tree(2, ("cat", "dog")))
    assert call(capsys, tmp_path / "mine", "data", "add", "pets", str(folder))[0] == 0
    assert (tmp_path / "mine" / "datasets" / "pets" / "manifest.json").is_file() and not prepared.here("pets")


def test_a_folder_whose_name_is_no_text_is_told_readable(tmp_path, capsys):
    folder = os.path.join(os.fsencode(tmp_path), b"bilder-\xe9")
    os.rename(os.fsencode(written(tmp_path / "tree", image_tree(2, ("cat", "dog")))), folder)
    assert preparing.add("mine", os.fsdecode(folder))[0].source == "bilder-\ufffd"
    Path(os.fsdecode(folder), "train/cat/stray").mkdir()
    for image in Path(os.fsdecode(folder)).rglob("*.jpg"):
        image.unlink()
    with pytest.raises(InvalidValue, match="bilder-\ufffd") as caught:
        preparing.add("other", os.fsdecode(folder))
    str(caught.value).encode("utf-8")
