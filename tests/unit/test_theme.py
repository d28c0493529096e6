"""The tokens of both themes: every point that is drawn in them can be seen."""

from __future__ import annotations

import pytest

from explorer import theme

POINTS = ("chartSequentialColors", "chartCategoricalColors")  # what points and lines are drawn in


def luminance(colour: str) -> float:
    """Relative luminance of '#rrggbb', 0 to 1, as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#440154", "#14171a") < 1.3  # viridis' dark end on the dark ground
    assert contrast("#fde725", "#ffffff") < 1.3  # its light end on white


@pytest.mark.parametrize("base", ("light", "dark"))
@pytest.mark.parametrize("scale", POINTS)
def test_every_colour_of_a_point_stands_out_from_its_ground(base, scale):
    look = theme.tokens(base)
    ratios = {colour: contrast(colour, look["backgroundColor"]) for colour in look[scale]}
    assert min(ratios.values()) >= 3, ratios


@pytest.mark.parametrize("base", ("light", "dark"))
def test_magnitudes_rise_evenly_in_lightness(base):
    steps = [luminance(colour) ** (1 / 3) for colour in theme.tokens(base)["chartSequentialColors"]]
    rises = [after - before for before, after in zip(steps, steps[1:])]
    assert len(steps) == 10 and min(rises) > 0, rises  # Streamlit wants ten; light is more in both themes
