"""The official archives: where they are, what they hash to, and downloads that go on where they were cut."""

from __future__ import annotations

import shutil
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from ..core import settings
from ..core.errors import DataMissing, StorageError
from .decode import Report

RETRIES = 1
TIMEOUT = 30  # seconds without a byte
CHUNK = 1 << 16


class Archive(NamedTuple):
    url: str
    sha256: str
    bytes: int


ARCHIVES = {
    "cifar10": Archive(
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        170_052_171,
    ),
    "cifar100": Archive(
        "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        168_513_733,
    ),
    "tinyimagenet": Archive(
        "https://cs231n.stanford.edu/tiny-imagenet-200.zip", "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821", 248_100_043
    ),
}


def address(name: str) -> str:
    """Where an archive is fetched from: the official place, or the mirror."""
    url, mirror = ARCHIVES[name].url, settings.data_url()
    return f"{mirror.rstrip('/')}/{url.rpartition('/')[2]}" if mirror else url


def fetch(name: str, folder: Path, report: Report) -> Path:
    """The archive in `folder`, fetched where it is not there whole; what a cut download brought is kept and gone on from. Raises
    DataMissing, StorageError."""
    import pooch
    import requests

    archive, url = ARCHIVES[name], address(name)
    file = url.rpartition("/")[2]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        store = pooch.create(folder, base_url="", registry={file: f"sha256:{archive.sha256}"}, urls={file: url}, retry_if_failed=RETRIES)
        pooch.get_logger().setLevel("ERROR")
        return Path(store.fetch(file, downloader=Resuming(folder / f"{file}.part", archive.bytes, report)))
    except requests.RequestException as error:
        raise DataMissing(
            f"The archive of {name} could not be fetched from {url} ({brief(error)}). The same command resumes the download; or fetch "
            f"it by hand, then `python -m engine data add {name} FILE`."
        ) from error
    except ValueError as error:  # pooch: another hash
        raise DataMissing(
            f"{url} gave another file than the known archive of {name} (its sha256 or size differs): it was discarded. Try a mirror "
            "with EXPLORER_DATA_URL."
        ) from error
    except OSError as error:
        raise StorageError(
            f"Cannot keep the archive of {name} in {folder} ({error.strerror or error}). Free some space, or choose another folder with "
            "EXPLORER_DATA."
        ) from error


def brief(error: Exception) -> str:
    """An error of a connection in few words, without the objects that it names."""
    response = getattr(error, "response", None)
    return f"it answered {response.status_code}" if response is not None else type(error).__name__


class Resuming:
    """A downloader for pooch (which checks the hash and tries again): it keeps what came in `part`, and asks for the rest of it."""

    def __init__(self, part: Path, size: int, report: Report):
        self.part, self.size, self.on = part, size, report("downloading", size)

    def __call__(self, fname: str, action: str | PathLike | None, pooch, *, check_only: bool | None = None) -> None:
        """From the address `fname` into the file `action`: the names are pooch's."""
        import requests

        assert action is not None and not check_only, "pooch is asked to fetch, not whether it could"
        done = self.part.stat().st_size if self.part.exists() else 0
        if done < self.size:
            with requests.get(
                fname, headers={"Range": f"bytes={done}-", "Accept-Encoding": "identity"}, stream=True, timeout=TIMEOUT
            ) as response:
                if response.status_code == 416:  # it has less than came already: that was of something else
                    self.part.unlink()
                response.raise_for_status()
                told = response.headers.get("Content-Range", "").rpartition("/")[2] or response.headers.get("Content-Length", "")
                if told.isdigit() and int(told) != self.size:
                    self.part.unlink(missing_ok=True)
                    raise ValueError(f"it has {told} bytes instead of {self.size}")
                if response.status_code != 206 or not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
                    done = 0  # it sends the whole
                with open(self.part, "r+b" if done else "wb") as file:
                    file.seek(done)
                    for chunk in response.iter_content(CHUNK):
                        done += file.write(chunk)
                        self.on(min(done, self.size))
                        if done > self.size:
                            break
            if done < self.size:  # closed in the middle, without a word
                raise requests.ConnectionError(f"{done} of {self.size} bytes arrived")
        shutil.move(self.part, action)
