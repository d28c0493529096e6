"""Places that are not as they should be: no gallery, a workspace that cannot be written, a full disk, a used port."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.__main__ import main
from engine.api.server import listen
from engine.core import artifacts
from engine.core.artifacts import Manifest, Store
from engine.core.errors import CorruptArtifact, InvalidValue, PortInUse, StorageError, UnknownId
from engine.host.host import Host
from tests.serving import ask, get, live, serving
from tests.tiny import SPACE

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = Manifest("zoo-x", "zoo", "X", "", "", {})


def weights(value: float) -> dict:
    return {"weights.safetensors": {"x": np.full(3, value, "float32")}}


def test_a_missing_gallery_is_an_empty_one(tmp_path, question, monkeypatch, capsys):
    nowhere = Store(tmp_path / "no-workspace", tmp_path / "no-gallery")
    assert nowhere.manifests() == [] and nowhere.broken() == {}
    with pytest.raises(UnknownId, match="python -m engine train netspace-digits"):
        nowhere.open(SPACE)
    host = Host(nowhere, "cpu")
    with serving(host) as port:
        assert json.loads(get(port, "/api/health")[1])["spaces"] == []
        assert json.loads(get(port, "/api/artifacts")[1]) == {"artifacts": [], "broken": {}}
        status, body, _ = get(port, f"/api/spaces/{SPACE}")
        assert status == 404 and "train netspace-digits" in json.loads(body)["error"]
        with live(port) as open_socket:
            assert "train netspace-digits" in ask(open_socket, question)[0]["error"]
    host.close()
    monkeypatch.setattr("engine.cli.artifacts.store_of", lambda options: nowhere)
    monkeypatch.setattr("engine.library.Store", lambda workspace=None: nowhere)
    assert main(["list"]) == 0 and "train netspace-digits" in capsys.readouterr().out
    assert main(["show", SPACE]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not nowhere.workspace.exists(), "reading makes no folders"


@pytest.mark.parametrize("way", ["a file in its place", "read-only", "in /proc"])
def test_a_workspace_that_cannot_be_written(tmp_path, way):
    folder = tmp_path / "workspace"
    if way == "a file in its place":
        folder.write_text("in the way")
    elif way == "read-only":
        if os.geteuid() == 0:
            pytest.skip("root may write everywhere")
        folder.mkdir(mode=0o500)
    else:
        if not Path("/proc/self").exists():
            pytest.skip("no /proc here")
        folder = Path("/proc/no-such-workspace")
    with pytest.raises(StorageError, match="--workspace"):
        Store(folder, tmp_path / "gallery").write(MANIFEST, weights(0))


@pytest.mark.parametrize(("place", "error"), [("fsync", errno.ENOSPC), ("replace_folder", errno.EROFS), ("sha256", errno.EIO)])
def test_a_write_that_fails_midway_leaves_what_was_there(tmp_path, monkeypatch, place, error):
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    store.write(MANIFEST, weights(1))

    def fail(*_):
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as broken, pytest.raises(StorageError, match="unchanged"):
        broken.setattr(artifacts, place, fail)
        store.write(replace(MANIFEST, title="Y"), weights(2))
    assert store.open("zoo-x").arrays("weights.safetensors")["x"].tolist() == [1, 1, 1]
    assert [path.name for path in store.workspace.iterdir()] == ["zoo-x"], "no litter"
    store.write(replace(MANIFEST, title="Y"), weights(2))
    assert store.open("zoo-x").arrays("weights.safetensors")["x"].tolist() == [2, 2, 2]


def test_non_finite_weights_are_not_written(tmp_path):
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    store.write(MANIFEST, weights(1))
    with pytest.raises(CorruptArtifact, match="NaN"):
        store.write(MANIFEST, weights(float("nan")))
    assert store.open("zoo-x").arrays("weights.safetensors")["x"].tolist() == [1, 1, 1]


def test_a_used_port(capsys, tiny_store):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} is in use"):
            listen("127.0.0.1", port)
        assert main(["serve", "--port", str(port), "--device", "cpu", "--workspace", str(tiny_store.workspace)]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and f"--port {port + 1}" in error


@pytest.mark.parametrize(("address", "port"), [("127.0.0.1", 70000), ("127.0.0.1", -1), ("no.such.address.invalid", 0), ("8.8.8.8", 0)])
def test_an_address_that_cannot_be_had(address, port):
    with pytest.raises(InvalidValue):
        listen(address, port)


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "no-such"],
        ["interpolate", SPACE, "x", "y"],
        ["interpolate", SPACE, "x", "y", "--gamma", "1.5"],
        ["interpolate", SPACE, "x", "y", "--gamma", "nan"],
        ["interpolate", SPACE, "x", "y", "--gamma", "half"],
        ["interpolate", SPACE, "x", "y", "--device", "gpu"],
        ["train", "no-such"],
        ["no-such"],
        [],
    ],
    ids=" ".join,
)
def test_a_wrong_use_is_one_line_and_two(arguments, tiny_store, capsys):
    """Exit code 2, nothing on standard output, one line on standard error that is no traceback."""
    try:
        code = main([*arguments, "--workspace", str(tiny_store.workspace)] if arguments[1:] else arguments)
    except SystemExit as stop:
        code = stop.code
    out, error = capsys.readouterr()
    assert (code, out, error.count("\n")) == (2, "", 1) and "Traceback" not in error


def test_the_real_command_line(tiny_store, question):
    """Once as a process of its own: unknown instance, exit code and streams as a shell sees them."""
    command = [sys.executable, "-m", "engine", "interpolate", SPACE, question["a"], "no-such", "--workspace", str(tiny_store.workspace)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "no-such" in done.stderr and "Did you mean" in done.stderr or "Known:" in done.stderr
