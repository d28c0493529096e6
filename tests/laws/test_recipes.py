"""CONTRIBUTING.md's recipes, followed word by word in a copy of the tree. An architecture, a data set and an export format are one
file each."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
RECIPE = re.compile(r"^`(?P<path>[\w/]+\.py)`:\n\n```python\n(?P<code>.*?)^```$", re.M | re.S)
RECIPES = {found["path"]: found["code"] for found in RECIPE.finditer((ROOT / "CONTRIBUTING.md").read_text("utf-8"))}
ARCHITECTURE, DATASET, FORMAT = "engine/archs/tinymlp.py", "engine/datasets/builtin/stripes.py", "engine/nets/export/formats/npz.py"


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """Run the command line of a copied tree in which the recipes were followed."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "engine", tree / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    for path, code in RECIPES.items():
        assert not (tree / path).exists()
        (tree / path).write_text(code, "utf-8")

    def run(*arguments: str) -> dict:
        command = [sys.executable, "-m", "engine", *arguments, "--json", "--device", "cpu", "--workspace", str(tree / "mine")]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        ended = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return run


def test_the_recipes_are_these():
    assert set(RECIPES) == {ARCHITECTURE, DATASET, FORMAT}


def test_both_are_listed(copied):
    assert "tinymlp-digits" in json.dumps(copied("architecture"))
    (row,) = [row for row in copied("data")["datasets"] if row["name"] == "stripes"]
    assert row == {"name": "stripes", "here": True, "title": "Stripes (8x8)", "source": "drawn"}


@pytest.fixture(scope="module")
def zoo(copied):
    few = ["--train", "2", "--val", "1", "--test", "1", "--steps-min", "60", "--steps-max", "80"]
    return copied("train", "zoo-digits", "--id", "zoo-tinymlp", "--architecture", "tinymlp-digits", *few)


def test_a_zoo_of_the_architecture_trains_and_is_measured_again(copied, zoo):
    assert zoo["metrics"] and copied("evaluate", "zoo-tinymlp")["metrics"] == zoo["metrics"]


def test_a_network_leaves_in_the_format(copied, zoo, tmp_path):
    file = tmp_path / "net.npz"
    copied("export", "zoo-tinymlp", "digits-tinymlp-0000", "--format", "npz", "--output", str(file))
    with np.load(file, allow_pickle=False) as arrays:
        assert sorted(each.size for each in arrays.values()) == [10, 32, 320, 2048]


def test_networks_learn_the_data_set(copied):
    few = ["--train", "2", "--val", "1", "--test", "1", "--steps-min", "60", "--steps-max", "80"]
    copied("architecture", "add", "mlp", "--id", "mlp-stripes", "--input", "1x8x8", "--classes", "2")
    made = copied("train", "zoo-digits", "--id", "zoo-stripes", "--architecture", "mlp-stripes", "--dataset", "stripes", *few)
    assert max(entry["value"] for name, entry in made["metrics"].items() if "accuracy" in name) > 0.8
