"""Every component is mounted by mount.js, which catches what its view throws."""

from __future__ import annotations

import re

import pytest

from explorer import components

FOLDER = components.Path(components.__file__).parent
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.js") if "export default" in path.read_text("utf-8"))
MOUNTS = sorted(path.name for path in FOLDER.glob("*.py") if "components.v2.component(" in path.read_text("utf-8"))


def test_there_are_components():
    assert len(SCRIPTS) >= 9 and len(MOUNTS) >= 7


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_does_nothing_outside_of_mount(name):
    text = (FOLDER / name).read_text("utf-8")
    body = re.search(r"export default function \(\{[^)]*\}\) \{\n(.*?)\n\}", text, re.S)
    assert body and body[1].startswith("  return mount(parentElement, "), "what stands before mount() is not caught"


@pytest.mark.parametrize("name", MOUNTS)
def test_a_component_begins_with_mount(name):
    scripts = re.findall(r"js=source\(([^)]*)\)", (FOLDER / name).read_text("utf-8"))
    assert scripts and all(each.startswith('"mount.js"') for each in scripts)
