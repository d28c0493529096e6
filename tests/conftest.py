"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.core.artifacts import Manifest, Store

os.environ.pop("EXPLORER_DATA", None)  # what data sets someone has is no matter of the tests


@pytest.fixture(scope="session")
def workspace(tmp_path_factory) -> Path:
    """A folder of the user's own artifacts for the whole run, empty at first and thrown away after it."""
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="session")
def gallery_store(workspace) -> Store:
    """The gallery that ships, with a temporary workspace over it."""
    return Store(workspace)


@pytest.fixture(scope="module")
def host(gallery_store):
    """A host of the gallery that ships; what a module's tests load lives as long as the module."""
    from engine.host.host import Host

    found = Host(gallery_store, "cpu")
    yield found
    found.close()


@pytest.fixture(scope="module")
def one_thread():
    """So little work is not worth a second core, and on a busy machine waits for it."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def read_here():
    """Files of weights are read in this process: what their own process is for, test_network_files.py and test_limits.py look at."""
    from engine.nets import reading

    limited, reading.limited = reading.limited, lambda function, arguments, *rest: reading.unpack(**arguments)
    yield
    reading.limited = limited


@pytest.fixture
def made_up_store(tmp_path) -> Store:
    """A store with one zoo and one measured space of no real weights, and an empty gallery: for what reads manifests."""
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    arrays = {"weights.safetensors": {"x": np.zeros(2, "float32")}}
    zoo = {"architecture": "lenetlike-digits", "dataset": "digits", "train": 300, "val": 32, "test": 100}
    named = {"task": "images", "config_type": "ZooConfig"}
    store.write(Manifest("zoo-made-up", "zoo", "Made-up zoo", "", "zoo-digits", zoo, **named), arrays)
    values = {"gap_mean": 0.0412, "gap_correlation": 0.982, "path_floor_mean": 0.943, "weight_path_floor_mean": 0.412}
    metrics = {name: {"value": value, "split": "test instances", "n": 96} for name, value in values.items()}
    space = {"zoo": "zoo-digits", "embedding": 256}
    store.write(
        Manifest(
            "space-made-up", "netspace", "A <made-up> space", "", "netspace-digits", space, {"zoo-made-up": {}}, metrics,
            task="images", config_type="NetSpaceConfig",
        ),
        arrays,
    )  # fmt: skip
    return store
