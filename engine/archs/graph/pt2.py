"""An exported program of torch (.pt2) as a graph: its JSON and the bytes of its tensors are read here, and nothing is unpickled."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...core import small_json
from ...core.boundary import untrusted
from ...core.errors import InvalidValue
from .form import INPUT, Argument, Ref
from .recording import Captured, Recorder

JSON_LIMIT = 64 << 20  # bytes
LARGEST = b"9223372036854775807"  # how a slice up to the end is written; longer than other numbers may be
DTYPES = {5: np.int64, 6: np.float16, 7: np.float32, 8: np.float64}  # torch.export's numbers of dtypes
MODEL, WEIGHTS, CONSTANTS = "/models/model.json", "/data/weights/", "/data/constants/"


def read(path: Path, name: str, shape: tuple[int, ...] | None = None) -> Captured:
    """The network of a file; it has an input's shape in it, and one that is given must be that. Raises InvalidValue."""
    with (
        untrusted(name, InvalidValue, "Save it again: torch.export.save(torch.export.export(model.eval(), (x,)), path)."),
        zipfile.ZipFile(path) as file,
    ):
        names = {each.partition("/")[0] for each in file.namelist()}
        if len(names) != 1 or f"{(root := names.pop())}{MODEL}" not in file.namelist():
            raise InvalidValue(f"{name} is not an exported program of torch 2.8 or later. Save it again with torch.export.save.")
        module = _json(file, f"{root}{MODEL}")["graph_module"]
        held = _tensors(file, f"{root}{WEIGHTS}") | _tensors(file, f"{root}{CONSTANTS}")
        found = _captured(module, held, name)
    if shape not in (None, own := found.graph.input_shape):
        words = ["x".join(map(str, each)) for each in (own, shape)]
        raise InvalidValue(f"{name} takes inputs of {words[0]}, not {words[1]}. Leave out --input.")
    return found


def _json(file: zipfile.ZipFile, member: str) -> dict:
    if file.getinfo(member).file_size > JSON_LIMIT:
        raise InvalidValue(f"{member} is over {JSON_LIMIT >> 20} MiB.")
    found = small_json.parse(file.read(member).replace(LARGEST, b"null"))
    assert isinstance(found, dict)
    return found


def _tensors(file: zipfile.ZipFile, folder: str) -> dict[str, Tensor]:
    found = {}
    configs = [each for each in file.namelist() if each.startswith(folder) and each.endswith("_config.json")]
    for member in configs:
        for name, said in _json(file, member)["config"].items():
            meta = said["tensor_meta"]
            if said.get("use_pickle") or meta["dtype"] not in DTYPES:
                raise InvalidValue(f"{name} is not a plain tensor of numbers. Save the module in float32: model.float().")
            shape = [side["as_int"] for side in meta["sizes"]]
            strides = [side["as_int"] for side in meta["strides"]]
            data = np.frombuffer(file.read(f"{folder}{said['path_name']}"), DTYPES[meta["dtype"]])
            offset = meta["storage_offset"]["as_int"]
            if (
                math.prod(shape)
                and offset + sum((side - 1) * step for side, step in zip(shape, strides)) >= len(data)
                or min((*shape, *strides, offset, 0)) < 0
            ):
                raise InvalidValue(f"{name} has fewer numbers in the file than its shape says.")
            found[name] = torch.from_numpy(data.copy()).as_strided(shape, strides, offset).contiguous()
    return found


def _captured(module: dict, held: dict[str, Tensor], name: str) -> Captured:
    found, graph, shapes = Recorder(), module["graph"], []
    for spec in module["signature"]["input_specs"]:
        ((kind, said),) = spec.items()
        if kind == "user_input":
            own = said["arg"]["as_tensor"]["name"]
            found.known[own] = Ref(INPUT)
            shapes.append([side.get("as_int") for side in graph["tensor_values"][own]["sizes"]])
        elif kind in ("parameter", "buffer", "tensor_constant"):
            target = said.get("parameter_name") or said.get("buffer_name") or said.get("tensor_constant_name")
            if target not in held:
                raise InvalidValue(f"{name} lacks its tensor {str(target)[:60]}.")
            found.hold(said["arg"]["name"], target, held[target], kind == "parameter")
        else:
            raise InvalidValue(f"{name} takes a {kind}, where a network takes one tensor.")
    if len(shapes) != 1 or not shapes[0] or any(side is None for side in shapes[0][1:]):
        raise InvalidValue(f"{name} takes {len(shapes)} inputs, or one of any size; a network takes one tensor [B, ...].")
    if shapes[0][0] is not None:
        raise InvalidValue(
            f"{name} takes {shapes[0][0]} inputs at a time. Export it for any number: "
            "torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim('B', min=2)},))."
        )
    for node in graph["nodes"]:
        _add(node, found)
    outputs = graph["outputs"]
    if len(outputs) != 1 or "as_tensor" not in outputs[0]:
        raise InvalidValue(f"{name} answers with {len(outputs)} tensors, where one [B, classes] is needed.")
    return found.finished(tuple(shapes[0][1:]), outputs[0]["as_tensor"]["name"])


def _add(node: dict, found: Recorder) -> None:
    target = str(node["target"])
    if target.startswith("torch.ops.aten."):
        op = target.removeprefix("torch.ops.aten.").removesuffix(".default")
    else:
        words = target.rpartition(".")[2]
        op = {"add": "size.add", "sub": "size.sub", "mul": "size.mul", "floordiv": "size.floordiv"}.get(words, words)
        if words in ("ge", "le", "eq", "gt", "lt", "sym_constrain_range_for_size"):
            return  # what was assumed of the batch's size
    args = tuple(_argument(each["arg"], found) for each in node["inputs"] if each.get("kind", 1) == 1)
    kwargs = {str(each["name"]): _argument(each["arg"], found) for each in node["inputs"] if each.get("kind", 1) != 1}
    first = node["inputs"][0]["arg"] if node["inputs"] else {}
    source = first["as_tensor"]["name"] if "as_tensor" in first else ""
    given = node["outputs"][0] if node["outputs"] else {}
    if "as_tensors" in given:
        whole = str(node.get("name") or given["as_tensors"][0]["name"] + "_parts")
        found.add(whole, op, args, kwargs, source)
        for place, part in enumerate(given["as_tensors"]):
            found.add(part["name"], "getitem", (Ref(whole), place), {}, whole)
    elif given:
        ((_, said),) = given.items()
        found.add(str(said.get("name") or said.get("as_name")), op, args, kwargs, source)


def _argument(value: dict, found: Recorder) -> Argument:
    ((kind, said),) = value.items()
    if kind == "as_none":
        return None
    if kind == "as_tensor":
        return found.known[said["name"]]
    if kind in ("as_tensors", "as_optional_tensors"):
        return tuple(found.known[each["name"]] for each in (part.get("as_tensor", part) for part in said))
    if kind in ("as_sym_int", "as_sym_float"):
        return _size(said, found)
    if kind == "as_sym_ints":
        return tuple(_size(each, found) for each in said)
    if kind in ("as_ints", "as_floats", "as_bools", "as_strings"):
        return tuple(said)
    if kind in ("as_int", "as_float", "as_bool", "as_string"):
        return said
    if kind in ("as_memory_format", "as_layout", "as_device", "as_scalar_type"):
        return None
    raise InvalidValue(f"The program has an argument of a kind that is not supported: {str(kind)[:40]}.")


def _size(said: dict, found: Recorder) -> Argument:
    return found.known[said["as_name"]] if "as_name" in said else said.get("as_int", said.get("as_float"))
