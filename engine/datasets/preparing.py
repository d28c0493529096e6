"""From what a person has, or can download, to a prepared data set: `add`, `get`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..core.artifacts import safe_name
from ..core.boundary import readable
from ..core.errors import CorruptArtifact, InvalidValue, UnknownId, closest
from ..core.limits import Limits, limited, tell
from . import NAMES, PUBLISHED, builtin, cifar, image_folder, imagenet, known, prepared, tiny_imagenet
from .decode import Report
from .files import files_of
from .reading import Reading

READERS = (cifar, tiny_imagenet, imagenet, image_folder)  # the first that fits takes it
LIMITS = Limits(memory=4 << 30, cpu=24 * 3600, wall=24 * 3600, output=64 << 30)  # a million images take their time; Stop ends it


def silent(what: str, total: int):
    return lambda done: None


def never() -> bool:
    return False


def add(
    name: str, path: Path | str, size: int | None = None, report: Report = silent, source: str = "", stop: Callable[[], bool] = never
) -> tuple[prepared.Prepared, dict[str, str]]:
    """Prepare what lies in a folder or archive under that name: its manifest, and file -> reason of the images that could not
    be read. What had the name is replaced. It is read by a process of its own, within LIMITS. Raises InvalidValue, DataMissing,
    StorageError; Stopped soon after `stop()` is true."""
    if safe_name(name) == "digits":
        raise InvalidValue(f"{name} is always available: choose another name.")
    path, root = Path(path).expanduser().absolute(), prepared.home().absolute()
    report("opening", 1)(0)
    with prepared.staging(name, root) as folder:
        given = {"name": name, "path": str(path), "size": size, "source": source, "folder": str(folder)}
        broken, _ = limited("engine.datasets.preparing:prepare", given, path.name, LIMITS, stop, hearing(report))
        prepared.put(folder, name, root)
    return prepared.manifest(name), broken


def hearing(report: Report) -> Callable[[object], None]:
    """What `prepare` tells, passed on to a report."""
    on = report("starting", 1)

    def hear(message) -> None:
        nonlocal on
        if isinstance(message, list):
            on = report(*message)
        else:
            on(message)

    return hear


def telling(what: str, total: int) -> Callable[[int], None]:
    tell([what, total])
    return tell


def prepare(name: str, path: str, size: int | None, source: str, folder: str) -> tuple[dict[str, str], dict]:
    """What the process of `add` does: fill `folder`. Returns file -> reason of the broken images, and no arrays."""
    files = files_of(path)
    reader = next(each for each in READERS if each.fits(files))
    if name == "imagenet" and reader is not imagenet:
        raise InvalidValue(
            f"{files.path.name} does not hold ImageNet's validation images alone (ILSVRC2012_val_00000001.JPEG, ...). "
            "Name the folder that does."
        )
    if size is not None and reader in (cifar, imagenet):
        raise InvalidValue(f"--size is for folders of images; those of {name} have a size of their own. Leave it out.")
    found = reader.read(Reading(files, size, Path(folder).parent, telling))
    title = known.title(name, found)
    prepared.fill(
        Path(folder), name, title, source or readable(files.path.name), found.classes, found.splits,
        normal=found.moments, broken=len(found.broken), left_out=found.left_out,
    )  # fmt: skip
    return {readable(file): reason for file, reason in found.broken.items()}, {}


def get(name: str, report: Report = silent, stop: Callable[[], bool] = never) -> tuple[prepared.Prepared, dict[str, str]]:
    """Download an official archive and prepare it. Raises UnknownId, DataMissing, InvalidValue, StorageError."""
    from . import fetching

    if name not in fetching.ARCHIVES:
        if name == "imagenet":
            raise InvalidValue(
                "ImageNet cannot be downloaded without an account: get its validation images from image-net.org, "
                "then `python -m engine data add imagenet FOLDER`."
            )
        if name in builtin.names():
            raise InvalidValue(f"{name} needs no download: it is always available ({builtin.module(name).SOURCE}).")
        raise UnknownId(
            f"There is no dataset {str(name)[:60]!r} to download.{closest(str(name), fetching.ARCHIVES)} "
            "`python -m engine data add NAME FOLDER` adds your own."
        )
    archive = fetching.fetch(name, prepared.home() / ".downloads", report)
    made = add(name, archive, report=report, source=fetching.ARCHIVES[name].url, stop=stop)
    archive.unlink(missing_ok=True)
    return made


def listed() -> list[dict]:
    """The data sets that are known or here: {"name", "here", "title"} and of those here {"counts", "classes", "source", "broken"},
    of those that cannot be used {"problem"}."""
    root = prepared.home()
    own = {path.parent.name for path in root.glob("*/manifest.json") if not path.parent.name.startswith(".")} if root.is_dir() else set()
    always = {name: builtin.module(name) for name in builtin.names()}
    rows = [{"name": name, "here": True, "title": each.TITLE, "source": each.SOURCE} for name, each in always.items()]
    for name in [*PUBLISHED, *sorted(own - set(NAMES))]:
        if name not in own:
            rows.append({"name": name, "here": False, "title": known.TITLES[name]})
            continue
        try:
            found = prepared.manifest(name)
        except CorruptArtifact as error:
            rows.append({"name": name, "here": False, "title": known.TITLES.get(name, name), "problem": str(error)})
            continue
        rows.append({
            "name": name, "here": True, "title": found.title, "counts": found.counts, "classes": len(found.classes), "source": found.source,
            "broken": found.broken, "left_out": found.left_out,
        })  # fmt: skip
    return rows
