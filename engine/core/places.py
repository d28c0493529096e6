"""Where the code lies, and what ships with it: the same files in a source tree and installed from a wheel.

A wheel keeps `assets/`, `pages/` and `.streamlit/` below `engine/shipped/` (pyproject.toml), beside no other package's files.
"""

from __future__ import annotations

from pathlib import Path

PACKAGES = Path(__file__).resolve().parents[2]  # holds engine/ and explorer/: what a process of ours imports from
_INSTALLED = PACKAGES / "engine" / "shipped"
IN_SOURCE_TREE = not _INSTALLED.is_dir()
SHIPPED = PACKAGES if IN_SOURCE_TREE else _INSTALLED  # holds assets/, pages/ and .streamlit/config.toml

ASSETS = SHIPPED / "assets"
GALLERY = ASSETS / "gallery"  # the artifacts that ship, read-only
PAGES = SHIPPED / "pages"
STREAMLIT = SHIPPED / ".streamlit" / "config.toml"
