"""The files of a folder or of an archive (zip; tar, also .gz, .xz, .bz2), read without ever writing one to disk.

A name that leaves the archive, a link in it, or more bytes than it says are refused before anything is decoded.
"""

from __future__ import annotations

import contextlib
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from ..core.boundary import untrusted
from ..core.errors import DataMissing, InvalidValue

FILES_LIMIT = 3_000_000
FILE_BYTES_LIMIT = 512 << 20  # of one file (the largest that is read, CIFAR-100's training images, has 154 MB)
TOTAL_BYTES_LIMIT = 1 << 40
KEPT_BYTES = 512 << 20  # of an archive that is kept in memory
UNPACKED_LIMIT, UNPACKED_RATIO = 4 << 30, 200  # of an archive: what unpacks to more than both (bytes, times its size) is a bomb
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
DRIVE = re.compile(r"[A-Za-z]:/")
REMEDY = "Use a folder, a .zip or a .tar (.gz, .xz, .bz2)."


class Files:
    """Files by their paths inside `path`, with "/" between the parts; `sizes` are in bytes, `passed_over` maps names of what is there
    and cannot be read to the reason. Raises InvalidValue."""

    def __init__(self, path: Path):
        self.path = path
        self.passed_over: dict[str, str] = {}
        with self.damage_named():
            self.sizes = self.counted(self.entries())

    def entries(self) -> Iterator[tuple[str, int]]:
        """(name, size) of each file."""
        raise NotImplementedError

    def opened(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """(name, bytes) of those files, in the order in which they lie."""
        raise NotImplementedError

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """The same, within limits. Raises InvalidValue for a damaged archive."""
        if large := next((name for name in names if self.sizes[name] > FILE_BYTES_LIMIT), None):
            raise InvalidValue(
                f"{large[:80]!r} in {self.path.name} is larger than {FILE_BYTES_LIMIT >> 20} MiB, too large for an image. "
                "Check its source."
            )
        with self.damage_named():
            yield from self.opened(names)

    def one(self, name: str) -> bytes:
        return next(self.read({name}))[1]

    @contextlib.contextmanager
    def damage_named(self) -> Iterator[None]:
        """Damage, in one sentence."""
        with untrusted(self.path.name, remedy=REMEDY):
            try:
                yield
            except DAMAGE as error:
                raise InvalidValue(f"{self.path.name} is cut off or damaged ({error}). Download or pack it again.") from error

    def counted(self, entries: Iterator[tuple[str, int]]) -> dict[str, int]:
        """name -> size, as far as the limits allow. Raises InvalidValue."""
        found, total = {}, 0
        for name, size in entries:
            total += size
            if len(found) >= FILES_LIMIT or total > self.total_limit():
                raise InvalidValue(
                    f"{self.path.name} exceeds the limits ({FILES_LIMIT:,} files, {self.total_limit() >> 30:,} GiB): "
                    "it was not unpacked. Check its source."
                )
            found[name] = size
        return found

    def total_limit(self) -> int:
        return max(UNPACKED_LIMIT, UNPACKED_RATIO * self.path.stat().st_size)

    def inside(self, name: str) -> str:
        """`name` with "/" between its parts (Windows packs with "\\\\"), a path that stays inside. Raises InvalidValue."""
        name = name.replace("\\", "/")
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or "\0" in name or DRIVE.match(name):
            raise InvalidValue(
                f"{self.path.name} holds a path that leads out of it ({name[:80]!r}): nothing of it was used. Check its source."
            )
        return str(parts)

    def link(self, name: str) -> InvalidValue:
        return InvalidValue(
            f"{self.path.name} holds a link or a device ({name[:80]!r}) where a file is expected: nothing of it was used. "
            "Pack the files themselves."
        )


class Folder(Files):
    def total_limit(self) -> int:
        return TOTAL_BYTES_LIMIT

    def entries(self) -> Iterator[tuple[str, int]]:
        """Links are followed (people link to images that lie elsewhere), each folder once on its way down; what is no regular file in
        the end (a pipe, a device) or leads nowhere is passed over, with the reason."""
        above = {str(self.path): {self._identity(self.path)}}
        for folder, folders, names in os.walk(self.path, followlinks=True, onerror=self._unreadable):
            folders.sort()
            for each in list(folders):
                identity = self._identity(os.path.join(folder, each))
                if identity in above[folder]:
                    self.passed_over[self._name(folder, each)] = "a link to a folder that it lies in"
                    folders.remove(each)
                else:
                    above[os.path.join(folder, each)] = above[folder] | {identity}
            for name in sorted(names):
                try:
                    about = os.stat(os.path.join(folder, name))
                except OSError:
                    self.passed_over[self._name(folder, name)] = "a link that leads nowhere"
                    continue
                if stat.S_ISREG(about.st_mode):
                    yield self._name(folder, name), about.st_size
                else:
                    self.passed_over[self._name(folder, name)] = "not a regular file"

    def opened(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """One that has gone or may not be read comes empty, and is passed over with the reason."""
        for name in sorted(names):
            try:
                data = (self.path / name).read_bytes()
            except OSError as error:
                self.passed_over[name], data = error.strerror or "unreadable", b""
            yield name, data

    def _name(self, folder: str, name: str) -> str:
        return Path(folder, name).relative_to(self.path).as_posix()

    def _unreadable(self, error: OSError) -> None:
        self.passed_over[Path(str(error.filename)).relative_to(self.path).as_posix()] = error.strerror or "unreadable"

    @staticmethod
    def _identity(path: str | Path) -> tuple[int, int]:
        about = os.stat(path)
        return about.st_dev, about.st_ino


class Zip(Files):
    """Of several files of one name the last is it, as `unzip` has it."""

    def entries(self) -> Iterator[tuple[str, int]]:
        with zipfile.ZipFile(self.path) as archive:
            for entry in archive.infolist():
                name, kind = self.inside(entry.filename), stat.S_IFMT(entry.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise self.link(name)
                if not self.is_folder(entry):
                    yield name, entry.file_size

    def opened(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        with zipfile.ZipFile(self.path) as archive:
            last = {self.inside(entry.filename): entry for entry in archive.infolist() if not self.is_folder(entry)}
            for name in (name for name in last if name in names):
                with archive.open(last[name]) as file:
                    yield name, file.read(last[name].file_size)  # never more than it says; the checksum tells of less

    @staticmethod
    def is_folder(entry: zipfile.ZipInfo) -> bool:
        return entry.filename.endswith(("/", "\\"))


def content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    """The bytes of a file in an archive."""
    file = archive.extractfile(entry)
    assert file is not None, "entries are files"
    return file.read()


class Tar(Files):
    """It can be read from its start only: what is small is kept while it is listed. Of several files of one name (`tar --append`) the
    last is it."""

    def entries(self) -> Iterator[tuple[str, int]]:
        self.kept, self.places, room = {}, {}, KEPT_BYTES
        with tarfile.open(self.path) as archive:
            for entry in archive:
                name = self.inside(entry.name)
                if not (entry.isfile() or entry.isdir()):
                    raise self.link(name)
                if not entry.isfile():
                    continue
                yield name, entry.size
                self.places[name] = entry.offset
                if (room := room - entry.size) > 0:
                    self.kept[name] = content(archive, entry)
        if room <= 0:
            self.kept = {}

    def opened(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        if self.kept:
            yield from ((name, self.kept[name]) for name in self.sizes if name in names)
            return
        places = {self.places[name]: name for name in names}
        with tarfile.open(self.path) as archive:
            for entry in archive:
                if name := places.pop(entry.offset, None):
                    yield name, content(archive, entry)
                    if not places:
                        return


def files_of(path: Path | str) -> Files:
    """The files of a folder or archive. Raises DataMissing where there is none, InvalidValue for anything else, or a dangerous one."""
    path = Path(path).expanduser()
    if path.is_dir():
        return Folder(path)
    if not path.is_file():
        raise DataMissing(f"There is no folder or archive {str(path)[:200]}. Name one that is on this machine.")
    with untrusted(path.name, remedy=REMEDY):
        if zipfile.is_zipfile(path):
            return Zip(path)
        if path.suffix.lower() == ".zip":
            raise InvalidValue(f"{path.name} is cut off or damaged (it has no table of contents). Download or pack it again.")
        if not tarfile.is_tarfile(path):
            raise InvalidValue(f"{path.name} is not an archive, or its start is cut off. {REMEDY}")
    return Tar(path)
