"""A sheet of things drawn, in pixels from its upper left corner: as a picture, or as SVG, in which letters stay letters."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from .look import font

if TYPE_CHECKING:
    from PIL.Image import Image

ANCHORS = {"l": "start", "m": "middle", "r": "end"}  # of a text, at its place: Pillow's names and SVG's


@dataclass
class Sheet:
    """What is drawn, in its order."""

    width: int
    height: int
    back: str
    things: list[tuple[str, tuple]] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, size: int, colour: str, bold: bool = False, anchor: str = "l") -> None:
        """Words on the base line y, from ("l"), around ("m") or up to ("r") x."""
        self.things.append(("text", (x, y, words, size, colour, bold, anchor)))

    def box(self, x: float, y: float, width: float, height: float, colour: str, round_: float = 0) -> None:
        """A filled box."""
        self.things.append(("box", (x, y, width, height, colour, round_)))

    def edge(self, x: float, y: float, width: float, height: float, colour: str, thick: int = 2) -> None:
        """A box's outline."""
        self.things.append(("edge", (x, y, width, height, colour, thick)))

    def line(self, points: Sequence[tuple[float, float]], colour: str, thick: int = 1, dash: tuple[int, int] | None = None) -> None:
        """A line through points; `dash`: pixels drawn and left out."""
        if len(points) > 1:
            self.things.append(("line", (list(points), colour, thick, dash)))

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        self.things.append(("dot", (x, y, radius, colour)))

    def picture(self, x: float, y: float, width: int, height: int, pixels: np.ndarray, smooth: bool = False) -> None:
        """A picture, uint8 [H, W], [H, W, 3] or [H, W, 4], scaled to so many pixels."""
        self.things.append(("picture", (round(x), round(y), width, height, pixels, smooth)))

    def image(self) -> Image:
        """As a picture."""
        from PIL import Image, ImageDraw

        made = Image.new("RGB", (self.width, self.height), self.back)
        pen = ImageDraw.Draw(made)
        for kind, given in self.things:
            if kind == "picture":
                x, y, width, height, pixels, smooth = given
                scaled = _scaled(pixels, width, height, smooth)
                made.paste(scaled, (x, y), scaled if scaled.mode == "RGBA" else None)
            else:
                getattr(self, f"_{kind}")(pen, *given)
        return made

    def _text(self, pen: Any, x, y, words, size, colour, bold, anchor) -> None:
        pen.text((x, y), words, colour, font(size, bold), f"{anchor}s")

    def _box(self, pen: Any, x, y, width, height, colour, round_) -> None:
        if width > 0 and height > 0:
            pen.rounded_rectangle((x, y, x + width, y + height), min(round_, width / 2, height / 2), colour)

    def _edge(self, pen: Any, x, y, width, height, colour, thick) -> None:
        pen.rectangle((x, y, x + width - 1, y + height - 1), outline=colour, width=thick)

    def _line(self, pen: Any, points, colour, thick, dash) -> None:
        for part in dashed(points, *dash) if dash else [points]:
            pen.line(part, colour, thick, joint="curve")

    def _dot(self, pen: Any, x, y, radius, colour) -> None:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), colour)

    def svg(self) -> bytes:
        """As an SVG file."""
        from PIL import Image

        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
            'font-family="system-ui, sans-serif">',
            f'<rect width="100%" height="100%" fill="{self.back}"/>',
        ]
        for kind, given in self.things:
            if kind == "text":
                x, y, words, size, colour, bold, anchor = given
                weight = ' font-weight="700"' if bold else ""
                parts.append(
                    f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" text-anchor="{ANCHORS[anchor]}"{weight}>'
                    f"{escape(words)}</text>"
                )
            elif kind == "box":
                x, y, width, height, colour, round_ = given
                parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round_:g}" fill="{colour}"/>')
            elif kind == "edge":
                x, y, width, height, colour, thick = given
                place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
                parts.append(f'<rect {place} fill="none" stroke="{colour}" stroke-width="{thick}"/>')
            elif kind == "line":
                points, colour, thick, dash = given
                drawn = f' stroke-dasharray="{dash[0]} {dash[1]}"' if dash else ""
                path = " ".join(f"{x:g},{y:g}" for x, y in points)
                parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{thick}"{drawn}/>')
            elif kind == "dot":
                x, y, radius, colour = given
                parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{colour}"/>')
            else:
                x, y, width, height, pixels, smooth = given
                file = io.BytesIO()
                Image.fromarray(pixels).save(file, "png")
                source = quoteattr(f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}")
                crisp = "" if smooth else ' style="image-rendering: pixelated"'
                size = f'x="{x}" y="{y}" width="{width}" height="{height}"'
                parts.append(f'<image {size} preserveAspectRatio="none" href={source}{crisp}/>')
        return "\n".join([*parts, "</svg>\n"]).encode()


def _scaled(pixels: np.ndarray, width: int, height: int, smooth: bool) -> Image:
    from PIL import Image

    picture = Image.fromarray(pixels)
    if picture.size == (width, height):
        return picture
    shrinks = picture.size[0] > width or picture.size[1] > height
    how = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return picture.resize((width, height), how)


def dashed(points: Sequence[tuple[float, float]], on: int, off: int) -> list[list[tuple[float, float]]]:
    """A line through points as the pieces that are drawn of it."""
    pieces, piece, left, drawing = [], [points[0]], float(on), True
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        length, gone = float(np.hypot(x1 - x0, y1 - y0)), 0.0
        while length - gone > left:
            gone += left
            here = (x0 + (x1 - x0) * gone / length, y0 + (y1 - y0) * gone / length)
            if drawing:
                pieces.append([*piece, here])
            piece, drawing = [here], not drawing
            left = float(on if drawing else off)
        left -= length - gone
        if drawing:
            piece.append((x1, y1))
    if drawing and len(piece) > 1:
        pieces.append(piece)
    return pieces


@functools.lru_cache(256)
def wrapped(words: str, size: int, width: int) -> list[str]:
    """Words as lines that are no wider than so many pixels."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font(size).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
