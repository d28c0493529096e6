"""Where bytes from outside are read: whatever a reader does with them, the person gets one sentence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import ExplorerError, InvalidValue

REASON = 160  # characters of a cause that a sentence quotes
log = logging.getLogger(__name__)


@contextmanager
def untrusted(what: str, error: type[ExplorerError] = InvalidValue, remedy: str = "") -> Iterator[None]:
    """Inside, any failure becomes `error`: "`what` cannot be read (reason). `remedy`". An ExplorerError passes as it is.

    Parsers fed with strangers' bytes fail in ways that no list of exceptions foresees (RecursionError, OverflowError,
    MemoryError, their own). The cause is kept as `__cause__` and logged.
    """
    try:
        yield
    except ExplorerError:
        raise
    except Exception as cause:
        log.info("%s cannot be read", what, exc_info=cause)
        raise error(f"{what} cannot be read ({reason(cause)}). {remedy}".strip()) from cause


def reason(cause: BaseException) -> str:
    """One short line that tells an exception: its first line, or its type where it says nothing."""
    lines = str(cause).strip().splitlines()
    text = lines[0].strip().rstrip(".") if lines else ""
    if isinstance(cause, KeyError) or not text:
        text = f"{type(cause).__name__} {text}".strip()
    return text if len(text) <= REASON else f"{text[: REASON - 3]}..."


def readable(name: str) -> str:
    """A name as text that can be printed and kept: a file's name may hold bytes that are no UTF-8 (lone surrogates, in Python)."""
    return name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
