"""Adding an architecture: a class of the user's file, an exported program, or a built-in family with other sizes, kept as a graph."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import nn

from ..archs import Architecture, all_architectures, imported_architectures
from ..archs.families import family
from ..archs.graph.capture import capture, deployed
from ..archs.graph.programs import READERS, read_program
from ..archs.graph.recording import Captured
from ..archs.kept import KIND, arrays_of, classes_of, of_artifact
from ..core.artifacts import Artifact, Store, manifest_hash
from ..core.boundary import reason
from ..core.errors import InvalidValue
from ..core.manifests import Manifest
from ..core.memory import check_memory
from ..core.slugs import slug
from ..datasets.preprocessing import of_dict, parse
from ..nets.networks import FILE, recording
from .kind import Kind
from .nern.config import NetworkConfig

SIZES = re.compile(r"[1-9]\d{0,5}(x[1-9]\d{0,5}){0,3}")
BYTES = 4 * 4  # of a parameter while a network of it is trained: itself, its gradient, and Adam's two moments


def input_shape(words: str) -> tuple[int, ...]:
    """`3x32x32` as (3, 32, 32). Raises InvalidValue."""
    if not SIZES.fullmatch(words):
        raise InvalidValue(f"--input is the shape of one input, such as 1x8x8 for a grey image of 8x8 pixels; got {words[:40]!r}.")
    return tuple(map(int, words.split("x")))


def arguments(words: str) -> dict:
    """`width=16,name=a,sizes=(1, 2)` as keyword arguments: Python's literals, anything else is text. Raises InvalidValue."""
    found = {}
    for part in re.split(r",(?=\s*[A-Za-z_]\w*=)", words) if words else ():
        name, equals, value = part.partition("=")
        if not equals or not name.strip().isidentifier():
            raise InvalidValue(f"--args are name=value,name=value; got {part[:40]!r}.")
        try:
            found[name.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            found[name.strip()] = value.strip()
    return found


def add(
    store: Store,
    source: str,
    id_: str | None,
    shape: str | None,
    given: str = "",
    classes: int = 10,
    normalise: str | None = None,
    made: Callable[[], dict] = dict,
    replacing: bool = False,
) -> Artifact:
    """An `architecture` artifact of `source`: FILE.py:NAME (the file is run here, on the user's word), a .pt2 or .onnx file (whose
    weights are kept too, as the network `network-ID`), or a family's name (then with `classes`). `shape`: of one input, "1x8x8"; `given`:
    arguments for what builds it; `made` gives the provenance. Raises UnknownId, InvalidValue; nothing is written then."""
    if Path(source).suffix in READERS:
        return add_program(store, Path(source), id_, input_shape(shape) if shape else None, normalise, made(), replacing)
    if not shape:
        raise InvalidValue("Give the shape of one input with --input, such as --input 1x8x8.")
    sizes = input_shape(shape)
    path, colon, name = source.rpartition(":")
    id_ = id_ or re.sub(r"[^a-z0-9._-]+", "-", (name if colon else source).lower()).strip("-")
    if id_ in all_architectures() | imported_architectures():
        raise InvalidValue(f"{id_} is a built-in architecture. Choose another name with --id.")
    store.check_new(id_, replacing)
    if colon:
        make, file, title = partial(built, loaded(Path(path), name), arguments(given)), Path(path).name, name
    else:
        make, file, title = partial(family(source), sizes, classes, **arguments(given)), "", source
    return write(
        store, id_, title, capture(make, sizes, file), source if not colon else f"{file}:{name}", given, normalise, made(), replacing
    )


def add_program(
    store: Store, path: Path, id_: str | None, shape: tuple[int, ...] | None, normalise: str | None, made: dict, replacing: bool
) -> Artifact:
    """The architecture of a .pt2 or .onnx file, and the network that it holds; `shape`: of one input, where the file leaves it open.
    Raises InvalidValue."""
    id_ = id_ or slug(path.stem) or "added"
    for name in (id_, f"network-{id_}"):
        store.check_new(name, replacing)
    found = read_program(path, shape)
    artifact = write(store, id_, path.stem, found, path.name, "", normalise, made, replacing)
    arch = of_artifact(artifact)
    config = {"architecture": id_, "dataset": None, "source": path.name, "note": ""}
    tensors = {name: tensor.numpy().copy() for name, tensor in deployed(found).state_dict().items()}
    made = recording(made, of_dict(arch.preprocessing))
    manifest = Manifest(
        f"network-{id_}",
        "network",
        f"{arch.family} from {path.name}",
        "",
        "import",
        config,
        {id_: {"sha256": manifest_hash(artifact)}},
        provenance=made,
        task=NetworkConfig.TASK,
    )
    store.write(manifest, {FILE: tensors}, replace=replacing, new=True)
    return artifact


def write(
    store: Store, id_: str, title: str, found: Captured, source: str, given: str, normalise: str | None, made: dict, replacing: bool
) -> Artifact:
    """The artifact of a captured network. Raises InvalidValue where no memory holds networks of it."""
    check_memory(BYTES * found.graph.parameters)
    shape = found.graph.input_shape
    preprocessing = parse(normalise, shape[0]) if normalise else None
    config = {"source": source, "arguments": given, "input": list(shape), "classes": classes_of(found.graph)}
    if preprocessing:
        config["preprocessing"] = preprocessing.as_dict()
    words = "x".join(map(str, shape))
    manifest = Manifest(id_, KIND, f"{title}, {words} to {config['classes']}", "", "", config, provenance=made)
    artifact = store.write(manifest, arrays_of(found.graph, found.constants), replace=replacing, new=True)
    of_artifact(artifact)
    return artifact


def loaded(path: Path, name: str) -> Callable[..., nn.Module]:
    """The class or function of a Python file, which is run. Raises InvalidValue."""
    if path.suffix != ".py" or not path.is_file():
        raise InvalidValue(f"There is no Python file {path}. Name a class in it: my_net.py:MyNet.")
    spec = importlib.util.spec_from_file_location(f"_added_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))  # it may import what lies beside it
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InvalidValue(f"{path.name} cannot be run ({type(error).__name__}: {reason(error)}).") from error
    finally:
        sys.path.pop(0)
    if callable(getattr(module, name, None)):
        return getattr(module, name)
    own = [
        key for key, each in vars(module).items() if inspect.isclass(each) and issubclass(each, nn.Module) and each.__module__ == spec.name
    ]
    raise InvalidValue(f"{path.name} has no {name}. It has {', '.join(own[:5]) or 'no torch.nn.Module'}.")


def built(make: Callable[..., nn.Module], given: dict) -> nn.Module:
    return make(**given)


class ArchitectureKind(Kind):
    """Architectures that were added; networks of them are trained and measured, not they themselves."""

    id = KIND

    def load(self, store: Store, id_: str, device: str = "cpu") -> Architecture:
        return of_artifact(store.open(id_, KIND))


KIND_OBJECT = ArchitectureKind()
