"""The name of an output file tells how it is written: one check, before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .errors import InvalidValue


def form_of(name: Path | str, forms: Sequence[str], what: str) -> str:
    """The form ("glb") that the suffix of an output file asks for, one of `forms`. Raises InvalidValue: `what` ("A mesh") is
    never written in one form under the name of another."""
    form = Path(name).suffix.lower().removeprefix(".")
    if form not in forms:
        known = ", ".join(f".{each}" for each in forms)
        raise InvalidValue(
            f"{what} is written as {known}, and {Path(name).name[-80:]!r} does not end in "
            f"{'that' if len(forms) == 1 else 'one of these'}. Choose another file name."
        )
    return form
