"""Numbers of a page that rest on nothing.

A number in prose has its source in a comment behind it, or is a figure of a template, or is of one of the kinds below, which need none.
Code, commands, link targets and comments are no prose.
"""

from __future__ import annotations

import re

from .fill import BLOCK, FIGURE, MARKED

NO_PROSE = (
    re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE),
    re.compile(r"`[^`\n]*`"),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"\]\([^)]*\)"),
    re.compile(r"https?://\S+"),
)
LIST = r"\d+(?:\.\d+)?(?:(?:, | and | or | to |\u2013)\d+(?:\.\d+)?)*"
FREE = {  # kinds of numbers that need no source
    "a name": re.compile(r"\b[A-Za-z][A-Za-z]*-?\d+[A-Za-z]?\b|\b[23]D\b|\bZen \d\b"),
    "a place in a paper": re.compile(rf"\b(?:[Ee]qs?\.|[Tt]ables?|[Ff]igures?|[Ss]ections?|[Ss]uppl\.|[Aa]ppendix) {LIST}(?:, [a-d])*"),
    "a version": re.compile(r"\b(?:Python|Streamlit|PyTorch|torch|format|version) \d+(?:\.\d+)*"),
    "a date": re.compile(r"\b(?:19|20)\d\d(?:-\d\d-\d\d)?\b"),
    "a place on a network": re.compile(r"\b127\.0\.0\.1(?::\d+)?|\bport \d+|::1"),
    "an exit code or a status": re.compile(r"\bexit code \d\b|\b[45]\d\d(?= \(| refus)"),
    "a seed": re.compile(r"\bseeds? \d+(?:(?:, | and )\d+)*"),
    "a percentile": re.compile(r"\b\d\dth percentile"),
    "a kernel's size": re.compile(r"\b\d×\d\b"),
    "an item of a list": re.compile(r"^ *\d+\. ", re.MULTILINE),
}
DIGITS = re.compile(r"\d[\d.]*")


def unsourced(text: str) -> list[str]:
    """The numbers of a page that have no source, each with the words around it."""
    for pattern in (BLOCK, NO_PROSE[0], FIGURE, MARKED, *NO_PROSE[1:], *FREE.values()):
        text = pattern.sub(lambda found: "\n" * found[0].count("\n") + " ", text)
    lines = text.splitlines()
    return [f"line {number}: {line.strip()[:100]}" for number, line in enumerate(lines, 1) if DIGITS.search(line)]
