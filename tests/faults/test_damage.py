"""Damaged artifacts: one clear reason each, from the store, the HTTP API, the live socket and the command line."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from engine.__main__ import main
from engine.core.artifacts import FORMAT, Store
from engine.core.errors import CorruptArtifact, ExplorerError, NewerFormat, UnknownId
from engine.host.host import Host
from engine.kinds.netspace.space import load_space
from tests.serving import ask, get, live, serving
from tests.tiny import SPACE, ZOO, edit_manifest, tamper


def poison(value: float, tensor: str):
    """Put `value` into the middle of a tensor."""

    def change(data: bytes) -> bytes:
        arrays = {name: array.copy() for name, array in load(data).items()}
        arrays[tensor].reshape(-1)[arrays[tensor].size // 2] = value
        return save(arrays)

    return change


def flip(data: bytes) -> bytes:
    """One bit of the payload, far behind the header."""
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def narrow(data: bytes) -> bytes:
    return save({name: array[..., :-1].copy() if array.ndim else array for name, array in load(data).items()})


def retitled(**fields):
    return lambda workspace: edit_manifest(workspace / SPACE, **fields)


def spoil(folder: str, name: str, change, honest: bool):
    return lambda workspace: tamper(workspace / folder, name, change, honest)


def config_without(key: str):
    def change(workspace: Path) -> None:
        config = json.loads((workspace / SPACE / "manifest.json").read_text())["config"]
        del config[key]
        edit_manifest(workspace / SPACE, config=config)

    return change


FAULTS = {
    "NaN in the decoder": (spoil(SPACE, "model.safetensors", poison(np.nan, "decoder.scale_HW"), True), CorruptArtifact, "NaN"),
    "infinity in the embeddings": (spoil(SPACE, "embeddings.safetensors", poison(np.inf, "embeddings"), True), CorruptArtifact, "infinity"),
    "NaN in the zoo": (spoil(ZOO, "parameters.safetensors", poison(np.nan, "parameters"), True), CorruptArtifact, "NaN"),
    "a flipped bit": (spoil(SPACE, "model.safetensors", flip, False), CorruptArtifact, "damaged"),
    "a flipped bit in the zoo": (spoil(ZOO, "parameters.safetensors", flip, False), CorruptArtifact, "damaged"),
    "a flipped bit in the table": (spoil(SPACE, "instances.parquet", flip, False), CorruptArtifact, "damaged"),
    "a truncated file": (spoil(SPACE, "model.safetensors", cut, False), CorruptArtifact, "damaged"),
    "a truncated file with its own hash": (spoil(SPACE, "model.safetensors", cut, True), CorruptArtifact, "cannot be read"),
    "a truncated table with its own hash": (spoil(SPACE, "instances.parquet", cut, True), CorruptArtifact, "cannot be read"),
    "an empty file": (spoil(SPACE, "embeddings.safetensors", lambda _: b"", False), CorruptArtifact, "damaged"),
    "tensors of another shape": (spoil(SPACE, "embeddings.safetensors", narrow, True), CorruptArtifact, "do not fit"),
    "a zoo of another shape": (spoil(ZOO, "parameters.safetensors", narrow, True), CorruptArtifact, "do not fit"),
    "a missing file": (lambda workspace: (workspace / SPACE / "model.safetensors").unlink(), CorruptArtifact, "missing"),
    "a missing zoo": (lambda workspace: shutil.rmtree(workspace / ZOO), UnknownId, ZOO),
    "a newer format": (retitled(format=FORMAT + 1), NewerFormat, "Update the explorer"),
    "a manifest that is no JSON": (
        lambda workspace: (workspace / SPACE / "manifest.json").write_bytes(b"\x00{"),
        CorruptArtifact,
        "cannot be read",
    ),
    "a manifest that is a list": (lambda workspace: (workspace / SPACE / "manifest.json").write_text("[]"), CorruptArtifact, "format"),
    "an unknown field": (retitled(colour="red"), CorruptArtifact, "wrong fields"),
    "another id": (retitled(id="another"), CorruptArtifact, "another"),
    "no zoo named": (retitled(inputs={}), CorruptArtifact, "zoo"),
    "an unknown setting": (
        lambda workspace: edit_manifest(
            workspace / SPACE, config={**json.loads((workspace / SPACE / "manifest.json").read_text())["config"], "colour": 1}
        ),
        CorruptArtifact,
        "config",
    ),
    "a config that is empty": (retitled(config={}), CorruptArtifact, "config"),
    "a config without its decoder": (config_without("decoder_channels"), CorruptArtifact, "config"),
    "a zoo without its architecture": (lambda workspace: edit_manifest(workspace / ZOO, config={}), CorruptArtifact, "config"),
    "a file name that leads out": (retitled(files={"../../etc/passwd": {"sha256": "0", "bytes": 1}}), CorruptArtifact, "missing"),
}


@pytest.fixture
def damaged(request, tiny_store, tmp_path) -> Store:
    """A copy of the tiny store with one fault in it."""
    shutil.copytree(tiny_store.workspace, tmp_path / "workspace")
    FAULTS[request.param][0](tmp_path / "workspace")
    return Store(tmp_path / "workspace", tmp_path / "gallery")


def told(error: str, words: str) -> None:
    """A message for a person: says what, in one line, without our insides."""
    assert words in error and 20 < len(error) < 500 and "\n" not in error
    assert "Traceback" not in error and "File \"" not in error and "object at 0x" not in error


@pytest.mark.parametrize(("damaged", "fault"), [(name, name) for name in FAULTS], indirect=["damaged"])
def test_damage_is_told_everywhere(damaged, fault, tiny_host, question, capsys):
    _, kind, words = FAULTS[fault]
    with pytest.raises(kind) as raised:
        load_space(damaged, SPACE)
    told(str(raised.value), words)

    host = Host(damaged, "cpu")
    with serving(host) as port:
        for tail in ("", "/images", f"/network?a={question['a']}&b={question['b']}&gamma=0"):
            status, body, _ = get(port, f"/api/spaces/{SPACE}{tail}")
            assert 400 <= status < 500 and json.loads(body)["kind"] == kind.__name__
            told(json.loads(body)["error"], words)
        with live(port) as socket:
            refused, _ = ask(socket, question)
            assert (refused["ok"], refused["kind"]) == (False, kind.__name__)
            told(refused["error"], words)
        assert get(port, "/api/health")[0] == get(port, "/api/artifacts")[0] == 200
    host.close()

    code = main(
        ["interpolate", SPACE, question["a"], question["b"], "--gamma", "0.5", "--workspace", str(damaged.workspace), "--device", "cpu"]
    )
    out, error = capsys.readouterr()
    assert code == 2 and out == "" and error.count("\n") == 1
    told(error.strip(), words)


def test_the_whole_one_is_read(tiny_store, tiny_host, question, capsys):
    assert (
        main(
            [
                "interpolate",
                SPACE,
                question["a"],
                question["b"],
                "--gamma",
                "0.5",
                "--workspace",
                str(tiny_store.workspace),
                "--device",
                "cpu",
                "--json",
            ]
        )
        == 0
    )
    said = json.loads(capsys.readouterr().out)
    assert said["accuracy"]["right"] == tiny_host.step(SPACE, question["a"], question["b"], 0.5).right
    assert tiny_store.verify(SPACE) == tiny_store.verify(ZOO) == []


@pytest.mark.parametrize(("damaged", "fault"), [(name, name) for name in ("a flipped bit", "NaN in the decoder", "a truncated table with "
    "its own hash", "a missing file")], indirect=["damaged"])
def test_verify_finds_it(damaged, fault, capsys):
    assert any(FAULTS[fault][2] in problem for problem in damaged.verify(SPACE))
    assert main(["verify", SPACE, "--workspace", str(damaged.workspace)]) == 2
    assert FAULTS[fault][2] in capsys.readouterr().err


@pytest.mark.parametrize("damaged", ["a newer format"], indirect=True)
def test_one_broken_artifact_does_not_hide_the_others(damaged, capsys):
    assert main(["list", "--json", "--workspace", str(damaged.workspace)]) == 0
    out, error = capsys.readouterr()
    listed = [row["id"] for row in json.loads(out)["artifacts"]]
    assert ZOO in listed and SPACE not in listed and "Update the explorer" in error
    host = Host(damaged, "cpu")
    with serving(host) as port:
        shown = json.loads(get(port, "/api/artifacts")[1])
    assert [row["id"] for row in shown["artifacts"]] == [ZOO] and "Update" in shown["broken"][SPACE]
    host.close()


def test_what_is_in_memory_survives_damage_on_disk(tiny_store, question, tmp_path):
    """The weights of a space in use rot: who drags goes on, who reads it anew is told."""
    shutil.copytree(tiny_store.workspace, tmp_path / "workspace")
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    host = Host(store, "cpu")
    step = {name: question[name] for name in ("a", "b", "gamma")}
    before = host.step(SPACE, **step).right
    tamper(store.workspace / SPACE, "model.safetensors", flip)
    assert host.step(SPACE, **step).right == before
    host.close()
    with pytest.raises(CorruptArtifact):
        Host(store, "cpu").space(SPACE)


def test_every_truncation_of_a_manifest_is_told(tiny_store, tmp_path):
    shutil.copytree(tiny_store.workspace / SPACE, tmp_path / "workspace" / SPACE)
    store, path = Store(tmp_path / "workspace", tmp_path / "gallery"), tmp_path / "workspace" / SPACE / "manifest.json"
    whole = path.read_bytes().rstrip()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(ExplorerError):
            store.open(SPACE)
        assert list(store.broken()) == [SPACE]


def test_a_table_with_a_gap_is_json(tiny_store, tmp_path):
    """A missing figure in the table is null in the API, which knows no NaN."""
    import pandas as pd

    shutil.copytree(tiny_store.workspace, tmp_path / "workspace")

    def gap(data: bytes) -> bytes:
        table = pd.read_parquet(io.BytesIO(data))
        table.loc[1, "x2"] = np.nan
        return table.to_parquet(index=False)

    tamper(tmp_path / "workspace" / SPACE, "instances.parquet", gap, honest=True)
    host = Host(Store(tmp_path / "workspace", tmp_path / "gallery"), "cpu")
    with serving(host) as port:
        status, body, _ = get(port, f"/api/spaces/{SPACE}")
    column = json.loads(body, parse_constant=lambda name: pytest.fail(name))["instances"]["x2"]
    assert status == 200 and column[1] is None and isinstance(column[0], float)
    host.close()
