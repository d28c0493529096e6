"""Templates and marked pages.

A template (docs/templates/NAME.md) has figures as `{{REFERENCE}}` or `{{REFERENCE|FORMAT}}` (Python's format, default .3f; `.0%` for
per cent) and tables between `<!-- rows ... -->` and `<!-- end -->` (tables.py). Every other page has its numbers in place, each with its
source in a comment behind it: `0.047<!-- netspace-digits gap_mean -->`.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..core.errors import ExplorerError
from .sources import Sources
from .tables import table

ROOT = Path(__file__).resolve().parents[2]
FIGURE = re.compile(r"\{\{([^{}|]+?)(?:\|([^{}]*))?\}\}")
BLOCK = re.compile(r"<!-- (rows|variants|compare|bench)\b(.*?)-->\n(.*?)<!-- end -->\n", re.DOTALL)
NUMBER = r"[-−]?\d+(?:[ ,]\d{3})*(?:\.\d+)?(?:e-?\d+)?"
MARKED = re.compile(rf"({NUMBER})((?: ?[%³]|[a-z]+)?)<!-- (?!rows|variants|compare|bench|end)([^>]*?) -->")
HEAD = "<!-- Written by `python -m engine docs` from docs/templates/{name}. Change the template, not this page. -->\n\n"


def filled(text: str, sources: Sources) -> str:
    """A template with its figures. Raises NoSource."""
    text = BLOCK.sub(lambda found: table(sources, found[1], found[2], found[3]), text)
    text = FIGURE.sub(lambda found: formatted(sources.value(found[1].strip()), found[2] or ""), text)
    return MARKED.sub(lambda found: found[1] + found[2], corrected(text, sources))


def formatted(value, form: str) -> str:
    if isinstance(value, str):
        return value
    if form.endswith("%") and form:
        return f"{100 * value:{form[:-1]}f} %"
    if not form:
        return spaced(value) if float(value).is_integer() else f"{value:.3f}"
    return format(value, form).replace(",", " ")


def spaced(value: float) -> str:
    return f"{int(value):,}".replace(",", " ")


def corrected(text: str, sources: Sources) -> str:
    """A page whose marked numbers are what their sources say, as they are written (the decimals, `%`, spaces stay). Raises NoSource."""
    return MARKED.sub(lambda found: f"{like(found[1], found[2], sources.value(found[3]))}{found[2]}<!-- {found[3]} -->", text)


def like(written: str, unit: str, value) -> str:
    """A value in the form in which a number was written."""
    scaled = 100 * value if unit.strip() == "%" else value
    if "e" in written:
        return written if float(written) == value else f"{value:g}"
    decimals = len(written.partition(".")[2])
    form = f"{scaled:,.{decimals}f}"
    group = " " if " " in written else "," if "," in written else ""
    return form.replace(",", group or (" " if scaled >= 10_000 else ""))


def pages(root: Path) -> dict[Path, str]:
    """Every page of the documentation as it should be now. Raises NoSource."""
    if not (root / "docs" / "templates").is_dir():
        raise ExplorerError("The documentation is written in a checkout of the repository; there is no docs/templates here.")
    sources = Sources(root)
    templates = sorted((root / "docs" / "templates").glob("*.md"))
    written = {root / "docs" / each.name: HEAD.format(name=each.name) + filled(each.read_text("utf-8"), sources) for each in templates}
    marked = {path: corrected(path.read_text("utf-8"), sources) for path in (root / "README.md", *sorted((root / "docs").glob("*.md")))
              if path not in written}  # fmt: skip
    return written | marked


def outdated(root: Path) -> list[Path]:
    """The pages that `write` would change."""
    return [path for path, text in pages(root).items() if not path.exists() or path.read_text("utf-8") != text]


def write(root: Path) -> list[Path]:
    """Write all pages; those that changed."""
    changed = outdated(root)
    for path, text in pages(root).items():
        if path in changed:
            path.write_text(text, "utf-8")
    return changed
