"""A network as a folder that runs without this project: `model.safetensors`, `config.json`, `model.py` and a model card."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator

from safetensors.torch import save

from ....archs.graph.form import Graph, Slot
from ..forward import Writer
from ..layers import Tree, constants_of, tree_of
from ..outgoing import Outgoing

SUFFIX = ""  # several files
WORDS = "A zip that runs with torch and safetensors alone"
INDENT = "    "


def files(net: Outgoing) -> dict[str, bytes]:
    """The folder's files. Its tensors are named as in the architecture's module; constants stand beside them."""
    names = constants_of(net.graph)
    tensors = {names.get(name, name): tensor.contiguous().clone() for name, tensor in net.all_tensors.items()}
    return {
        "model.safetensors": save(tensors, {"format": "pt"}),
        "config.json": (json.dumps(config(net), indent=2) + "\n").encode(),
        "model.py": source(net).encode(),
        "README.md": card(net).encode(),
    }


def class_name(net: Outgoing) -> str:
    words = re.split(r"[^A-Za-z0-9]+", net.arch.family)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name.isidentifier() and not keyword.iskeyword(name) else "Network"


def config(net: Outgoing) -> dict:
    return {
        "architecture": net.arch.id,
        "class": class_name(net),
        "input": list(net.arch.input_shape),
        "classes": net.arch.classes,
        "preprocessing": net.preprocessing,
        "metrics": net.metrics,
        "source": {key: value for key, value in net.metadata.items() if key not in ("architecture", "preprocessing", "metrics", "format")},
    }


def source(net: Outgoing) -> str:
    """`model.py`."""
    graph, name = net.graph, class_name(net)
    tree, calls = tree_of(graph)
    constants = constants_of(graph)
    places = {name: _place(tree, name) for name in (*(slot.name for slot in graph.slots), *calls.values())}
    body = Writer(graph, calls, constants, places).lines()
    functional = "F." in "\n".join(body)
    heads = ["from pathlib import Path", "", "import torch", "from safetensors.torch import load_file", "from torch import nn"]
    heads += ["from torch.nn import functional as F"] if functional else []
    shape = ", ".join(map(str, graph.input_shape))
    answers = f"logits [B, {net.arch.classes}]" if net.arch.classes > 1 else "values [B]"
    kind = "Images" if len(graph.input_shape) == 3 else "Inputs"
    attributes = list(_attributes(tree, graph, constants))
    lines = [
        f'"""{name}: {net.arch.parameters} parameters. Needs torch and safetensors."""',
        "",
        *heads,
        "",
        *_preprocessing(net),
        "",
        *(WITH_PARAMETERS if "with_parameters(" in "".join(attributes) else []),
        f"class {name}(nn.Module):",
        f'{INDENT}"""{kind} [B, {shape}] -> {answers}."""',
        "",
        f"{INDENT}def __init__(self):",
        f"{INDENT * 2}super().__init__()",
        *(f"{INDENT * 2}{line}" for line in attributes),
        "",
        f"{INDENT}def forward(self, x):",
        *(f"{INDENT * 2}{line}" for line in body),
        "",
        "",
        "def load(folder=Path(__file__).parent):",
        f'{INDENT}"""The trained network in evaluation mode."""',
        f"{INDENT}model = {name}()",
        f'{INDENT}model.load_state_dict(load_file(Path(folder) / "model.safetensors"))',
        f"{INDENT}return model.eval()",
        "",
    ]
    return "\n".join(lines)


def _preprocessing(net: Outgoing) -> list[str]:
    """What makes the network's input of images, where that is known."""
    said = net.preprocessing
    if not said:
        return []
    mean, std, white, order = said["mean"], said["std"], said.get("range", 1.0), said.get("order", "")
    flipped = ".flip(1)" if order == "BGR" else ""
    return [
        f"MEAN, STD = {tuple(mean)}, {tuple(std)}",
        "",
        "",
        "def preprocess(images):",
        f'{INDENT}"""Images [B, {len(mean)}, H, W] with pixels from 0 (black) to 1 -> what the network takes."""',
        f"{INDENT}mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (MEAN, STD))",
        f"{INDENT}return ({f'{white:g} * ' if white != 1 else ''}images{flipped} - mean) / std",
        "",
    ]


def _place(tree: Tree, name: str) -> str:
    """blocks.0.conv.weight as self.blocks[0].conv.weight."""
    found = "self"
    for part in name.split("."):
        found += f"[{part if tree.numbered else json.dumps(part)}]" if part.isdigit() else f".{part}"
        tree = tree.parts.get(part, tree)
    return found


def _attributes(tree: Tree, graph: Graph, constants: dict[str, str]) -> Iterator[str]:
    for name, slot in tree.tensors.items():
        yield f"self.{name} = nn.Parameter({_zeros(slot)})"
    for name, part in tree.parts.items():
        yield from _assigned(f"self.{name} = ", part)
    for slot in graph.slots:
        if slot.name in constants:
            yield f'self.register_buffer("{constants[slot.name]}", {_zeros(slot)})'


def _zeros(slot: Slot) -> str:
    return f"torch.zeros({', '.join(map(str, slot.shape)) or '()'})"


def _assigned(start: str, tree: Tree, end: str = "") -> Iterator[str]:
    """`start` followed by what a tree is, on as many lines as that takes."""
    whole = _inline(tree)
    if len(start) + len(whole) < 96 and whole.count("nn.") < 4 or not tree.parts:
        yield f"{start}{whole}{end}"
        return
    before, after = ("with_parameters(", f", {_named(tree)})") if tree.tensors else ("", "")
    yield f"{start}{before}nn.ModuleList([" if tree.numbered else f"{start}{before}nn.ModuleDict({{"
    for name, part in tree.parts.items():
        for line in _assigned("" if tree.numbered else f'"{name}": ', part, ","):
            yield f"{INDENT}{line}"
    yield f"{'])' if tree.numbered else '})'}{after}{end}"


def _named(tree: Tree) -> str:
    return ", ".join(f"{name}={_zeros(slot)}" for name, slot in tree.tensors.items())


def _inline(tree: Tree) -> str:
    if tree.source:
        return tree.source
    if not tree.parts:
        return "nn.ParameterDict({" + ", ".join(f'"{name}": {_zeros(slot)}' for name, slot in tree.tensors.items()) + "})"
    if tree.numbered:
        whole = f"nn.ModuleList([{', '.join(map(_inline, tree.parts.values()))}])"
    else:
        whole = f"nn.ModuleDict({{{', '.join(f'{json.dumps(name)}: {_inline(part)}' for name, part in tree.parts.items())}}})"
    return f"with_parameters({whole}, {_named(tree)})" if tree.tensors else whole


WITH_PARAMETERS = [
    "def with_parameters(module, **tensors):",
    f'{INDENT}"""The module with parameters of its own."""',
    f"{INDENT}for name, tensor in tensors.items():",
    f"{INDENT * 2}module.register_parameter(name, nn.Parameter(tensor))",
    f"{INDENT}return module",
    "",
    "",
]


def card(net: Outgoing) -> str:
    """The model card: what it is, what was measured on what, and how to run it."""
    measured = [
        f"| {name.replace('_', ' ')} | {each['value']:.4f} | {each.get('split', '')} | {each.get('n') or ''} |"
        for name, each in net.metrics.items()
        if isinstance(each.get("value"), (int, float))
    ]
    shape = " x ".join(map(str, net.arch.input_shape))
    said = net.preprocessing
    how = "inputs" if said is None else "preprocess(images)"
    about = {key: value for key, value in net.metadata.items() if key not in ("metrics", "preprocessing", "format")}
    return "\n".join(
        [
            "---",
            "library_name: pytorch",
            "---",
            "",
            f"# {class_name(net)}",
            "",
            f"A network of {net.arch.parameters} parameters: input {shape}, {net.arch.classes} outputs.",
            "",
            "```python",
            "import model",
            "",
            "network = model.load()",
            f"answers = network({'model.' if said else ''}{how})",
            "```",
            "",
            *(["## Measured", "", "| what | value | on | n |", "| --- | --- | --- | --- |", *measured, ""] if measured else []),
            "## Where it comes from",
            "",
            *(f"- {key}: `{value}`" for key, value in about.items()),
            "",
        ]
    )
