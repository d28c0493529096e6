"""A walk as a file: GIF, MP4, or a filmstrip as PNG or SVG."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ..core.errors import InvalidValue, Stopped
from .walk import Reel, Walk

if TYPE_CHECKING:
    from PIL.Image import Image

FORMS = {"gif": "image/gif", "mp4": "video/mp4", "png": "image/png", "svg": "image/svg+xml"}
STILLS = 11  # of a filmstrip
SEEN = 6  # frames whose colours make a GIF's palette
QUALITY = "18"  # x264's constant rate factor: no eye sees a loss


def film(reel: Reel, walk: Walk, form: str, stop: Callable[[], bool] = lambda: False) -> bytes:
    """The file of a walk in one of FORMS. Raises InvalidValue, what measuring raises, and Stopped soon after `stop()` is true."""
    if form not in FORMS:
        raise InvalidValue(f"A film is written as {', '.join(FORMS)}; got {str(form)[:20]!r}.")
    strip = form in ("png", "svg")
    places = walk.few(STILLS) if strip else walk.places
    if strip:
        for place in places:
            _go_on(stop)
            reel.look(place)
        sheet = reel.strip(places)
        return sheet.svg() if form == "svg" else _saved(sheet.image(), "png")
    drawn = _drawn(reel, list(dict.fromkeys(places)), stop)
    frames = [drawn[place] for place in places]
    return (gif if form == "gif" else mp4)(frames, walk.rate, stop)


def _drawn(reel: Reel, places: list[tuple[float, float]], stop: Callable[[], bool]) -> dict[tuple[float, float], Image]:
    """The frame of each place; one is drawn while the next are measured."""
    drawn: dict[tuple[float, float], Image] = {}
    with ThreadPoolExecutor(1, thread_name_prefix="film") as measuring:
        looks = [measuring.submit(reel.look, place) for place in places]
        try:
            for at, place in enumerate(places):
                for look in looks if reel.whole and not at else [looks[at]]:
                    _go_on(stop)
                    look.result()
                drawn[place] = reel.frame(place).image()
        finally:
            measuring.shutdown(cancel_futures=True)
    return drawn


def _go_on(stop: Callable[[], bool]) -> None:
    if stop():
        raise Stopped("The film was stopped.")


def _saved(image: Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def gif(frames: list[Image], rate: int, stop: Callable[[], bool] = lambda: False) -> bytes:
    """A GIF that goes on and on, all frames in the colours of one palette, so that nothing flickers. Times are in hundredths."""
    from PIL import Image

    seen = frames[:: max(1, len(frames) // SEEN)][:SEEN]
    wall = Image.new("RGB", (seen[0].width, seen[0].height * len(seen)))
    for at, frame in enumerate(seen):
        wall.paste(frame, (0, at * frame.height))
    palette = wall.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    shown = []
    for frame in frames:
        _go_on(stop)
        same = shown and frame is frames[len(shown) - 1]
        shown.append(shown[-1] if same else frame.quantize(palette=palette, dither=Image.Dither.NONE))
    colours, ground, corner = shown[0].getpalette() or [], shown[0].getpixel((0, 0)), frames[0].getpixel((0, 0))
    assert isinstance(ground, int) and isinstance(corner, tuple)
    for each in shown:  # the ground is the page's own colour, not one near it
        each.putpalette([*colours[: 3 * ground], *corner, *colours[3 * ground + 3 :]])
    return _saved(shown[0], "gif", save_all=True, append_images=shown[1:], duration=round(1000 / rate), loop=0, optimize=False)


def mp4(frames: list[Image], rate: int, stop: Callable[[], bool] = lambda: False) -> bytes:
    """An MP4 (H.264) that any player takes. Raises InvalidValue where PyAV is missing."""
    try:
        import av
    except ImportError as error:
        raise InvalidValue("MP4 needs PyAV, which is not installed: pip install -r requirements.txt. GIF works without it.") from error

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": QUALITY, "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *frames[0].size, "yuv420p"
        for frame in frames:
            _go_on(stop)
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))
        container.mux(stream.encode())
    return file.getvalue()
