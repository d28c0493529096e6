"""Any folder (or archive) of images: `split/class/*.{png,jpg,jpeg,webp}`, or `class/*` alone."""

from __future__ import annotations

from pathlib import PurePosixPath

from ..errors import InvalidValue
from .decode import Item, common_form, is_image
from .files import Files
from .reading import Found, Reading, decode_all, held_out

SPLIT_NAMES = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test", "testing": "test"}
KINDS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WebP"}
LAYOUT = "Lay the images out as split/class/name.png (splits: train, test, val; png, jpg, jpeg or webp), or as class/name.png."


def fits(files: Files) -> bool:
    return True  # what no other format takes


def read(reading: Reading) -> Found:
    """Raises InvalidValue."""
    items, classes = listed(reading.files)
    names = [item.name for item in items]
    splits, broken = decode_all(reading, items, common_form(reading.files, names, reading.size))
    made_of = " and ".join(sorted({KINDS[PurePosixPath(name).suffix.lower()] for name in names}))
    return Found(classes, splits, made_of, broken)


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
        raise InvalidValue(f"{files.path.name} holds images beside its splits ({', '.join(strange)[:80]}). {LAYOUT}")
    depth = common + 1 if split else common
    if flat := next((name for name, parts in paths.items() if len(parts) < depth + 2), None):
        raise InvalidValue(f"{flat[-80:]!r} in {files.path.name} lies in no class. {LAYOUT}")
    classes = tuple(sorted({parts[depth] for parts in paths.values()}))
    number = {name: label for label, name in enumerate(classes)}
    items = [Item(name, SPLIT_NAMES[parts[common].lower()] if split else "train", number[parts[depth]]) for name, parts in paths.items()]
    return with_splits(items, classes, files), classes


def hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def with_splits(items: list[Item], classes: tuple[str, ...], files: Files) -> list[Item]:
    there = {item.split for item in items}
    if len(classes) < 2 or {item.label for item in items if item.split == "train"} != set(range(len(classes))):
        raise InvalidValue(f"The training split of {files.path.name} does not hold images of each of its classes (at least two). {LAYOUT}")
    if "test" not in there and "val" in there:
        items = [Item(item.name, "test" if item.split == "val" else item.split, item.label) for item in items]
    elif "test" not in there:
        items = held_out(items, "test")
    if not {"test", "val"} <= there:
        items = held_out(items, "val")
    return items
