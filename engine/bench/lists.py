"""What lists things, where there are many: a hundred artifacts, among them a space of a hundred thousand instances."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile

from ..core.artifacts import Store
from ..core.places import PACKAGES
from . import row
from .map import many
from .measure import seconds
from .programs import explorer, opened

ARTIFACTS, INSTANCES, OTHERS = 100, 100_000, 200  # OTHERS: instances of each other space
BAR, REPEATS = 1.0, 5  # seconds
PATIENCE = 120_000  # ms
TYPED = "99999"  # of an id: five letters, of which the last is timed
# From the last letter until the list is of what was typed.
PICK = """async (typed) => {
  const input = document.querySelector('.pk [role="combobox"]'), words = document.querySelector('[data-pk="words"]');
  const say = (text) => { input.value = text; input.dispatchEvent(new Event('input')); };
  const until = async (done) => { while (!done()) await new Promise((frame) => requestAnimationFrame(frame)); };
  input.focus();
  input.click();
  await until(() => document.querySelectorAll('.pk [role="option"]').length > 1);
  const began = performance.now();
  for (let end = 1; end <= typed.length; end++) say(typed.slice(0, end));
  await until(() => / of /.test(words.textContent) && [...document.querySelectorAll('.pk [role="option"]')].every(
    (each) => each.textContent.includes(typed)));
  const took = performance.now() - began;
  input.blur();
  return took;
}"""


def filled(store: Store) -> str:
    """ARTIFACTS in a store with those that ship, half of them spaces; the id of that of INSTANCES."""
    for at in range((ARTIFACTS - len(store.folders())) // 2 - 1):
        many(store, OTHERS + at)
    return many(store, INSTANCES)


def page() -> list[dict]:
    """Median seconds of the command `list`; of Home, from the link until it is whole, and of five letters in a picker until what
    they find is listed, in an explorer that has shown both. The references are the bars."""
    with tempfile.TemporaryDirectory() as workspace:
        space = filled(Store(workspace))
        command = [sys.executable, "-m", "engine", "list", "--json", "--workspace", workspace]
        listed = [seconds(lambda: subprocess.run(command, cwd=PACKAGES, check=True, stdout=subprocess.DEVNULL)) for _ in range(REPEATS + 1)]
        with opened() as browser, explorer(workspace) as url:
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            tab.set_default_timeout(PATIENCE)
            home = [seconds(lambda: whole(tab, url)) for _ in range(REPEATS + 1)]
            tab.goto(f"{url.rstrip('/')}/preps?space={space}")
            tab.locator(".pk").first.wait_for()
            picked = [tab.evaluate(PICK, TYPED) / 1000 for _ in range(REPEATS + 1)]
    found = {"list_many": listed, "home_many": home, "picker_many": picked}
    return [row(name, statistics.median(times[1:]), "s", BAR) for name, times in found.items()]


def whole(tab, url: str) -> None:
    """Home, opened afresh and shown to its last line."""
    tab.goto(url)
    tab.get_by_text("Computing on").wait_for()
