"""Downloads that are cut off, answer something else or nothing, and archives that are damaged or meant to harm."""

from __future__ import annotations

import gzip
import os
import resource
import tarfile
import threading
import zipfile

import numpy as np
import pytest

from engine import datasets
from engine.__main__ import main
from engine.core.artifacts import Store
from engine.core.errors import DataMissing, InvalidValue, Stopped, StorageError
from engine.core.limits import Limits
from engine.core.replacing import alone
from engine.datasets import decode, fetching, files, prepared, preparing
from engine.kinds.netspace.space import load_space
from tests.archives import cifar10, encoded, file_server, image_tree, picture, tar, written, zipped
from tests.tiny import SPACE, write_tiny

FILE = "/cifar-10-binary.tar.gz"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # pooch's, between its tries
    monkeypatch.setattr(fetching, "CHUNK", 1000)
    return tmp_path / "data"


@pytest.fixture
def in_process(monkeypatch):
    """`add` reads in this process, where a test can lower its bounds."""
    monkeypatch.setattr(preparing, "limited", lambda call, given, *others: preparing.prepare(**given))
    monkeypatch.setattr(preparing, "tell", lambda value: None)


@pytest.fixture
def archive(tmp_path, monkeypatch) -> bytes:
    """A small CIFAR-10 archive, whose hash is the known one."""
    path, *_ = cifar10(tmp_path / "made.tar.gz")
    know(monkeypatch, path.read_bytes())
    return path.read_bytes()


def know(monkeypatch, data: bytes) -> None:
    import hashlib

    monkeypatch.setitem(
        fetching.ARCHIVES, "cifar10", fetching.ARCHIVES["cifar10"]._replace(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
    )


def get(server, monkeypatch, files: dict | None = None):
    monkeypatch.setenv("EXPLORER_DATA_URL", server.url + "/")
    return preparing.get("cifar10")


def test_a_whole_download_is_prepared_and_its_archive_goes(archive, monkeypatch, home):
    with file_server({FILE: archive}) as server:
        found, _ = get(server, monkeypatch)
    assert found.counts == {"train": 80, "val": 20, "test": 20} and found.source == fetching.ARCHIVES["cifar10"].url
    assert len(datasets.load("cifar10").labels["test"]) == 20
    assert list((home / ".downloads").iterdir()) == []
    assert server.asked == [(FILE, "bytes=0-")]


def test_a_download_cut_in_the_middle_goes_on_from_there(archive, monkeypatch):
    with file_server({FILE: archive}) as server:
        server.cuts = [len(archive) // 3000 * 1000]
        found, _ = get(server, monkeypatch)
    assert found.counts["test"] == 20
    assert server.asked == [(FILE, "bytes=0-"), (FILE, f"bytes={len(archive) // 3000 * 1000}-")]


def test_cut_twice_is_an_error_that_keeps_what_came_and_the_same_command_goes_on(archive, monkeypatch, home):
    with file_server({FILE: archive}) as server:
        server.cuts = [1000, 2000]
        with pytest.raises(DataMissing, match="resumes the download"):
            get(server, monkeypatch)
        assert len(server.asked) == 2 and not prepared.here("cifar10")
        assert [path.stat().st_size for path in (home / ".downloads").iterdir()] == [3000]
        get(server, monkeypatch)
        assert server.asked[2:] == [(FILE, "bytes=3000-")] and prepared.here("cifar10")


def test_a_server_that_knows_no_ranges_sends_the_whole_again(archive, monkeypatch):
    with file_server({FILE: archive}, ranges=False) as server:
        server.cuts = [1000]
        get(server, monkeypatch)
    assert prepared.here("cifar10") and len(server.asked) == 2


@pytest.mark.parametrize(
    "change",
    [lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda data: data + b"more", lambda data: data[:-5]],
    ids=["another", "longer", "shorter"],
)
def test_another_hash_is_refused_and_nothing_of_it_stays(archive, change, monkeypatch, home):
    with file_server({FILE: change(archive)}) as server:
        with pytest.raises(DataMissing, match="another file than the known archive of cifar10"):
            get(server, monkeypatch)
        assert len(server.asked) == 2 and list((home / ".downloads").iterdir()) == [] and not prepared.here("cifar10")


def test_what_came_of_another_file_is_forgotten(archive, monkeypatch, home):
    (home / ".downloads").mkdir(parents=True)
    (home / ".downloads" / f"{FILE[1:]}.part").write_bytes(b"x" * 500)
    with file_server({FILE: archive}) as server:
        get(server, monkeypatch)
    assert server.asked == [(FILE, "bytes=500-"), (FILE, "bytes=0-")] and prepared.here("cifar10")


@pytest.mark.parametrize("files", [{}, None], ids=["404", "nobody"])
def test_a_server_without_it_is_one_line(files, monkeypatch, capsys):
    with file_server(files or {}) as server:
        monkeypatch.setenv("EXPLORER_DATA_URL", server.url if files is not None else "http://127.0.0.1:1")
        assert main(["data", "get", "cifar10"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "could not be fetched" in said and ("it answered 404" in said) == (files is not None)


def tar_with(**fields):
    """A tar archive of images with one more entry."""
    entry = tarfile.TarInfo(fields.pop("name"))
    for name, value in fields.items():
        setattr(entry, name, value)
    return lambda folder: tar(folder / "bad.tar.gz", image_tree(2), (entry,))


def zip_link(folder):
    entry = zipfile.ZipInfo("train/cat/link.jpg")
    entry.external_attr = 0o120777 << 16
    path = zipped(folder / "bad.zip", image_tree(2))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    return path


HARMFUL = {
    "climbs": (tar_with(name="train/../../../evil.jpg", size=3), "leads out"),
    "absolute": (tar_with(name="/etc/evil.jpg", size=3), "leads out"),
    "windows": (tar_with(name="C:\\evil.jpg", size=3), "leads out"),
    "link": (tar_with(name="train/cat/a.jpg", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "a link or a device"),
    "hard link": (tar_with(name="train/cat/a.jpg", type=tarfile.LNKTYPE, linkname="../../etc/passwd"), "a link or a device"),
    "device": (tar_with(name="train/cat/a.jpg", type=tarfile.CHRTYPE), "a link or a device"),
    "zip climbs": (lambda folder: zipped(folder / "bad.zip", image_tree(2) | {"../evil.jpg": b"x"}), "leads out"),
    "zip link": (zip_link, "a link or a device"),
}


@pytest.mark.parametrize("case", HARMFUL)
def test_an_archive_that_is_meant_to_harm_is_refused_whole(case, tmp_path, home):
    make, words = HARMFUL[case]
    with pytest.raises(InvalidValue, match=words):
        preparing.add("mine", make(tmp_path))
    assert not prepared.here("mine") and not list(tmp_path.rglob("evil.jpg"))


def test_the_same_archive_without_it_is_taken(tmp_path):
    preparing.add("mine", tar(tmp_path / "good.tar.gz", image_tree(2)))
    assert prepared.here("mine")


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.xz", "a.zip"])
def test_a_cut_archive_is_named(name, tmp_path):
    path = (zipped if name.endswith("zip") else tar)(tmp_path / name, image_tree(6))
    preparing.add("mine", path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(InvalidValue, match=f"{name} is cut off or damaged"):
        preparing.add("other", path)


def test_a_damaged_zip_and_no_archive_are_named(tmp_path):
    path = zipped(tmp_path / "a.zip", image_tree(4))
    data = bytearray(path.read_bytes())
    data[len(data) // 4] ^= 255
    path.write_bytes(data)
    with pytest.raises(InvalidValue, match="damaged"):
        preparing.add("mine", path)
    (tmp_path / "words.txt").write_text("no archive")
    with pytest.raises(InvalidValue, match="not an archive"):
        preparing.add("mine", tmp_path / "words.txt")


def test_bombs_are_refused_before_they_are_unpacked(tmp_path, monkeypatch, in_process):
    monkeypatch.setattr(files, "UNPACKED_LIMIT", 1 << 20)
    bomb = zipped(tmp_path / "bomb.zip", image_tree(1) | {"train/cat/zeros.png": bytes(50 << 20)})
    with pytest.raises(InvalidValue, match="exceeds the limits"):
        preparing.add("mine", bomb)
    bomb = tar(tmp_path / "bomb.tar.xz", image_tree(1) | {"train/cat/zeros.png": bytes(50 << 20)})
    with pytest.raises(InvalidValue, match="exceeds the limits"):
        preparing.add("mine", bomb)
    monkeypatch.setattr(files, "FILES_LIMIT", 10)
    with pytest.raises(InvalidValue, match="exceeds the limits"):
        preparing.add("mine", written(tmp_path / "many", image_tree(1)))


def test_an_image_of_too_many_pixels_is_broken_not_decoded(tmp_path, monkeypatch, in_process):
    monkeypatch.setattr(decode, "PIXELS_LIMIT", 40 * 40)
    large = {"train/cat/9999.jpg": encoded(picture(0, (64, 64)), "JPEG")}
    found, broken = preparing.add("mine", written(tmp_path / "tree", image_tree(3, ("cat", "dog")) | large))
    assert list(broken) == ["train/cat/9999.jpg"] and "64 x 64 pixels" in broken["train/cat/9999.jpg"] and found.broken == 1


def test_broken_images_are_named_and_the_rest_goes_on(tmp_path):
    whole = image_tree(5, ("cat", "dog"))
    cut = {
        "train/cat/8.jpg": whole["train/cat/0000.jpg"][:200],
        "train/dog/8.png": b"GIF89a",
        "test/dog/8.jpg": encoded(picture(1, (31, 32)), "JPEG"),
        "test/cat/8.jpg": b"",
    }
    found, broken = preparing.add("mine", written(tmp_path / "tree", whole | cut))
    assert set(broken) == set(cut) and "31 x 32" in broken["test/dog/8.jpg"]
    assert found.counts == {"train": 8, "val": 2, "test": 10} and found.broken == 4
    few = {name: data for name, data in whole.items() if "0000" in name or "test" in name}
    with pytest.raises(InvalidValue, match="cannot be read"):
        preparing.add("worse", written(tmp_path / "worse", few | {f"train/cat/{number}.jpg": b"x" for number in range(30)}))


def test_links_in_a_folder_are_read_and_those_that_cannot_be_are_counted(tmp_path):
    """A link to an image and to a folder of images elsewhere; one to nowhere, one to its own folder, a pipe."""
    folder = written(tmp_path / "tree", image_tree(2, ("cat", "dog")))
    elsewhere = written(tmp_path / "elsewhere", {"a.jpg": encoded(picture(5), "JPEG"), "more/b.jpg": encoded(picture(6), "JPEG")})
    (folder / "train/cat/link.jpg").symlink_to(elsewhere / "a.jpg")
    (folder / "train/cat/more").symlink_to(elsewhere / "more")
    (folder / "train/cat/nowhere.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (folder / "train/cat/again").symlink_to(folder / "train")
    os.mkfifo(folder / "train/cat/pipe.jpg")
    found, broken = preparing.add("mine", folder)
    assert sum(found.counts.values()) == 8 + 2 and not broken
    assert found.left_out == {"a link to a folder that it lies in": 1, "a link that leads nowhere": 1, "not a regular file": 1}


def test_a_tar_whose_header_claims_gigabytes_ends_its_reader_alone(tmp_path, monkeypatch):
    """Python's tarfile reads a pax header whole, whatever its size: 1.5 GB of it in a process that may have 1 GiB."""
    head = tarfile.TarInfo("././@PaxHeader")
    head.type, head.size = tarfile.XHDTYPE, 1536 << 20
    path = tmp_path / "pax.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(head.tobuf(tarfile.USTAR_FORMAT))
        for _ in range(1536):
            file.write(bytes(1 << 20))
        file.write(bytes(1024))
    monkeypatch.setattr(preparing, "LIMITS", Limits(memory=1 << 30, cpu=60, wall=300))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidValue, match="pax.tar.gz"):
        preparing.add("mine", path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 << 10, "it was read in this process (KiB)"
    assert not prepared.here("mine")


def test_stop_ends_the_reading_of_an_archive_and_leaves_nothing(tmp_path, home):
    path = tar(tmp_path / "a.tar", image_tree(2))
    with pytest.raises(Stopped):
        preparing.add("mine", path, stop=lambda: True)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "raw", [b"[" * 100_000, b"5", b"[]", b"{}", b'{"name": 5}', b"\xff", b'{"counts": ' + b"9" * 5000 + b"}"], ids=range(7)
)
def test_a_manifest_of_any_bytes_is_one_broken_data_set_and_the_others_stay(raw, tmp_path, home):
    preparing.add("mine", written(tmp_path / "tree", image_tree(2, ("cat", "dog"))))
    (home / "bad").mkdir()
    (home / "bad" / "manifest.json").write_bytes(raw)
    rows = {row["name"]: row for row in preparing.listed()}
    assert rows["mine"]["here"] and not rows["bad"]["here"] and "cannot be" in rows["bad"]["problem"]


def test_a_cut_cifar_batch_is_named(tmp_path):
    path, *_ = cifar10(tmp_path / "c.tar.gz")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    batch = tmp_path / "out/cifar-10-batches-bin/data_batch_3.bin"
    batch.write_bytes(batch.read_bytes()[:-1])
    with pytest.raises(InvalidValue, match="data_batch_3.bin.*cut off"):
        preparing.add("cifar10", tmp_path / "out")


def test_a_full_disk_is_an_error_and_what_was_there_stays(tmp_path, monkeypatch, home, in_process):
    folder = written(tmp_path / "tree", image_tree(2, ("cat", "dog")))
    preparing.add("mine", folder)
    before = datasets.load("mine").images["test"][:]

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.posix_fallocate", full)
        with pytest.raises(StorageError, match="no room"):
            preparing.add("mine", folder)
    with monkeypatch.context() as patch:
        patch.setattr(prepared, "save", full)
        with pytest.raises(StorageError, match="No space left"):
            preparing.add("mine", folder)
    assert (datasets.load("mine").images["test"][:] == before).all()
    assert sorted(path.name for path in home.iterdir()) == ["mine"], "something half-made was left"


def test_damaged_files_of_a_prepared_set_name_the_command_that_mends_it(tmp_path, home):
    preparing.add("mine", written(tmp_path / "tree", image_tree(2, ("cat", "dog"))))
    for name in ("test.images.npy", "manifest.json"):
        path = home / "mine" / name
        path.write_bytes(path.read_bytes()[:90])
        with pytest.raises(ValueError, match="data remove mine"):
            datasets.load("mine")
    assert "data remove mine" in {row["name"]: row for row in preparing.listed()}["mine"]["problem"]


UNFIT = {  # architectures of a zoo and of a network, and the images: classes, channels, side
    "size": ("lenetlike-digits", "resnet8-wide-digits", (10, 1, 32)),
    "channels": ("lenetlike-cifar10", "resnet20-cifar10", (10, 1, 32)),
    "classes": ("lenetlike-cifar10", "resnet20-cifar10", (3, 3, 32)),
}


@pytest.mark.parametrize("case", UNFIT)
def test_images_that_do_not_fit_are_refused_before_the_first_step(case, tmp_path, capsys):
    """By every training on images, whatever it trains."""
    *architectures, (classes, channels, side) = UNFIT[case]
    image = encoded(picture(1, (side, side), "L" if channels == 1 else "RGB"))
    preparing.add("mine", written(tmp_path / "tree", {f"{label}/{number}.png": image for label in range(classes) for number in range(3)}))
    for preset, arch_id in zip(("zoo-digits", "network-digits"), architectures):
        command = ["train", preset, "--architecture", arch_id, "--dataset", "mine", "--id", "new", "--workspace", str(tmp_path / "w")]
        assert main(command) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert f"{arch_id} takes images of" in said and "mine has" in said and "another architecture" in said
    assert not (tmp_path / "w" / "new").exists()


def test_a_set_that_took_the_name_of_another_is_not_fed_to_a_space(tmp_path):
    """`mine` is replaced by images of other classes: its space says so, and does not measure on them."""
    preparing.add("mine", written(tmp_path / "tree", image_tree(3)))
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    write_tiny(store, "lenetlike-cifar10", dataset="mine")
    assert load_space(store, SPACE).needed_images().title == "mine"
    preparing.add("mine", written(tmp_path / "other", image_tree(3, ("cat", "dog"))))
    space = load_space(store, SPACE)
    assert space.images is None
    with pytest.raises(InvalidValue, match="takes images of"):
        space.needed_images()


def test_two_that_bring_one_name_at_once_take_turns(tmp_path, home):
    preparing.add("mine", written(tmp_path / "tree", image_tree(2, ("cat", "dog"))))
    splits = {split: (np.zeros((4, 1, 8, 8), np.uint8), np.arange(4) % 2) for split in ("train", "val", "test")}
    bring = threading.Thread(target=prepared.write, args=("mine", "Mine", "elsewhere", ("a", "b"), splits))
    with alone(home):
        bring.start()
        bring.join(0.5)
        assert bring.is_alive() and prepared.manifest("mine").classes == ("cat", "dog")
    bring.join(60)
    assert prepared.manifest("mine").classes == ("a", "b") and [path.name for path in home.iterdir()] == ["mine"]
