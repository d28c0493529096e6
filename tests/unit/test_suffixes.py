"""What an output file is called tells how it is written: another suffix is refused before anything is computed or written."""

from __future__ import annotations

import pytest

from engine.core.errors import InvalidValue
from engine.core.suffixes import form_of
from tests.commands import call

COMMANDS = {
    "export": (("export", "netspace-digits", "a", "b"), "--output", ".safetensors"),
    "reconstruct": (("reconstruct", "nern-digits"), "--output", ".safetensors"),
    "mesh": (("mesh", "netspace-chairs", "a"), "--output", ".glb, .ply, .stl, .obj"),
    "sweep": (("sweep", "nern-digits"), "--output", ".csv"),
    "papers as CSV": (("papers",), "--csv", ".csv"),
    "papers as LaTeX": (("papers",), "--latex", ".tex"),
}


@pytest.mark.parametrize("suffix", (".onnx", ".pt", ".txt", ".safetensors.gz", ""))
@pytest.mark.parametrize("name", COMMANDS)
def test_a_suffix_that_is_not_known_is_refused(name, suffix, tmp_path, capsys):
    arguments, option, known = COMMANDS[name]
    file = tmp_path / f"out{suffix}"
    code, value, error = call(capsys, tmp_path / "workspace", *arguments, option, str(file))
    assert (code, value) == (2, None) and known in error and file.name in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())  # nothing was written, not even a folder


@pytest.mark.parametrize("name, form", [("x.glb", "glb"), ("a.b.PLY", "ply"), ("folder.obj/x.stl", "stl")])
def test_known_suffixes_are_forms(name, form):
    assert form_of(name, ("glb", "ply", "stl"), "A mesh") == form


@pytest.mark.parametrize("name", ("glb", "x.glb ", ".glb", "x.glb/y", "x.gl"))
def test_what_only_looks_like_a_suffix_is_none(name):
    with pytest.raises(InvalidValue, match="A mesh"):
        form_of(name, ("glb", "ply"), "A mesh")
