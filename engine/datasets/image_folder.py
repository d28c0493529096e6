"""Any folder (or archive) of images: `split/class/*.png` (and the other KINDS of decode.py), or `class/*` alone."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from ..core.boundary import readable
from ..core.errors import InvalidValue
from .decode import KINDS, Item, common_form, is_image
from .files import Files
from .reading import Found, Reading, decode_all, held_out

SPLIT_NAMES = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test", "testing": "test"}
LAYOUT = (
    "Lay the images out as split/class/name.png (splits: train, test, val; png, jpg, webp, bmp, tif, gif or ppm), or as class/name.png."
)


def fits(files: Files) -> bool:
    return True  # what no other format takes


def read(reading: Reading) -> Found:
    """Raises InvalidValue."""
    items, classes = listed(reading.files)
    names = [item.name for item in items]
    splits, broken = decode_all(reading, items, common_form(reading.files, names, reading.size))
    made_of = " and ".join(sorted({KINDS[PurePosixPath(name).suffix.lower()] for name in names}))
    return Found(tuple(map(readable, classes)), splits, made_of, broken, left_out=left_out(reading.files))


def listed(files: Files) -> tuple[list[Item], tuple[str, ...]]:
    """The images in the order of their names, and the classes by name. Where there is no test split, val is it; what is missing then
    is a fifth of each class of train."""
    paths = {name: PurePosixPath(name).parts for name in sorted(files.sizes) if is_image(name) and not hidden(name)}
    if not paths:
        raise InvalidValue(f"There are no images in {files.path.name}. {LAYOUT}")
    common = 0
    while all(len(parts) > common + 2 for parts in paths.values()) and len({parts[common] for parts in paths.values()}) == 1:
        common += 1
    tops = {parts[common] for parts in paths.values()}
    split = all(top.lower() in SPLIT_NAMES for top in tops)
    if not split and any(top.lower() in SPLIT_NAMES for top in tops):
        strange = sorted(top for top in tops if top.lower() not in SPLIT_NAMES)
        raise InvalidValue(f"{files.path.name} holds images outside of its splits ({', '.join(strange)[:80]}). {LAYOUT}")
    depth = common + 1 if split else common
    if flat := next((name for name, parts in paths.items() if len(parts) < depth + 2), None):
        raise InvalidValue(f"{flat[-80:]!r} in {files.path.name} is in no class folder. {LAYOUT}")
    classes = tuple(sorted({parts[depth] for parts in paths.values()}))
    number = {name: label for label, name in enumerate(classes)}
    items = [Item(name, SPLIT_NAMES[parts[common].lower()] if split else "train", number[parts[depth]]) for name, parts in paths.items()]
    return with_splits(items, classes, files), classes


def left_out(files: Files) -> dict[str, int]:
    """What is there and was not read, counted: a file's ending, or why it could not be opened -> number of files."""
    others = [PurePosixPath(name).suffix.lower() or "no extension" for name in files.sizes if not is_image(name) and not hidden(name)]
    return dict(Counter([*files.passed_over.values(), *map(readable, others)]).most_common())


def hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def with_splits(items: list[Item], classes: tuple[str, ...], files: Files) -> list[Item]:
    there = {item.split for item in items}
    if len(classes) < 2 or {item.label for item in items if item.split == "train"} != set(range(len(classes))):
        raise InvalidValue(
            f"The training split of {files.path.name} does not hold images of each of its classes (at least two). {LAYOUT}"
        )
    if "test" not in there and "val" in there:
        items = [Item(item.name, "test" if item.split == "val" else item.split, item.label) for item in items]
    elif "test" not in there:
        items = held_out(items, "test")
    if not {"test", "val"} <= there:
        items = held_out(items, "val")
    if empty := {"train", "val", "test"} - {item.split for item in items}:
        raise InvalidValue(
            f"{files.path.name} holds too few images a class to hold some out for {' and '.join(sorted(empty))}: "
            "at least three of one class are needed. Add images, or lay out train, val and test yourself."
        )
    return items
