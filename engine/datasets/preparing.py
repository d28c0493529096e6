"""From what a person has, or can fetch, to a prepared data set: `add`, `get`."""

from __future__ import annotations

from pathlib import Path

from ..artifacts import safe_name
from ..errors import CorruptArtifact, InvalidValue, UnknownId, closest
from . import NAMES, cifar, image_folder, imagenet, prepared, tiny_imagenet
from .decode import Report
from .files import files_of
from .reading import Found, Reading

READERS = (cifar, tiny_imagenet, imagenet, image_folder)  # the first that fits takes it
KNOWN = {"cifar10": ("CIFAR-10", 10), "cifar100": ("CIFAR-100", 100), "tinyimagenet": ("Tiny-ImageNet", 200), "imagenet": ("ImageNet validation", 1000)}  # title, classes


def silent(what: str, total: int):
    return lambda done: None


def add(name: str, path: Path | str, size: int | None = None, report: Report = silent, source: str = "") -> tuple[prepared.Prepared, dict[str, str]]:
    """Prepare what lies in a folder or archive under that name: what it says of itself, and file -> reason of the images that could not
    be read. What had the name is replaced. Raises InvalidValue, DataMissing, StorageError."""
    if safe_name(name) == "digits":
        raise InvalidValue("digits come with scikit-learn and are always here: choose another name.")
    report("opening", 1)(0)
    files = files_of(path)
    reader = next(each for each in READERS if each.fits(files))
    if name == "imagenet" and reader is not imagenet:
        raise InvalidValue(f"{files.path.name} does not hold ImageNet's validation images alone (ILSVRC2012_val_00000001.JPEG, ...). Name the folder that does.")
    if size is not None and reader in (cifar, imagenet):
        raise InvalidValue(f"--size is for folders of images; those of {name} have a size of their own. Leave it out.")
    found = reader.read(Reading(files, size, prepared.home(), report))
    title = title_of(name, found)
    kept = prepared.write(name, title, source or files.path.name, found.classes, found.splits, normal=found.moments, broken=len(found.broken))
    return kept, found.broken


def title_of(name: str, found: Found) -> str:
    """Its title, with what it was made of where that is not the official form. Raises InvalidValue where it is not what its name says."""
    title, classes = KNOWN.get(name, (name, len(found.classes)))
    if len(found.classes) != classes:
        raise InvalidValue(f"{title} has {classes} classes, this holds {len(found.classes)}. Add it under another name.")
    return f"{title} ({found.made_of})" if name in KNOWN and found.made_of else title


def get(name: str, report: Report = silent) -> tuple[prepared.Prepared, dict[str, str]]:
    """Fetch an official archive and prepare it. Raises UnknownId, DataMissing, InvalidValue, StorageError."""
    from . import fetching

    if name not in fetching.ARCHIVES:
        if name == "imagenet":
            raise InvalidValue("ImageNet is not for everyone to download: take its validation images from image-net.org, then `python -m engine data add imagenet FOLDER`.")
        if name == "digits":
            raise InvalidValue("digits come with scikit-learn and are always here.")
        raise UnknownId(f"There is no dataset {str(name)[:60]!r} to get.{closest(str(name), fetching.ARCHIVES)} `python -m engine data add NAME FOLDER` takes your own.")
    archive = fetching.fetch(name, prepared.home() / ".downloads", report)
    made = add(name, archive, report=report, source=fetching.ARCHIVES[name].url)
    archive.unlink(missing_ok=True)
    return made


def listed() -> list[dict]:
    """The data sets that are known or here: {"name", "here", "title"} and of those here {"counts", "classes", "source", "broken"},
    of those that cannot be used {"problem"}."""
    root = prepared.home()
    own = {path.parent.name for path in root.glob("*/manifest.json") if not path.parent.name.startswith(".")} if root.is_dir() else set()
    rows = [{"name": "digits", "here": True, "title": "Digits (8x8)", "source": "scikit-learn"}]
    for name in [*NAMES[1:], *sorted(own - set(NAMES))]:
        if name not in own:
            rows.append({"name": name, "here": False, "title": KNOWN[name][0]})
            continue
        try:
            found = prepared.manifest(name)
        except CorruptArtifact as error:
            rows.append({"name": name, "here": False, "title": KNOWN.get(name, (name,))[0], "problem": str(error)})
            continue
        rows.append({"name": name, "here": True, "title": found.title, "counts": found.counts, "classes": len(found.classes), "source": found.source, "broken": found.broken})
    return rows
