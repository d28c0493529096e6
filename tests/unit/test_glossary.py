"""The words that pages explain are those of docs/concepts.md."""

from __future__ import annotations

import re
from pathlib import Path

from explorer import glossary

CONCEPTS = Path(__file__).resolve().parents[2] / "docs" / "concepts.md"
NAMED = ("PRep", "NeRN", "LSO", "gamma", "ClassId", "SDF", "inversion", "agreement")  # what a page may not leave unexplained


def test_the_glossary_is_the_pages():
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", CONCEPTS.read_text("utf-8").split("## Glossary")[1], re.M)
    assert {word: meaning for word, meaning in rows if word not in ("word", "---")} == glossary.WORDS
    assert {*NAMED} <= {*glossary.TOLD} <= {*glossary.WORDS}
