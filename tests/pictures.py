"""Take the README's pictures: python -m tests.pictures. Starts the explorer over the gallery that ships and looks at each page."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS, ROOT, find_chromium, start, stop

PICTURES = ROOT / "assets" / "pictures"
SPACE, A, B, POOR, GAMMA = "netspace-digits", "digits-lenetlike-0032", "digits-lenetlike-0004", "digits-lenetlike-0583", 0.45
PAGES = {  # picture: path, what is there once the page has settled
    "home": ("/", "text=Computing on"),
    "latent_map": (f"/latent-map?space={SPACE}&a={POOR}&b={B}", "[data-testid=latent-map]"),
    "interpolation": (f"/interpolation?space={SPACE}&a={A}&b={B}&gamma={GAMMA}", "[data-testid=live-accuracy][data-images]"),
    "shapes": ("/shapes?space=netspace-chairs&gamma=0.4", '[data-testid=filmstrip][data-frames="22"]'),
    "several": ("/interpolation?space=netspace-digits-multi&gamma=0.62", "[data-testid=live-accuracy][data-images]"),
    "nern": ("/nern", "[data-testid=nern-accuracy]"),
    "preps": (f"/preps?space={SPACE}&instance={B}", "[data-testid=prep-predicted]"),
    "lso": (f"/lso?space={SPACE}&instance={POOR}", "[data-testid=lso-map]"),
    "papers": ("/papers?entry=netspace-figure-3", "text=Ours rests on"),
}
SETTLE_MS = 6_000  # curves fill in by themselves


def take(page: Page, name: str, theme: str, folder: Path, width: int) -> Path:
    """One picture of a page as PNG."""
    path, ready = PAGES[name]
    page.goto(path)
    page.locator(ready).first.wait_for()
    if name == "lso":
        page.get_by_role("button", name="Launch").click()
        page.get_by_role("button", name="Keep").wait_for()
    page.wait_for_timeout(SETTLE_MS)
    file = folder / (f"{name}.png" if theme == "light" else f"{name}-{theme}-{width}.png")
    page.screenshot(path=file)
    return file


def shrink(file: Path) -> None:
    """The same picture with at most 256 colours: a third of the bytes."""
    from PIL import Image

    with Image.open(file) as image:
        image.convert("RGB").quantize(256).save(file, optimize=True)


def main(folder: Path = PICTURES, themes: tuple[str, ...] = ("light",), widths: tuple[int, ...] = (1280,)) -> None:
    """The README's pictures; with more themes and widths, those that a careful eye looks at."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as workspace, sync_playwright() as playwright:
        server = start(Path(workspace))
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        try:
            for theme in themes:
                for width in widths:
                    context = browser.new_context(base_url=server.url, viewport={"width": width, "height": 900}, color_scheme=theme)
                    page = context.new_page()
                    page.set_default_timeout(120_000)
                    for name in PAGES:
                        shrink(take(page, name, theme, folder, width))
                    context.close()
        finally:
            browser.close()
            stop(server)


if __name__ == "__main__":
    main()
