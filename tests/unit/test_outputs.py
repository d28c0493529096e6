"""Where a file cannot go is said before anything is computed, with the option that names it."""

from __future__ import annotations

import os

import pytest

from engine.core.errors import StorageError
from engine.core.outputs import output_path, write_output
from tests.commands import call

COMMANDS = {
    "--output of mesh": (("mesh", "no-such", "a", "--output"), "--output", "obj"),
    "--output of export": (("export", "no-such", "a", "b", "--output"), "--output", "safetensors"),
    "--output of reconstruct": (("reconstruct", "no-such", "--output"), "--output", "safetensors"),
    "--output of sweep": (("sweep", "nern-digits", "--output"), "--output", "csv"),
    "--csv of papers": (("papers", "--csv"), "--csv", "csv"),
    "--latex of papers": (("papers", "--latex"), "--latex", "tex"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_missing_folder_is_named_with_its_option(name, tmp_path, capsys):
    arguments, option, suffix = COMMANDS[name]
    code, _, error = call(capsys, tmp_path, *arguments, str(tmp_path / "nodir" / f"x.{suffix}"))
    assert code == 2 and error.count("\n") == 1
    assert f"the folder {tmp_path / 'nodir'} does not exist" in error and option in error and "--workspace" not in error


@pytest.mark.parametrize("wrong", ("a file in its place", "a folder of that name", "a long name", "a NUL"))
def test_other_places_where_it_cannot_go(wrong, tmp_path):
    path = {
        "a file in its place": tmp_path / "f" / "x.obj",
        "a folder of that name": tmp_path / "d",
        "a long name": tmp_path / ("x" * 5000),
        "a NUL": tmp_path / "x\0y",
    }[wrong]
    (tmp_path / "f").write_text("")
    (tmp_path / "d").mkdir()
    with pytest.raises(StorageError, match="--output") as raised:
        output_path(path)
    assert "--workspace" not in str(raised.value)


def test_a_good_place_is_written_and_a_full_disk_names_the_option(tmp_path, monkeypatch):
    path = output_path(tmp_path / "x.obj")
    write_output(path, b"one")
    assert path.read_bytes() == b"one"

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match="No space left.*unchanged.*--csv"):
        write_output(path, b"two", "--csv")
    assert path.read_bytes() == b"one"
