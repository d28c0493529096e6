"""What keeps people out, as axe-core finds it on a page that is open, and how far a keyboard has to go."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from explorer import navigation

STOPS = 12  # of the Tab key, at most, from the head of a page to what it is for
IN_HERO = "hero => document.activeElement !== document.body && Boolean(document.activeElement.closest(hero))"
AXE = Axe()


def findings(page: Page) -> list[str]:
    """All that axe calls serious or critical in what is shown now, nothing excluded."""
    found = AXE.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']}: {node['target']} {node['html'][:120]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def in_both_themes(page: Page) -> dict[str, list[str]]:
    """The findings in either theme, light last."""
    found = {}
    for base in ("dark", "light"):
        page.emulate_media(color_scheme=base)
        page.wait_for_function("base => getComputedStyle(document.querySelector('.stApp')).colorScheme === base", arg=base)
        page.wait_for_timeout(400)  # colours fade
        found[base] = findings(page)
    return {base: each for base, each in found.items() if each}


def stops_to_hero(page: Page, path: str) -> int:
    """How often Tab is pressed, and Enter on the link that skips, from a page's head to its hero; STOPS + 1 where it is not reached."""
    hero = navigation.hero(path)
    page.locator(hero).locator("visible=true").first.wait_for()
    page.locator("button.skip").wait_for(state="attached")
    page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()  # else what has the focus is drawn anew
    page.evaluate("document.activeElement.blur(), document.body.tabIndex = -1, document.body.focus(), document.body.blur()")
    for stop in range(1, STOPS + 1):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className === 'skip'"):
            page.keyboard.press("Enter")
        if page.evaluate(IN_HERO, hero):
            return stop
    return STOPS + 1


def full_screen(page: Page) -> None:
    """The key F shows what the page is for in full screen, and again, as it was."""
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement?.matches('[data-full]')")
    page.keyboard.press("f")
    page.wait_for_function("!document.fullscreenElement")


def keys(page: Page, wanted: tuple[str, ...], both: bool) -> None:
    """The key ? shows a page's own keys in a dialog that is open to all (looked at in `both` themes, or not at all); Escape closes it, and
    the focus is where it was."""
    hero = page.locator(".skip").first
    hero.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys on this page")
    dialog.wait_for()
    shown = dialog.get_by_role("heading", level=3).all_inner_texts()
    assert shown[-1] == "Everywhere" and set(wanted) <= set(shown), shown
    assert ("Map" in shown) == ("Map" in wanted), "another page's keys"
    if both:
        assert in_both_themes(page) == {}
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.className") == "skip"
