"""Tiny-ImageNet as it is published: `train/<class>/images/*.JPEG`, and `val/images/*.JPEG` with their classes in a list."""

from __future__ import annotations

from pathlib import PurePosixPath

from ..core.errors import InvalidValue
from .decode import Item, common_form, is_image
from .files import Files
from .reading import Found, Reading, decode_all, held_out

LIST = "val/val_annotations.txt"


def base(files: Files) -> str | None:
    """The folder of its list, with the "/" behind it."""
    return next((name.removesuffix(LIST) for name in sorted(files.sizes) if name == LIST or name.endswith("/" + LIST)), None)


def fits(files: Files) -> bool:
    return base(files) is not None


def read(reading: Reading) -> Found:
    """80 thousand to train, 20 to choose (a fifth of each class of the 100), 10 to test: its labelled val folder (the labels of its
    test folder were never published). Raises InvalidValue."""
    files, root = reading.files, base(reading.files)
    assert root is not None, "`fits` comes first"
    train = {
        name: PurePosixPath(name.removeprefix(root)).parts[1]
        for name in sorted(files.sizes)
        if name.startswith(f"{root}train/") and is_image(name)
    }
    classes = tuple(sorted(set(train.values())))
    number = {name: label for label, name in enumerate(classes)}
    items = held_out([Item(name, "train", number[wnid]) for name, wnid in train.items()], "val")
    for line in files.one(root + LIST).decode("utf-8", "replace").splitlines():
        name, wnid, *_ = [*line.split("\t"), "", ""]
        if f"{root}val/images/{name}" in files.sizes and wnid in number:
            items.append(Item(f"{root}val/images/{name}", "test", number[wnid]))
    if {item.split for item in items} != {"train", "val", "test"}:
        raise InvalidValue(
            f"{files.path.name} is not Tiny-ImageNet as it is published: train/<class>/images and val/images with {LIST} are needed. Fetch "
            "it again."
        )
    splits, broken = decode_all(reading, items, common_form(files, [item.name for item in items], reading.size))
    words = readable(files, root)
    return Found(tuple(words.get(wnid, wnid) for wnid in classes), splits, broken=broken)


def readable(files: Files, root: str) -> dict[str, str]:
    """Class -> the first of its names in words.txt, as far as they tell the classes apart."""
    if f"{root}words.txt" not in files.sizes:
        return {}
    lines = (line.split("\t", 1) for line in files.one(f"{root}words.txt").decode("utf-8", "replace").splitlines())
    wnids = {name.removeprefix(root).split("/")[1] for name in files.sizes if name.startswith(f"{root}train/")}
    words = {wnid: rest[0].split(",")[0].strip() for wnid, *rest in lines if wnid in wnids and rest}
    return {wnid: word for wnid, word in words.items() if list(words.values()).count(word) == 1}
