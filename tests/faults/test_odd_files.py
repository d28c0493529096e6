"""Files whose hash is right and whose content is odd or hostile: that one artifact is broken, in one sentence, before memory is taken."""

from __future__ import annotations

import io
import json
import shutil
import struct

import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from safetensors.torch import load, save

from engine.core.artifacts import Store
from engine.core.errors import CorruptArtifact
from engine.kinds.netspace.space import load_space
from tests.serving import tiny_store  # noqa: F401 - a fixture
from tests.tiny import SPACE, ZOO, edit_manifest, tamper


def narrow(dtype: torch.dtype):
    return lambda data: save({name: tensor.to(dtype) for name, tensor in load(data).items()})


def shaped(*shape: int):
    """The first tensor said to be of that shape, with no bytes."""

    def change(data: bytes) -> bytes:
        header = json.dumps({"embeddings": {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}}).encode()
        return struct.pack("<Q", len(header)) + header

    return change


def pandas_metadata(text: bytes):
    def change(data: bytes) -> bytes:
        table = pa.parquet.read_table(io.BytesIO(data))
        out = io.BytesIO()
        pa.parquet.write_table(table.replace_schema_metadata({b"pandas": text}), out)
        return out.getvalue()

    return change


FILES = {
    "bfloat16": ("embeddings.safetensors", narrow(torch.bfloat16)),
    "float8_e4m3fn": ("embeddings.safetensors", narrow(torch.float8_e4m3fn)),
    "float8_e5m2": ("model.safetensors", narrow(torch.float8_e5m2)),
    "a shape beyond counting": ("embeddings.safetensors", shaped(0, 2**63 - 1)),
    "a shape beyond 64 bits": ("embeddings.safetensors", shaped(0, 2**64)),
    "pandas metadata that is no JSON": ("instances.parquet", pandas_metadata(b"{")),
    "pandas metadata of columns that are not there": ("instances.parquet", pandas_metadata(b'{"columns": 5, "index_columns": ["nobody"]}')),
}


@pytest.mark.parametrize("what", FILES)
def test_an_odd_file_breaks_that_one_artifact(what, tiny_store, tmp_path):  # noqa: F811
    name, change = FILES[what]
    shutil.copytree(tiny_store.workspace, tmp_path / "workspace")
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    tamper(store.workspace / SPACE, name, change, honest=True)
    with pytest.raises(CorruptArtifact) as told:
        load_space(store, SPACE)
    assert SPACE in str(told.value) and "\n" not in str(told.value)
    assert store.verify(ZOO) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"prep_width": 80_000_000_000},
        {"prep_height": 4 << 40},
        {"embedding": 4 << 60, "encoder_width": 4},
        {"decoder_channels": [1 << 40, 1 << 40, 1 << 40]},
        {"prep_width": 10**400},
    ],
    ids=str,
)
def test_a_config_that_would_take_all_memory_takes_none(fields, tiny_store, tmp_path):  # noqa: F811
    shutil.copytree(tiny_store.workspace, tmp_path / "workspace")
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    folder = store.workspace / SPACE
    edit_manifest(folder, config={**json.loads((folder / "manifest.json").read_text())["config"], **fields})
    with pytest.raises(CorruptArtifact) as told:
        load_space(store, SPACE)
    assert SPACE in str(told.value)
