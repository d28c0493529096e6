"""What images and archives of images come as: depths, formats, orientations, names."""

from __future__ import annotations

import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from engine import datasets
from engine.datasets import files as archives
from engine.datasets import preparing
from engine.datasets.files import files_of
from tests.archives import encoded, picture, written


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))


def of_class(make, kind: str, ending: str) -> dict[str, bytes]:
    """Two classes of five equal images."""
    return {f"train/{name}/{number}.{ending}": encoded(make, kind) for name in "ab" for number in range(5)}


RAMP = (np.arange(12 * 20).reshape(12, 20) / 239 * 65535).astype(np.uint16)


@pytest.mark.parametrize("kind, ending", [("PNG", "png"), ("TIFF", "tif")])
def test_sixteen_bit_greys_are_scaled_to_eight_not_clipped(tmp_path, kind, ending):
    preparing.add("deep", written(tmp_path / "deep", of_class(Image.fromarray(RAMP), kind, ending)))
    kept_HW = datasets.load("deep").images["train"].bytes_BCHW[0, 0].numpy()
    assert np.abs(kept_HW - RAMP / 65535 * 255).max() <= 0.5 and len(np.unique(kept_HW)) > 200


def test_images_of_32_bits_are_named_as_broken(tmp_path):
    files = of_class(Image.fromarray(RAMP.astype(np.uint8)), "PNG", "png") | {
        "train/a/f.tif": encoded(Image.fromarray(RAMP / np.float32(7)), "TIFF")
    }
    found, broken = preparing.add("deep", written(tmp_path / "deep", files))
    assert list(broken) == ["train/a/f.tif"] and "32 bits" in broken["train/a/f.tif"] and sum(found.counts.values()) == 10


@pytest.mark.parametrize("kind, ending", [("BMP", "bmp"), ("TIFF", "tiff"), ("GIF", "gif"), ("PPM", "ppm")])
def test_lossless_formats_come_back_as_they_are(tmp_path, kind, ending):
    image = picture(3).quantize(64).convert("RGB")
    found, broken = preparing.add("mine", written(tmp_path / "tree", of_class(image, kind, ending)))
    kept_CHW = datasets.load("mine").images["test"].bytes_BCHW[0].numpy()
    assert not broken and (kept_CHW == np.asarray(image).transpose(2, 0, 1)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_upright_as_exif_says(tmp_path, orientation):
    """Stored turned, with the orientation beside it: what is kept is the picture as it was seen."""
    seen = np.zeros((16, 24), np.uint8)
    seen[:4], seen[:, :6] = 255, 120  # no two turns of it are alike
    undo = {1: lambda x: x, 2: np.fliplr, 3: lambda x: np.rot90(x, 2), 4: np.flipud, 5: np.transpose, 6: lambda x: np.rot90(x, 1),
            7: lambda x: np.rot90(x, 2).T, 8: lambda x: np.rot90(x, -1)}  # fmt: skip
    stored, exif = Image.fromarray(np.ascontiguousarray(undo[orientation](seen))), Image.Exif()
    exif[0x0112] = orientation
    data = io.BytesIO()
    stored.save(data, "PNG", exif=exif)
    preparing.add(
        "turned", written(tmp_path / "tree", {f"train/{name}/{number}.png": data.getvalue() for name in "ab" for number in range(4)})
    )
    assert (datasets.load("turned").images["train"].bytes_BCHW[0, 0].numpy() == seen).all()


@pytest.mark.parametrize("kind, ending", [("TIFF", "tif"), ("JPEG", "jpg"), ("WebP", "webp")])
@pytest.mark.parametrize("orientation", [3, 6])
def test_every_format_that_has_an_orientation_keeps_it(tmp_path, kind, ending, orientation):
    """No image is left out, whoever turns it: Pillow turns a TIFF and its size when it is decoded."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = io.BytesIO()
    stored = np.zeros((16, 24), np.uint8)
    stored[:, :6] = 255
    Image.fromarray(stored).save(data, kind, exif=exif)
    files = {f"train/{name}/{number}.{ending}": data.getvalue() for name in "ab" for number in range(4)}
    assert not preparing.add("turned", written(tmp_path / "tree", files))[1]
    kept_CHW = datasets.load("turned").images["train"].bytes_BCHW[0].numpy()
    assert np.abs(kept_CHW[0] - np.rot90(stored, {3: 2, 6: -1}[orientation]).astype(int)).max() < 16


@pytest.mark.parametrize("most", [1023, 65535])
def test_a_pgm_of_more_than_8_bits_is_scaled(tmp_path, most):
    grey = np.linspace(0, most, 12 * 20).round().astype(np.uint16).reshape(12, 20)
    data = b"P5\n20 12\n%d\n" % most + grey.astype(">u2").tobytes()
    found, broken = preparing.add(
        "deep", written(tmp_path / "deep", {f"train/{name}/{number}.pgm": data for name in "ab" for number in range(4)})
    )
    kept_CHW = datasets.load("deep").images["train"].bytes_BCHW[0].numpy()
    assert not broken and len(kept_CHW) == 1 and np.abs(kept_CHW[0] - grey / most * 255).max() <= 0.51


@pytest.mark.parametrize("pack", ["zip", "tar", "tar, too large to keep"])
def test_of_two_files_of_one_name_the_last_is_it(tmp_path, monkeypatch, pack):
    """`tar --append` and `zip` of a second version leave both in the archive."""
    if "large" in pack:
        monkeypatch.setattr(archives, "KEPT_BYTES", 1)
    path = tmp_path / f"a.{pack[:3]}"
    versions = [("a/x.png", b"old, longer"), ("b/y.png", b"other"), ("./a/x.png", b"new")]
    if pack == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in versions:
                archive.writestr(name, data)
    else:
        with tarfile.open(path, "w") as archive:
            for name, data in versions:
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    files = files_of(path)
    assert sorted(files.read(files.sizes)) == [("a/x.png", b"new"), ("b/y.png", b"other")]
    assert files.sizes == {"a/x.png": 3, "b/y.png": 5} and files.one("a/x.png") == b"new"
