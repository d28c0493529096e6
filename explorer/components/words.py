"""What words mean, told where they stand on any page (words.js)."""

from __future__ import annotations

from explorer import glossary
from explorer.components import component, script, source

_mount = component(
    "explorer_words",
    html='<div class="word" role="tooltip" data-testid="word" hidden></div>',
    css=source("words.css"),
    js=script("words.js"),
    isolate_styles=False,  # the marks are in the whole page
)


def words() -> None:
    """Explain the glossary's words on this page to those who point at one, tap it, or have the keyboard's focus on it."""
    _mount(data={word: glossary.WORDS[word] for word in glossary.TOLD}, key="words", height="content")
