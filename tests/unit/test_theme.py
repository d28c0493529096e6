"""The tokens of both themes: every point that is drawn in them can be seen, every text read."""

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
def test_text_can_be_read_on_either_ground_and_on_a_button(base):
    look = theme.tokens(base)
    names = ("textColor", "codeTextColor", "linkColor", "grayColor", "greenColor", "redColor")
    ratios = {(name, on): contrast(look[name], look[on]) for name in names for on in ("backgroundColor", "secondaryBackgroundColor")}
    assert min(ratios.values()) >= 4.5, ratios
    assert contrast("#ffffff", look["primaryColor"]) >= 4.5


def lab(colour: str) -> list[float]:
    """CIE L*a*b* of '#rrggbb', white point D65."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    rows = ((0.4124, 0.3576, 0.1805, 0.9505), (0.2126, 0.7152, 0.0722, 1.0), (0.0193, 0.1192, 0.9505, 1.089))
    x, y, z = (sum(weight * value for weight, value in zip(row, linear)) / row[3] for row in rows)
    fx, fy, fz = (value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in (x, y, z))
    return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)]


def fifths(scale: list[str]) -> list[float]:
    """How different (CIE 1976) the two ends of each fifth of the magnitudes look, lowest first."""
    colours = [lab(colour) for colour in scale]

    def at(share: float) -> list[float]:
        left, right = colours[int(9 * share)], colours[min(9, int(9 * share) + 1)]
        return [a + (b - a) * (9 * share % 1) for a, b in zip(left, right)]

    return [sum((a - b) ** 2 for a, b in zip(at(low / 5), at((low + 1) / 5))) ** 0.5 for low in range(5)]


@pytest.mark.parametrize("base", ("light", "dark"))
def test_networks_of_80_and_of_100_percent_can_be_told_apart(base):
    found = fifths(theme.tokens(base)["chartSequentialColors"])
    assert found[4] > 30 and min(found) > 12, found
    cut = ["#440154", "#48186a", "#472e7c", "#424186", "#3a548c", "#31668e", "#2b758e", "#25858e", "#1f958b", "#20a486"]
    assert fifths(cut)[4] < 25  # viridis as far as it shows on white


@pytest.mark.parametrize("base", ("light", "dark"))
def test_magnitudes_rise_evenly_in_lightness(base):
    steps = [luminance(colour) ** (1 / 3) for colour in theme.tokens(base)["chartSequentialColors"]]
    rises = [after - before for before, after in zip(steps, steps[1:])]
    assert len(steps) == 10 and min(rises) > 0, rises  # Streamlit wants ten; light is more in both themes
