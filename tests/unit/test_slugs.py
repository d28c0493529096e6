"""Any words become a name: of a folder everywhere, and one that is free."""

from __future__ import annotations

import pytest

from engine.core.artifacts import SAFE_NAME, safe_name
from engine.core.slugs import plain, slug, unused

NAMES = {
    "my best": "my-best", "My BEST, v2!": "my-best-v2", "  spaced   out ": "spaced-out", "Größe é": "grosse-e", "v1.2_b": "v1.2_b",
    "../../etc/passwd": "etc-passwd",
    "a/b\\c": "a-b-c", "-rf": "rf", ".hidden": "hidden", "a..b": "a-b", "x" * 300: "x" * 80, "x" * 79 + " y": "x" * 79, "CON": "con",
    "=1+1": "1-1", "<script>": "script",
}  # fmt: skip


@pytest.mark.parametrize("words, name", NAMES.items(), ids=lambda text: text[:20])
def test_words_become_a_safe_name(words, name):
    assert slug(words) == safe_name(name) and slug(slug(words)) == slug(words)


@pytest.mark.parametrize("words", ("", None, "   ", "🎉🎉", "моя сеть", "最良", "...", "---", "\x00\n"))
def test_what_cannot_be_spelt_is_empty(words):
    assert slug(words) == ""


def test_a_number_behind_a_long_name_still_fits():
    taken = {slug("x" * 300)} | {f"{slug('x' * 300)}-{number}" for number in range(2, 1000)}
    assert SAFE_NAME.fullmatch(unused(slug("x" * 300), taken)) and unused("a", {"a", "a-2"}) == "a-3" and unused("a", ()) == "a"


def test_a_title_keeps_the_words_and_is_one_printable_line():
    assert plain(" моя\nсеть \u202e🎉 ") == "моя сеть 🎉" and len(plain("x" * 500)) == 80 and plain(None) == ""
