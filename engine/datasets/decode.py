"""Image files to bytes through Pillow, in a few threads (it decodes without Python's lock).

Legend: B images, C channels, H x W pixels.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ..core.boundary import reason
from ..core.errors import InvalidValue, StorageError
from .files import Files

KINDS = {  # file ending -> how the format is called, which is Pillow's word in capitals but for PNM
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WebP", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF", ".gif": "GIF",
    ".ppm": "PPM", ".pgm": "PPM",
}  # fmt: skip
FORMATS = tuple(dict.fromkeys(kind.upper() for kind in KINDS.values()))
SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
GREY = ("1", "L", "LA", "I", *SIXTEEN_BITS)
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height
PIXELS_LIMIT = 64 << 20  # of one image; one that says it has more is a bomb
SIDE_LIMIT = 256  # of images that are kept as they are
LOOKED_AT, MOST = 64, 0.6  # files whose heads tell the size of all; share of them that must have it
BATCH = 128  # files that a thread takes at once
log = logging.getLogger(__name__)
Report = Callable[[str, int], Callable[[int], None]]  # (what is done, how much of it) -> called with how much is done


@dataclass(frozen=True)
class Item:
    """A file with what it is."""

    name: str
    split: str
    label: int


@dataclass(frozen=True)
class Form:
    """What all images of a data set become. With `side` the shorter side is scaled to that and the middle is cut out; without, an
    image of another size is a broken one."""

    channels: int
    height: int
    width: int
    side: int | None = None


def is_image(name: str) -> bool:
    return name.lower().endswith(tuple(KINDS))


def common_form(files: Files, names: list[str], size: int | None) -> Form:
    """The form of some images, by the heads of a few: `size` pixels a side, or (None) the size that they have. Raises InvalidValue."""
    some = set(names[:: max(1, len(names) // LOOKED_AT)][:LOOKED_AT])
    heads = []
    for _, data in files.read(some):
        try:
            with opened(data) as image:
                heads.append((upright_size(image), image.mode))
        except Exception:  # a stranger's bytes; told when it is decoded
            log.debug("The head of an image cannot be read", exc_info=True)
    channels = 1 if heads and all(mode in GREY for _, mode in heads) else 3
    if size is not None:
        if not 4 <= size <= 1024:
            raise InvalidValue(f"--size must be from 4 to 1 024 pixels; got {size}.")
        return Form(channels, size, size, size)
    sizes = Counter(head for head, _ in heads).most_common(3)
    if not sizes or sizes[0][1] < MOST * len(heads) or max(sizes[0][0]) > SIDE_LIMIT:
        said = ", ".join(f"{width} x {height}" for (width, height), _ in sizes) or "none can be read"
        raise InvalidValue(
            f"The images of {files.path.name} are not of one size up to {SIDE_LIMIT} pixels ({said}). "
            "Set the size to scale and crop them to: --size 64."
        )
    width, height = sizes[0][0]
    return Form(channels, height, width)


def decode(
    files: Files, items: list[Item], form: Form, root: Path, report: Report
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[str, str]]:
    """split -> (uint8 [B, C, H, W], labels [B]) in the items' order, and name -> reason of those that cannot be read. The pixels lie
    in unlinked files in `root`, so that more than the memory holds can be decoded. Raises StorageError, InvalidValue."""
    splits = list(dict.fromkeys(item.split for item in items))
    rows = {split: [item for item in items if item.split == split] for split in splits}
    pixels = {split: scratch((len(rows[split]), form.channels, form.height, form.width), root) for split in splits}
    places = {item.name: (split, row) for split in splits for row, item in enumerate(rows[split])}
    broken: dict[str, str] = {}
    on = report("decoding images", len(items))

    def work(batch: list[tuple[str, bytes]]) -> int:
        for name, data in batch:
            split, row = places[name]
            try:
                pixels[split][row] = decoded(data, form)
            except Exception as error:  # a stranger's bytes: whatever a parser says of them, this image is broken
                broken[name] = reason(error)
        return len(batch)

    done = 0
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        waiting: deque = deque()
        for batch in batches(files.read(places.keys())):
            waiting.append(pool.submit(work, batch))
            if len(waiting) > 8:
                on(done := done + waiting.popleft().result())
        for each in waiting:
            on(done := done + each.result())
    found = {}
    for split in splits:
        good = [row for row, item in enumerate(rows[split]) if item.name not in broken]
        for to, row in enumerate(good):
            if to != row:
                pixels[split][to] = pixels[split][row]
        found[split] = (pixels[split][: len(good)], np.array([rows[split][row].label for row in good], np.int64))
    return found, broken


def batches(items: Iterator) -> Iterator[list]:
    while batch := list(islice(items, BATCH)):
        yield batch


def decoded(data: bytes, form: Form) -> np.ndarray:
    """One image as uint8 [C, H, W], upright as its EXIF orientation says, 16 bits a pixel scaled to 8. Raises ValueError, and whatever
    Pillow raises, for one that cannot be read."""
    if not data:
        raise ValueError("it is empty")
    with opened(data) as image:
        if image.width * image.height > PIXELS_LIMIT:
            raise ValueError(f"it has {image.width} x {image.height} pixels")
        deep = image.mode in SIXTEEN_BITS or (image.mode == "I" and image.format == "PPM")  # Pillow scales a PGM of 10 or 16 bits to 16
        image = eight_bits(ImageOps.exif_transpose(image), deep).convert("L" if form.channels == 1 else "RGB")
    if form.side is not None:
        image = cut(image, form)
    elif image.size != (form.width, form.height):
        raise ValueError(f"it is {image.width} x {image.height} where the others are {form.width} x {form.height}")
    pixels = np.asarray(image)
    return pixels[None] if form.channels == 1 else pixels.transpose(2, 0, 1)


def opened(data: bytes) -> Image.Image:
    """An image whose pixels are not yet decoded. Raises ValueError where no known format begins like it."""
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ValueError(f"it is not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file") from error


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) as it is shown: cameras store what they saw, and how they were held beside it."""
    sideways = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
    return (image.height, image.width) if sideways and image.format != "TIFF" else image.size  # Pillow turns a TIFF's size itself


def eight_bits(image: Image.Image, deep: bool) -> Image.Image:
    """An image of 16 bits a pixel (`deep`) on the scale of 8 (65 535 is 255, as PNG defines it): Pillow's own conversion clips at 255.
    Raises ValueError for 32-bit integers and floats, whose scale no file states."""
    if deep:
        return Image.fromarray(((np.asarray(image).astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("it has 32 bits a pixel; save it with 8 or 16")
    return image


def cut(image: Image.Image, form: Form) -> Image.Image:
    """The middle of an image whose shorter side is scaled to `form.side` (as torchvision scales and cuts ImageNet's)."""
    assert form.side is not None, "images in this mode cannot be scaled"
    short, long = sorted(image.size)
    longer = int(form.side * long / short)
    if short != form.side:
        image = image.resize((form.side, longer) if image.width <= image.height else (longer, form.side), Image.Resampling.BILINEAR)
    left, top = round((image.width - form.width) / 2), round((image.height - form.height) / 2)
    return image.crop((left, top, left + form.width, top + form.height))


def scratch(shape: tuple[int, ...], root: Path) -> np.ndarray:
    """Room for pixels in a file that is gone when the array is. Raises StorageError."""
    size = int(np.prod(shape))
    if not size:
        return np.empty(shape, np.uint8)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as file:
            os.posix_fallocate(file.fileno(), 0, size)  # a disk that fills up later would kill the process
            return np.memmap(file, np.uint8, "r+", shape=shape)
    except OSError as error:
        raise StorageError(
            f"There is no room for {size >> 20} MiB of images in {root} ({error.strerror}). "
            "Free some, or choose another folder with EXPLORER_DATA."
        ) from error
