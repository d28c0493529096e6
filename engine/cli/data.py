"""The command about data sets."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..core.errors import InvalidValue
from .command import Command, Options, emit

if TYPE_CHECKING:
    from ..datasets.decode import Report
    from ..datasets.prepared import Prepared

SHOWN = 10  # broken images that are named


def data(options: Options) -> None:
    """list, get NAME, add NAME PATH, remove NAME. Raises InvalidValue and what those raise."""
    from ..datasets import prepared, preparing

    wanted = {"list": (), "get": ("name",), "add": ("name", "path"), "remove": ("name",)}[options.action]
    for part in ("name", "path"):
        if (part in wanted) != (getattr(options, part) is not None):
            raise InvalidValue(
                f"data {options.action} takes {' '.join(each.upper() for each in wanted) or 'nothing more'}. See python -m engine "
                "data --help."
            )
    if options.size is not None and options.action != "add":
        raise InvalidValue("--size is for data add.")
    if options.action == "list":
        return listed(options)
    if options.action == "remove":
        if not prepared.here(options.name):
            prepared.manifest(options.name)  # says what is not there
        prepared.remove(options.name)
        return emit(options, {"removed": options.name}, f"{options.name} was removed from {prepared.home()}.")
    with bars() as report:
        made = (
            preparing.get(options.name, report)
            if options.action == "get"
            else preparing.add(options.name, options.path, options.size, report)
        )
    show(options, *made)


def listed(options: Options) -> None:
    from ..datasets import prepared, preparing

    rows = preparing.listed()
    lines = [f"{row['name']:<14} {row['title']:<22} {described(row)}" for row in rows]
    emit(options, {"home": str(prepared.home()), "datasets": rows}, "\n".join(lines))


def described(row: dict) -> str:
    if "problem" in row:
        return row["problem"]
    if not row["here"]:
        return f"not available: python -m engine data {'add imagenet FOLDER' if row['name'] == 'imagenet' else 'get ' + row['name']}"
    if "counts" not in row:
        return f"from {row['source']}"
    skipped = f"; {sum(row['left_out'].values())} other files skipped" if row["left_out"] else ""
    return f"{counted(row['counts'])} images of {row['classes']} classes, from {row['source']}{skipped}"


def counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[split]:,} {split}" for split in ("train", "val", "test"))


def show(options: Options, found: Prepared, broken: dict[str, str]) -> None:
    from ..datasets import prepared

    for name, reason in list(broken.items())[:SHOWN]:
        print(f"skipped {name}: {reason}", file=sys.stderr)
    if len(broken) > SHOWN:
        print(f"... and {len(broken) - SHOWN} more (all with --json)", file=sys.stderr)
    value = {
        "name": found.name, "title": found.title, "counts": found.counts, "classes": list(found.classes), "source": found.source,
        "broken": broken, "left_out": found.left_out,
    }  # fmt: skip
    left = f"; {len(broken)} images could not be read" if broken else ""
    if found.left_out:
        kinds = ", ".join(f"{count} {kind}" for kind, count in found.left_out.items())
        left += f"; skipped {sum(found.left_out.values())} other files ({kinds})"
    emit(
        options,
        value,
        f"{found.name}: {found.title}, {counted(found.counts)} images of {len(found.classes)} classes{left}. Kept in "
        f"{prepared.home() / found.name}.",
    )


@contextlib.contextmanager
def bars() -> Iterator[Report]:
    """Progress bars with an ETA on standard error, closed with the block."""
    from tqdm import tqdm

    made = []

    def report(what: str, total: int) -> Callable[[int], None]:
        size = what == "downloading"
        if total <= 1:  # no part of it is done before all is
            return lambda done: None
        bar = tqdm(total=total, desc=what, unit="B" if size else "", unit_scale=size, file=sys.stderr, mininterval=0.5, dynamic_ncols=True)
        made.append(bar)

        def on(done: int) -> None:
            bar.update(done - bar.n)

        return on

    try:
        yield report
    finally:
        for bar in made:
            bar.close()


COMMANDS = (
    Command(
        "data",
        "list the data sets; get NAME downloads one, add NAME PATH adds a folder or archive, remove NAME",
        data,
        {
            "action": {"choices": ("list", "get", "add", "remove"), "nargs": "?", "default": "list", "help": "default: list"},
            "name": {"nargs": "?", "help": "data set, such as cifar10"},
            "path": {"nargs": "?", "help": "folder or archive (zip, tar.gz, tar.xz) to add"},
            "--size": {"type": int, "help": "with add: side in pixels to scale and crop images to (default: their own size)"},
        },
    ),
)
