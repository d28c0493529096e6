"""A person's words as a name that can be a folder's everywhere: 'My best, v2!' is my-best-v2."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from itertools import count

LONGEST = 80  # characters, so that a number still fits behind


def slug(words: str | None) -> str:
    """The words in a-z, 0-9, '.', '_' and '-', at most LONGEST characters; "" where nothing of them can be spelt so (emoji, other
    scripts): the caller has a name of its own then."""
    bare = unicodedata.normalize("NFKD", (words or "").casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[._-]*[^a-z0-9._-]+[._-]*|\.{2,}", "-", bare)[: LONGEST + 1].strip("._-")[:LONGEST].rstrip("._-")


def unused(name: str, taken: Container[str]) -> str:
    """The name, or where it is taken the first of name-2, name-3, ... that is not."""
    return name if name not in taken else next(each for number in count(2) if (each := f"{name}-{number}") not in taken)


def plain(words: str | None) -> str:
    """The words for a title: printable, on one line, cut short."""
    return "".join(char for char in " ".join((words or "").split()) if char.isprintable())[:LONGEST].strip()
