"""Take the README's pictures: python -m tests.pictures [NAME ...]. Starts the explorer over the gallery that ships and looks at each page.

`drag` is the moving one: a real mouse drags the gamma slider, and each frame is what the page shows then.
"""

from __future__ import annotations

import io
import math
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS, ROOT, find_chromium, start, stop
from tests.browser.hand import grab

PICTURES = ROOT / "assets" / "pictures"
SPACE, B, POOR = "netspace-digits", "digits-lenetlike-0004", "digits-lenetlike-0583"
PAGES = {  # picture: path, what is there once the page has settled
    "home": ("/", "text=Computing on"),
    "latent_map": (f"/latent-map?space={SPACE}&a={POOR}&b={B}", "[data-testid=latent-map]"),
    "plane": (f"/plane?space={SPACE}", '[data-testid=plane][data-field="done"]'),
    "square": ("/interpolation?space=netspace-digits-multi&between=four&x=0.7&y=0.6", "[data-testid=corner-accuracy][data-x]"),
    "shapes": ("/shapes?space=netspace-chairs&gamma=0.4", '[data-testid=filmstrip][data-frames="33"]'),
    "several": ("/interpolation?space=netspace-digits-multi&gamma=0.62", "[data-testid=live-accuracy][data-images]"),
    "nern": ("/nern", "[data-testid=nern-accuracy]"),
    "preps": (f"/preps?space={SPACE}&instance={B}", "[data-testid=prep-predicted]"),
    "lso": (f"/lso?space={SPACE}&instance={POOR}", "[data-testid=lso-map]"),
    "properties": (f"/properties?space={SPACE}", ".js-plotly-plot .points"),
    "training": ("/training?preset=netspace-digits", "text=Estimate the cost"),
    "papers": ("/papers?entry=netspace-figure-3", "text=Ours rests on"),
}
DRAWN = """() => (images => images.length > 1 && images.every((each) => each.complete && each.naturalWidth))(
  [...document.querySelectorAll('.stImage img')])"""
SETTLE_MS = 6_000  # curves fill in by themselves
SHRUNK, QUALITY = 720, 34  # pixels of width, and quality of WebP
WIDTH, HEIGHT, SHOWN = 1100, 760, 720  # pixels of the window in which is dragged, and of the moving picture's width
FRAMES, PAINT_MS, FRAME_MS, COLOURS = 26, 250, 110, 48


def take(page: Page, name: str, theme: str, folder: Path, width: int) -> Path:
    """One picture of a page as PNG."""
    path, ready = PAGES[name]
    page.goto(path)
    page.locator(ready).first.wait_for()
    if name == "lso":
        page.get_by_role("button", name="Launch").click()
        page.get_by_role("button", name="Keep").wait_for()
        page.wait_for_function(DRAWN)
    page.wait_for_timeout(SETTLE_MS)
    file = folder / (f"{name}.png" if theme == "light" else f"{name}-{theme}-{width}.png")
    page.screenshot(path=file)
    return file


def shrink(file: Path) -> Path:
    """The picture as wide as a README is shown, as WebP: half of the bytes."""
    from PIL import Image

    with Image.open(file) as image:
        small = image.convert("RGB").resize((SHRUNK, round(image.height * SHRUNK / image.width)), Image.Resampling.LANCZOS)
    small.save(file.with_suffix(".webp"), quality=QUALITY, method=6)
    file.unlink()
    return file.with_suffix(".webp")


def drag(page: Page, folder: Path) -> Path:
    """The moving picture: from one anchor to the other and back, paced like a hand that starts and stops softly."""
    from PIL import Image

    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.goto(f"/interpolation?space={SPACE}&a={POOR}&b={B}&gamma=0")
    page.locator("[data-testid=live-accuracy][data-images]").first.wait_for()
    page.wait_for_timeout(SETTLE_MS)
    thumb = page.get_by_role("slider", name="gamma")
    thumb.evaluate("thumb => thumb.scrollIntoView({block: 'center'})")
    box = grab(thumb)
    track = thumb.evaluate("thumb => thumb.parentElement.getBoundingClientRect().toJSON()")
    left, right, y = box["x"] + box["width"] / 2, track["x"] + track["width"] - box["width"] / 2, box["y"] + box["height"] / 2
    shots = []
    for frame in range(FRAMES):
        share = (1 - math.cos(2 * math.pi * frame / FRAMES)) / 2
        page.mouse.move(left + share * (right - left), y)
        page.wait_for_timeout(PAINT_MS)
        shots.append(page.screenshot())
    page.mouse.up()
    images = [Image.open(io.BytesIO(shot)).convert("RGB") for shot in shots]
    small = [image.resize((SHOWN, round(image.height * SHOWN / image.width)), Image.Resampling.LANCZOS) for image in images]
    palette = small[FRAMES // 2].quantize(COLOURS)  # one for all frames: what does not move is stored once
    frames = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in small]
    file = folder / "drag.gif"
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0, optimize=True)
    return file


def main(
    names: tuple[str, ...] = (), folder: Path = PICTURES, themes: tuple[str, ...] = ("light",), widths: tuple[int, ...] = (1280,)
) -> None:
    """The README's pictures, or some; with more themes and widths, those that a careful eye looks at."""
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
                    for name in names or (*PAGES, "drag"):
                        if name == "drag":
                            print(drag(page, folder))
                        else:
                            print(shrink(take(page, name, theme, folder, width)))
                    context.close()
        finally:
            browser.close()
            stop(server)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
