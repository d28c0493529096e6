"""A graph is a stranger's JSON: whatever is wrong with it is refused by name, and nothing of its sizes is allocated."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.archs.graph.form import of_json, to_json
from engine.archs.graph.shapes import check, check_statistics
from engine.core import small_json
from engine.core.errors import InvalidValue

GOOD = {
    "format": 1,
    "input": [1, 8, 8],
    "tensors": [
        ["conv.weight", [4, 1, 3, 3], "parameter", ["uniform", -0.3, 0.3]],
        ["norm.running_mean", [4], "statistic", []],
        ["norm.running_var", [4], "statistic", []],
        ["fc.weight", [10, 4], "parameter", []],
    ],
    "nodes": [
        ["conv2d", "conv2d", [{"node": "input"}, {"tensor": "conv.weight"}, None, [1, 1], [1, 1]], {}],
        [
            "norm", "batch_norm",
            [{"node": "conv2d"}, None, None, {"tensor": "norm.running_mean"}, {"tensor": "norm.running_var"}, False, 0.1, 1e-5, False], {},
        ],
        ["relu", "relu", [{"node": "norm"}], {}],
        ["mean", "mean.dim", [{"node": "relu"}, [2, 3]], {}],
        ["linear", "linear", [{"node": "mean"}, {"tensor": "fc.weight"}], {}],
    ],
    "output": "linear",
}  # fmt: skip
DEEP = "[" * 5000 + "]" * 5000


def changed(*path, to):
    """The good graph with one place of it changed."""
    graph = copy.deepcopy(GOOD)
    place = graph
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return graph


def more(name):
    """The good graph with one more tensor."""
    return {**GOOD, "tensors": [*GOOD["tensors"], [name, [1], "parameter", []]]}


def after(*node, before=None):
    """The good graph with one more node (or two), whose result it answers with."""
    graph = copy.deepcopy(GOOD)
    graph["nodes"] += [*([before] if before else []), list(node)]
    return {**graph, "output": node[0]}


X, C = {"node": "input"}, {"node": "conv2d"}
VECTORS = {
    "no object": ([1, 2], "not a JSON object"),
    "a field too many": ({**GOOD, "run": "rm"}, "unexpected fields: run"),
    "a field missing": ({key: value for key, value in GOOD.items() if key != "output"}, "output"),
    "another format": (changed("format", to=2), "format 2"),
    "a format that is no number": (changed("format", to=True), "format True"),
    "an unknown operation": (after("bad", "system", [X], {}), "'system' is not one of the allowed"),
    "an operation of torch that is not allowed": (after("bad", "from_file", ["/etc/passwd"], {}), "'from_file' is not one of the allowed"),
    "a dunder": (after("bad", "__class__", [X], {}), "not one of the allowed"),
    "a cycle": (changed("nodes", 0, 2, 0, to={"node": "relu"}), "no cycles"),
    "a node that reads itself": (after("bad", "relu", [{"node": "bad"}], {}), "no cycles"),
    "an unknown tensor": (changed("nodes", 0, 2, 1, to={"tensor": "nobody"}), "'nobody', which is neither a tensor"),
    "two nodes of a name": (after("relu", "relu", [X], {}), "Two nodes of the graph are called relu"),
    "two tensors of a name": (changed("tensors", 3, 0, to="conv.weight"), "same name"),
    "a huge tensor": (changed("tensors", 0, 1, to=[1 << 24, 1 << 24]), "at most 268435456"),
    "a huge side": (changed("tensors", 0, 1, to=[1 << 40]), "conv.weight has the shape"),
    "a negative side": (changed("tensors", 0, 1, to=[-4, 1, 3, 3]), "conv.weight has the shape"),
    "an empty side": (changed("tensors", 0, 1, to=[0, 1, 3, 3]), "conv.weight has the shape"),
    "a side that is no whole number": (changed("input", to=[1, 8.5, 8]), "The input has the shape"),
    "many dimensions": (changed("input", to=[1] * 60), "The input has the shape"),
    "a huge result": (after("bad", "expand", [{"node": "linear"}, [1 << 30, 2, 10]], {}), "more than"),
    "a huge result of pads": (after("bad", "pad", [C, [4096] * 8], {}), "more than"),
    "a huge pad": (after("bad", "pad", [C, [1 << 30, 1 << 30]], {}), "it must be at most"),
    "a stride of nothing": (changed("nodes", 0, 2, 3, to=[0, 0]), "stride 0"),
    "a negative dilation": (changed("nodes", 0, 2, to=[X, {"tensor": "conv.weight"}, None, [1, 1], [1, 1], [-1, 1]]), "dilation -1"),
    "groups of nothing": (changed("nodes", 0, 2, to=[X, {"tensor": "conv.weight"}, None, [1, 1], [1, 1], [1, 1], 0]), "groups 0"),
    "wrong arity, too few": (changed("nodes", 0, 2, to=[X]), "lacks its argument weight"),
    "wrong arity, too many": (changed("nodes", 2, 2, to=[{"node": "norm"}, 1, 2]), "takes at most 1 arguments"),
    "an argument twice": (changed("nodes", 2, 3, to={"self": X}), "does not take 'self' there"),
    "an unknown argument": (changed("nodes", 2, 3, to={"out": X}), "does not take 'out' there"),
    "text for a tensor": (changed("nodes", 2, 2, to=["/etc/passwd"]), "wrong self"),
    "a tensor for a number": (changed("nodes", 3, 2, 1, to=[X]), "wrong dim"),
    "shapes that do not go together": (changed("tensors", 3, 1, to=[10, 5]), "linear cannot be computed"),
    "hundreds of parts": (after("bad", "split.Tensor", [{"node": "long"}, 1], {}, before=["long", "reshape", [C, [512]], {}]), "512 parts"),
    "hundreds of parts, told last": (
        after("bad", "chunk", [{"node": "long"}], {"dim": 0, "chunks": 512}, before=["long", "reshape", [C, [512]], {}]), "512 parts",
    ),
    "parts of a size that is computed": (
        after("bad", "split.Tensor", [C, {"node": "size"}], {}, before=["size", "sym_size.int", [C, 0], {}]), "with a list",
    ),
    "parts of nothing": (changed("nodes", 2, to=["relu", "split.Tensor", [{"node": "norm"}, 0], {}]), "split_size 0"),
    "a list that is too long": (after("bad", "cat", [[X] * 300], {}), "not allowed"),
    "deep nesting": (changed("nodes", 2, 2, to=[[[[X]]]]), "not allowed"),
    "a number that is too large": (changed("nodes", 3, 2, 1, to=[1 << 40]), "not allowed"),
    "a name that hides a method": (more("forward.weight"), "cannot be named so"),
    "a path for a name": (changed("tensors", 3, 0, to="../../etc"), "not the name of a tensor"),
    "a private name": (more("_modules.weight"), "cannot be named so"),
    "an unknown role": (changed("tensors", 3, 2, to="secret"), "not one of parameter"),
    "an unknown start": (changed("tensors", 3, 3, to=["exec", 1]), "starts as"),
    "several answers": (changed("output", to="conv2d"), "It must be [2, classes]"),
    "an output that is no node": (changed("output", to="nowhere"), "not one of its nodes"),
    "statistics read elsewhere": (after("bad", "add.Tensor", [{"node": "mean"}, {"tensor": "norm.running_mean"}], {}), "statistics"),
    "a batch norm in training": (changed("nodes", 1, 2, 5, to=True), "training mode"),
    "too many nodes": ({**GOOD, "nodes": [GOOD["nodes"][0]] * 9000}, "9000 nodes"),
    "division by nothing": (after("bad", "size.floordiv", [3, 0], {}), "wrong arguments"),
}  # fmt: skip


def read(value) -> None:
    """All that is looked at before a network is built from a graph, and building it."""
    import torch

    from engine.archs.graph.module import GraphNet

    graph = of_json(small_json.parse(json.dumps(value)))
    check_statistics(graph)
    check(graph)
    with torch.device("meta"):
        GraphNet(graph)


def test_the_good_one_is_read():
    read(GOOD)
    assert to_json(of_json(GOOD)) == GOOD
    assert len(VECTORS) >= 30


@pytest.mark.parametrize("name", VECTORS)
def test_a_bad_graph_is_refused_by_name(name):
    value, words = VECTORS[name]
    with pytest.raises(InvalidValue) as told:
        read(value)
    assert words in str(told.value), told.value
    assert len(str(told.value)) < 400 and "\n" not in str(told.value)


def test_deep_json_is_refused():
    with pytest.raises((ValueError, RecursionError)):
        of_json(small_json.parse(DEEP))


def test_nothing_is_allocated():
    """All vectors in one process: it grows by less than a hundredth of what they ask for."""
    code = (
        "import resource; from tests.security.test_graph import GOOD, VECTORS, read\n"
        "read(GOOD); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for value, _ in VECTORS.values():\n"
        "    try: read(value)\n"
        "    except ValueError: pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 64 << 10, "KiB; the smallest of the huge ones is 1 GiB"
