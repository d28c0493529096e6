"""The tokens of the look, read from .streamlit/config.toml, the one place where they are written.

Components (st.components.v2) need nothing from here: Streamlit hands them the same tokens as CSS variables, in both
themes, on the element that holds the component and below it. Each option of [theme.light] and [theme.dark] is there
under its kebab-case name:

    --st-primary-color              the accent            --st-background-color, --st-secondary-background-color
    --st-text-color, --st-gray-color                      --st-border-color, --st-border-color-light
    --st-green-color (right)        --st-red-color (wrong)           and -background-color, -text-color of each
    --st-font, --st-code-font       --st-base-font-size   --st-base-radius, --st-button-radius
    --st-heading-font-size-1 .. 6   --st-heading-font-weight-1 .. 6  --st-metric-value-font-size
    --st-chart-sequential-colors    plasma as far as it shows on this ground, ten stops, one comma-separated string
    --st-chart-diverging-colors     brown to green, ten stops      --st-chart-categorical-colors   seven colours

Read a list in JavaScript with getComputedStyle(element).getPropertyValue("--st-chart-sequential-colors").split(",").
Outside components, in the app's own CSS, `variables()` gives a few of them as --accent, --link, --right, --wrong and --grey.
Figures are tabular everywhere with `font-variant-numeric: tabular-nums`.
"""

from __future__ import annotations

import functools
import tomllib

import streamlit as st

from engine.core.places import STREAMLIT


@functools.cache
def tokens(base: str) -> dict:
    """All tokens of the "light" or "dark" theme by their name in config.toml; colours are '#rrggbb'."""
    theme = tomllib.loads(STREAMLIT.read_text("utf-8"))["theme"]
    return {**{key: value for key, value in theme.items() if not isinstance(value, dict)}, **theme[base]}


def current() -> dict:
    """Tokens of the theme this person sees. The script runs again when they switch."""
    return tokens("dark" if st.context.theme.type == "dark" else "light")


def variables() -> str:
    """The colours that the app's own CSS needs, as a CSS rule: what is painted decides which theme's, not when the script ran."""
    light, dark = tokens("light"), tokens("dark")
    names = {"accent": "primaryColor", "link": "linkColor", "right": "greenColor", "wrong": "redColor", "grey": "grayColor"}
    return ":root{" + "".join(f"--{name}:light-dark({light[token]},{dark[token]});" for name, token in names.items()) + "}"
