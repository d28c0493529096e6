"""A component that throws: it comes back by itself, and where it cannot, a sentence and a button stand there, never a trace."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from explorer import components

PLANTED = "planted by a test"
COMPONENTS = {  # address: the element that the page's own component looks for first
    "latent-map?space=netspace-digits": ".lm",
    "interpolation?space=netspace-digits": ".ip",
    "interpolation?space=netspace-digits-multi&between=four": ".cp",
    "shapes?space=netspace-chairs": ".sh",
    "preps?space=netspace-digits": ".pv",
    "nern": ".nv",
    "lso?space=netspace-digits": ".lso",
    "training": ".tray",
}
SENTENCE = "This part of the page stopped working"
# A component that looks for its element gets an error instead, as often as `left` says.
SABOTAGE = """([selector, left]) => {
  const query = Element.prototype.querySelector;
  window.__left = left;
  Element.prototype.querySelector = function (wanted) {
    if (wanted === selector && window.__left-- > 0) throw new Error("planted by a test");
    return query.call(this, wanted);
  };
}"""


def no_trace(page: Page) -> None:
    expect(page.get_by_text("BidiComponent Error")).to_have_count(0)
    expect(page.locator(".stException, [data-testid='stException']")).to_have_count(0)


def sabotage(page: Page, selector: str, left: int) -> None:
    page.add_init_script(f"({SABOTAGE})({[selector, left]!r})")


@pytest.mark.allowed(PLANTED)
@pytest.mark.parametrize("address", COMPONENTS)
def test_a_component_that_throws_shows_a_sentence_and_a_button(page, address):
    selector = COMPONENTS[address]
    sabotage(page, selector, 1000)
    page.goto(f"/{address}")
    stopped = page.locator(".stopped")
    expect(stopped).to_contain_text(SENTENCE)
    no_trace(page)
    page.evaluate("window.__left = 0")
    stopped.get_by_role("button", name="Reload it").click()
    expect(stopped).to_have_count(0)
    expect(page.locator(selector)).to_have_count(1)
    no_trace(page)


def test_a_mesh_whose_graphics_context_is_lost_is_drawn_again(page):
    page.goto("/shapes?space=netspace-chairs&resolution=64")
    expect(page.locator(".sh [data-sh='table'] td").first).to_be_visible()
    stages = page.locator(".sh-stage:visible")
    page.wait_for_function(
        "[...document.querySelectorAll('.sh-stage')].filter((stage) => stage.offsetParent).every((stage) => stage.dataset.resolution "
        "=== '64')"
    )
    page.wait_for_timeout(1000)  # edges become smooth
    seen = [stages.nth(0).screenshot(), stages.nth(1).screenshot()]
    for _ in range(2):  # and once more, on the canvas that took over
        canvases = page.evaluate_handle("[...document.querySelectorAll('.sh-stage canvas')]")
        canvases.evaluate("(all) => all.forEach((canvas) => canvas.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext())")
        page.wait_for_function(
            "(old) => { const now = [...document.querySelectorAll('.sh-stage canvas')]; return now.length === old.length && "
            "now.every((canvas) => !old.includes(canvas)); }",
            arg=canvases,
        )
        for at in range(2):
            for _ in range(40):
                if alike(seen[at], again := stages.nth(at).screenshot()):
                    break
                page.wait_for_timeout(250)
            assert alike(seen[at], again), "the mesh is not drawn as before"
    assert not alike(seen[0], seen[1])


def alike(one: bytes, other: bytes) -> bool:
    """Whether two screenshots show the same mesh, however smooth its edges."""
    first, second = (np.asarray(Image.open(io.BytesIO(png)).convert("RGB").resize((64, 64)), dtype=float) for png in (one, other))
    return float(np.abs(first - second).mean()) < 2


@pytest.mark.allowed(PLANTED)
def test_a_component_that_throws_once_comes_back_by_itself(page):
    sabotage(page, ".lm", 1)
    page.goto("/latent-map?space=netspace-digits")
    root = page.get_by_test_id("latent-map")
    expect(root).to_have_attribute("data-state", "ready")
    assert page.evaluate("window.__left") < 1
    # Later, in an event: it is made anew, with what was selected.
    page.get_by_label("Colour").select_option("split")
    page.wait_for_url("**colour=split**")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.evaluate("""() => {
      const now = performance.now.bind(performance);
      performance.now = () => now() + 20_000; // a second failure within ten seconds is another case
      document.querySelector('.lm').dataset.first = 'yes';
      document.querySelector('.lm').latentMap.paint = () => { throw new Error("planted by a test"); };
    }""")
    page.get_by_role("button", name="Box", exact=True).click()
    expect(page.locator(".lm:not([data-first])")).to_have_attribute("data-state", "ready")
    expect(page.get_by_label("Colour")).to_have_value("split")
    expect(page.locator(".stopped")).to_have_count(0)
    no_trace(page)
    # And again at once: a sentence, until new data or the button.
    page.evaluate("() => { document.querySelector('.lm').latentMap.paint = () => { throw new Error('planted by a test'); }; }")
    page.get_by_role("button", name="Box", exact=True).click()
    expect(page.locator(".stopped")).to_contain_text(SENTENCE)
    no_trace(page)


ACTS = """async () => {
  const { Acts } = await import(location.href), acts = new Acts(), sent = [];
  acts.send = (values) => sent.push(Object.keys(values).join());
  acts.takes("dims", "2");
  acts.set({ dims: "2" });              // what Python holds: it would never answer
  acts.set({ dims: "2", colour: "a" });
  acts.takes("dims", "2");
  acts.takes("colour", "a");
  const waiting = Object.keys(acts.waiting).length;
  acts.set({ dims: "3" });
  acts.set({ dims: "2" });              // on its way to 3: it has to be told
  const back = acts.waiting.dims;
  acts.forget();
  return { sent, waiting, back };
}"""


def test_what_python_holds_is_not_set_again(page):
    page.goto(f"/{components.PATH}/{components.version()}/acts.js")
    assert page.evaluate(ACTS) == {"sent": ["colour", "dims", "dims"], "waiting": 0, "back": "2"}
