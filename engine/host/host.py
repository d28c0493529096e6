"""The host: spaces in memory on one device, and what the networks in them answer.

Everything that touches the device goes through one thread (`Host.run`): first come, first served, so a long curve or a full
test split of one person (cut into short pieces) does not hold up another's drag. On the CPU that thread computes on one
core: at the size of a drag a second core gains 15 % when it is idle, and costs ten times when it is busy (p95). What takes
longer and cannot be cut, a fine mesh say, has a thread of its own (`Host.run_long`).

Legend: N instances, P parameters, B images, C channels, H x W the PRep.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..core.artifacts import Store
from ..core.errors import InvalidValue
from ..datasets import prepared
from ..kinds.netspace import kept, placed_shapes
from ..kinds.netspace.outside import Outside
from ..kinds.netspace.space import Network, Space, check_gamma, load_space
from ..nets.alignment import aligned
from ..nets.answers import Accuracy
from ..nets.prep import pack
from ..tasks.images.live import answers_of, image_count
from ..tasks.task import MIXED
from .cache import Cache, Held, stamp
from .cache import nbytes_of as bytes_in

BYTES_LIMIT = 2 << 30


@dataclass(frozen=True)
class Step:
    """The network at `gamma` of a path and what it answers on the first `n` of `total` test images, computed in `dtype`; n is 0 where
    it was only decoded."""

    space: Space
    gamma: float
    path: str
    network: Network  # on the CPU
    answers: np.ndarray  # predicted classes, int64 [n]
    labels: np.ndarray  # true classes, int64 [n]
    total: int
    dtype: str = "float32"
    split: str = "test"
    outside: Outside | None = None  # of embeddings: how far outside of the zoo it lies

    @property
    def n(self) -> int:
        return len(self.labels)

    @cached_property
    def right(self) -> int:
        return int((self.answers == self.labels).sum())

    @property
    def accuracy(self) -> float:
        """Share of right answers, in 0..1."""
        return Accuracy(self.right, self.n).value

    @property
    def low(self) -> float:
        """Lower end of its 95 % interval."""
        return Accuracy(self.right, self.n).low

    @property
    def high(self) -> float:
        """Upper end of its 95 % interval."""
        return Accuracy(self.right, self.n).high

    @property
    def per_class(self) -> list[dict]:
        """{"name", "right", "n"} of each class, in the dataset's order."""
        names = self.space.needed_images().classes
        count = np.bincount(self.labels, minlength=len(names)).tolist()
        right = np.bincount(self.labels[self.answers == self.labels], minlength=len(names)).tolist()
        return [{"name": name, "right": r, "n": n} for name, r, n in zip(names, right, count)]

    @property
    def parameters_P(self) -> Tensor:
        return self.network.parameters_P

    @property
    def prep(self) -> np.ndarray:
        """The PRep, float32 [H, W]."""
        return prep_of(self.space, self.parameters_P)


@dataclass(kw_only=True)
class Loaded(Held):
    """A space in memory, with the row of each of its instances."""

    space: Space
    rows: dict[str, int]


@dataclass(frozen=True)
class End:
    """An end of a path, an instance or a placed network: its own network, and where it lives in the space; `encoded_E` is what the encoder
    alone says."""

    parameters_P: Tensor
    embedding_E: Tensor
    encoded_E: Tensor
    row: int | None = None  # of an instance
    reached: tuple[float | None, float | None] = (None, None)  # of a placed network: its likeness by inversion, by the encoder


class Host:
    """What is loaded, on one device; the least recently used goes when all takes more than `bytes_limit`."""

    def __init__(self, store: Store, device: str | torch.device | None = None, bytes_limit: int = BYTES_LIMIT):
        self.store = store
        self.device = device_of(device)
        self.cache = Cache(bytes_limit)
        self._cores = torch.get_num_threads() if self.device.type == "cpu" else 1
        self._thread, self._long = (ThreadPoolExecutor(1, thread_name_prefix=name, initializer=self._start) for name in ("device", "long"))

    def _start(self) -> None:
        if self.device.type == "cpu":
            torch.set_num_threads(1)

    def run(self, function: Callable, *args):
        """What `function(*args)` returns, computed without gradients on the device's thread. Never call it from there.

        It has one core, for small networks are slowed by more of them; see `run_wide`."""
        return self._thread.submit(torch.no_grad()(function), *args).result()

    def run_wide(self, function: Callable, *args):
        """The same on all cores, for what is large enough to fill them."""
        return self.run(self._on_all_cores, function, *args)

    def _on_all_cores(self, function: Callable, *args):
        torch.set_num_threads(self._cores)
        try:
            return function(*args)
        finally:
            torch.set_num_threads(1)

    def run_long(self, function: Callable, *args):
        """The same on another thread, for work that would hold up a drag. Never call it from there."""
        return self._long.submit(torch.no_grad()(function), *args).result()

    def device_name(self) -> str:
        """'cpu', or the name of the GPU."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type

    def loaded(self) -> list[str]:
        """Ids of the spaces in memory, least recently used first."""
        return [id_ for kind, id_ in self.cache.keys() if kind == "netspace"]

    def space(self, id_: str) -> Space:
        """The space of that id, read if it is not in memory or has changed on disk. Raises UnknownId, CorruptArtifact, ..."""
        return self.loaded_space(id_).space

    def loaded_space(self, id_: str) -> Loaded:
        """The same, with what was worked out of it."""
        return self.cache.get(("netspace", id_), lambda: self._read_space(id_))

    def _read_space(self, id_: str) -> Loaded:
        folder = self.store.open(id_, "netspace").folder
        before = (stamp(folder), kept.ids(self.store, folder.name))
        space = load_space(self.store, id_, str(self.device))
        images = prepared.folder_of(space.dataset) if space.dataset else None

        def stamp_now() -> tuple:
            """What changes when it is made again, a network is kept in it, or its images come, go or are prepared again."""
            return stamp(folder), kept.ids(self.store, folder.name), images and stamp(images)

        return Loaded(
            stamp_now=stamp_now,
            stamp=(*before, images and stamp(images)),
            own_bytes=nbytes_of(space),
            space=space,
            rows={name: row for row, name in enumerate(space.table["id"])},
        )

    def between(self, space_id: str, a: str, b: str, gamma: float, path: str = "embedding") -> Step:
        """The network at `gamma` between two ends, instances or placed networks: `a` (0) and `b` (1). Not measured: see `step`.

        `path`: "embedding" decodes (1 - gamma) e_a + gamma e_b, "encoded" what the encoder alone says of placed ends; "weights" mixes the
        ends' own parameters, "aligned" does so once b's units are in a's order (in other ways: engine.nets.ways). Raises
        UnknownId, InvalidValue, DataMissing.
        """
        gamma = check_gamma(gamma)
        loaded = self.loaded_space(space_id)
        check_path(loaded.space, path)
        network, outside = self.run(between, loaded.space, *self.ends(loaded, a, b, path), gamma, path)
        return Step(loaded.space, gamma, path, on_cpu(network), NONE, NONE, 0, outside=outside)

    def ends(self, loaded: Loaded, a: str, b: str, path: str = "embedding") -> tuple[End, End]:
        """Both ends of a path; the same one twice where they are the same. Raises UnknownId, CorruptArtifact."""
        first = self.end(loaded, a)
        last = first if a == b else self.end(loaded, b)
        if path != "aligned" or first is last or first.row is not None and last.row is not None:  # rows: the space aligns them
            return first, last
        arch, parameters = loaded.space.arch, (first.parameters_P, last.parameters_P)
        return first, replace(last, parameters_P=loaded.once(("aligned", a, b), lambda: aligned(arch, *parameters)))

    def end(self, loaded: Loaded, name: str) -> End:
        """The instance or placed network of that id. Raises UnknownId, CorruptArtifact."""
        if isinstance(name, str) and placed_shapes.is_id(name) and name not in loaded.rows:
            found = loaded.once(("placed", name), lambda: placed_shapes.load(self.store, loaded.space, name))
            arrays = (found.parameters_P, found.inverted_E, found.encoded_E)
            parameters_P, inverted_E, encoded_E = (torch.from_numpy(array).to(self.device) for array in arrays)
            key = loaded.space.task.likeness_key
            reached = tuple(found.metrics.get(f"{way}_{key}", {}).get("value") for way in ("placed", "encoded"))
            return End(parameters_P, inverted_E, encoded_E, reached=reached)
        row, space = row_of(loaded, name), loaded.space
        return End(space.target(row).parameters_P, space.embeddings_NE[row], space.embeddings_NE[row], row)

    def step(self, space_id: str, a: str, b: str, gamma: float, path: str = "embedding", images: int | str | None = None) -> Step:
        """The same of a space whose networks answer images, measured on test images: the first so many of the test split; None for the
        live budget, "all" for the whole split, "none" to decode it alone, which needs no images. Raises UnknownId, InvalidValue,
        DataMissing."""
        check_gamma(gamma)
        n = image_count(images, self.classifiers(space_id).space.needed_images)
        return self.measured(self.between(space_id, a, b, gamma, path), n)

    def square(self, space_id: str, corners: list[str], x: float, y: float) -> Step:
        """The network at (x, y) of the square of four instances of a space of several architectures; its `gamma` is x. Raises UnknownId,
        InvalidValue."""
        loaded = self.loaded_space(space_id)
        if not loaded.space.several:
            raise InvalidValue(f"{space_id} holds one architecture; a square of four needs a space of several.")
        if not isinstance(corners, list) or len(corners) != 4:
            raise InvalidValue(f"corners must be a list of four instances; got {str(corners)[:60]!r}.")
        x, y = check_gamma(x), check_gamma(y)
        here_E = loaded.space.square([row_of(loaded, each) for each in corners], x, y)
        network, (outside,) = self.run(lambda: (loaded.space.at(here_E), loaded.space.outside(here_E[None])))
        return Step(loaded.space, x, "corners", on_cpu(network), NONE, NONE, 0, outside=outside)

    def corner(self, space_id: str, corners: list[str], x: float, y: float, images: int | str | None = None) -> Step:
        """The same, measured as `step` does. Raises UnknownId, InvalidValue, DataMissing."""
        n = image_count(images, self.classifiers(space_id).space.needed_images)
        return self.measured(self.square(space_id, corners, x, y), n)

    def classifiers(self, space_id: str) -> Loaded:
        """A loaded space whose networks answer images. Raises InvalidValue."""
        loaded = self.loaded_space(space_id)
        task = loaded.space.task
        if not task.alone:
            raise InvalidValue(f"{space_id} holds {task.many}, which have no accuracy on images: {task.instead}.")
        return loaded

    def measured(self, found: Step, n: int) -> Step:
        """A network with what it answers on the first `n` test images: on all of them in float32, on fewer as fast as it goes. Raises
        DataMissing."""
        if not n:
            return found
        images = found.space.needed_images()
        there = replace(found.network, parameters_P=found.network.parameters_P.to(self.device))
        answers, dtype = answers_of(self, there, images.images["test"], n)
        labels_B = images.labels["test"]
        return replace(found, answers=answers, labels=labels_B[:n].cpu().numpy(), total=len(labels_B), dtype=dtype)

    def colour_range(self, space_id: str, a: str, b: str) -> float:
        """Largest magnitude v of the colour scale -v..v of a path: 1st and 99th percentile of both targets' parameters, so
        that colours do not jump along it."""
        loaded = self.loaded_space(space_id)
        rows = (row_of(loaded, a), row_of(loaded, b))
        return loaded.once(("range", *rows), lambda: colour_range(loaded.space.parameters_NP[list(rows)].cpu().numpy()))

    def close(self) -> None:
        """End the threads; for tests."""
        self._thread.shutdown()
        self._long.shutdown()


NONE = np.zeros(0, np.int64)


def on_cpu(network: Network) -> Network:
    """The same network, on the CPU."""
    classes = None if network.classes_A is None else network.classes_A.cpu()
    return Network(network.arch, network.parameters_P.cpu(), classes)


def check_path(space: Space, path: str) -> None:
    """Raises InvalidValue where a space has no such path."""
    if path not in space.task.paths:
        raise InvalidValue(f"There is no path {str(path)[:40]!r}: use one of {', '.join(space.task.paths)}.")


def between(space: Space, a: End, b: End, gamma: float, path: str) -> tuple[Network, Outside | None]:
    """The network at `gamma` between two ends, and how far outside of the zoo it lies."""
    return network_between(space, a, b, gamma, path), outside_between(space, a, b, gamma, path)


def network_between(space: Space, a: End, b: End, gamma: float, path: str) -> Network:
    """The network at `gamma` between two ends; see `Host.between`."""
    if a.row is not None and b.row is not None:
        return space.network(a.row, b.row, gamma, path if path in MIXED else "embedding")
    if path in MIXED:
        return Network(space.arch, torch.lerp(a.parameters_P, b.parameters_P, gamma))
    return space.at(embedding_between(a, b, gamma, path))


def embedding_between(a: End, b: End, gamma: float, path: str) -> Tensor:
    """The embedding [E] at `gamma` between two ends: with inversion, or on the path "encoded" by the encoder alone."""
    ends_E = (a.encoded_E, b.encoded_E) if path == "encoded" else (a.embedding_E, b.embedding_E)
    return torch.lerp(*ends_E, gamma)


def outside_between(space: Space, a: End, b: End, gamma: float, path: str) -> Outside | None:
    """How far outside of the zoo the embedding at `gamma` between two ends lies, at a placed end with the likeness that it reached; None on
    a path of weights, and of an instance that the space was trained on."""
    if path in MIXED:
        return None
    reached, here = None, (a, b)[round(gamma)]
    if a is b or gamma in (0, 1):
        if here.row is not None:
            return space.outside_of([here.row])[0]
        reached = here.reached[path == "encoded"]
    return space.outside(embedding_between(a, b, gamma, path)[None], [reached])[0]


def device_of(name: str | torch.device | None) -> torch.device:
    """The device of that name; a GPU where there is one and none is named. Raises InvalidValue."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise InvalidValue(f"There is no device {str(name)[:40]!r}. Use cpu or cuda.") from error
    if device.type not in ("cpu", "cuda") or (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise InvalidValue(f"The device {str(device)!r} is not on this machine. Use cpu{' or cuda' if torch.cuda.is_available() else ''}.")
    return device


def row_of(loaded: Loaded, instance: str) -> int:
    """Row of an instance. Raises UnknownId, with the nearest known id."""
    row = loaded.rows.get(instance) if isinstance(instance, str) else None
    return loaded.space.row(str(instance)[:100]) if row is None else row


def prep_of(space: Space, parameters_P: Tensor) -> np.ndarray:
    """The PRep of parameters, float32 [H, W]."""
    return pack(parameters_P[None], space.config.prep_height, space.config.prep_width)[0].cpu().numpy()


def colour_range(values: np.ndarray) -> float:
    """Larger magnitude of the 1st and 99th percentile; 1 where all is zero."""
    return float(np.abs(np.percentile(values, (1, 99))).max()) or 1.0


def nbytes_of(space: Space) -> int:
    """Bytes of a space's tensors and table; images that are mapped from a file take none."""
    images = None if space.images is None else (space.images.images, space.images.labels)
    held = (space.parameters_NP, space.embeddings_NE, space.model.state_dict(), images)
    return bytes_in(held) + int(space.table.memory_usage(deep=True).sum())
