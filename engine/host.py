"""The host: spaces in memory on one device, and what the networks in them answer.

Everything that touches the device goes through one thread (`Host.run`): first come, first served, so a long curve or a full
test split of one person (cut into short pieces) does not hold up another's drag. On the CPU that thread computes on one
core: at the size of a drag a second core gains 15 % when it is idle, and costs ten times when it is busy (p95). What takes
longer and cannot be cut, a fine mesh say, has a thread of its own (`Host.run_long`).

Legend: N instances, P parameters, B images, C channels, H x W the PRep.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .artifacts import Store
from .datasets import Images, prepared
from .errors import InvalidValue
from .fast import answers, fastest
from .multi.space import MultiSpace
from .netspace import kept
from .netspace.outside import Outside
from .netspace.space import Network, Space, check_gamma, load_space
from .prep import pack
from .stacked import logits_one, stacking_pays, wilson

LIVE_IMAGES, LIVE_PIXELS = 1000, 256 * 32 * 32  # test images that a live answer rests on at most, and what they may have of pixels
PIECE_PIXELS = 256_000  # image pixels of one piece of device work: 4 000 images of 8x8, 250 of 32x32
BYTES_LIMIT = 2 << 30
KEPT_LIMIT = 128  # things worked out once that are kept per space: colour ranges of anchor pairs, meshes of targets


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
        return self.right / self.n

    @property
    def low(self) -> float:
        """Lower end of the 95 % Wilson interval."""
        return wilson(self.right, self.n)[0]

    @property
    def high(self) -> float:
        """Upper end of the 95 % Wilson interval."""
        return wilson(self.right, self.n)[1]

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


@dataclass
class Loaded:
    """A space in memory with what every step of it needs."""

    space: Space
    folder: Path
    stamp: tuple
    nbytes: int
    rows: dict[str, int]
    labels: np.ndarray | None  # of the test images; None where there are none
    data: tuple | None  # stamp of the prepared data set
    kept: OrderedDict[Hashable, object] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)  # of kept; held for moments

    def keep(self, key: Hashable, make: Callable[[], object]):
        """What `make()` gives, worked out once for a key and kept for as long as it is among the last that were asked for."""
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
        value = make()
        with self.lock:
            self.kept[key] = value
            while len(self.kept) > KEPT_LIMIT:
                self.kept.popitem(last=False)
        return value


class Host:
    """Loaded spaces on one device; the least recently used ones go when their bytes pass `bytes_limit`."""

    def __init__(self, store: Store, device: str | torch.device | None = None, bytes_limit: int = BYTES_LIMIT):
        self.store = store
        self.device = device_of(device)
        self.bytes_limit = bytes_limit
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self._lock = threading.Lock()  # of _loaded; held for moments
        self._loading = threading.Lock()  # one space is read at a time
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

    def nbytes(self) -> int:
        """Bytes of all loaded spaces."""
        with self._lock:
            return sum(loaded.nbytes for loaded in self._loaded.values())

    def loaded(self) -> list[str]:
        """Ids of the spaces in memory, least recently used first."""
        with self._lock:
            return list(self._loaded)

    def space(self, id_: str) -> Space:
        """The space of that id, read if it is not in memory or has changed on disk. Raises UnknownId, CorruptArtifact, ..."""
        return self.loaded_space(id_).space

    def loaded_space(self, id_: str) -> Loaded:
        if (found := self._fresh(id_)) is not None:
            return found
        with self._loading:
            if (found := self._fresh(id_)) is not None:  # another thread has just read it
                return found
            folder = self.store.open(id_, "netspace").folder
            before = self._stamp(folder)
            space = load_space(self.store, id_, str(self.device))
            rows = {name: row for row, name in enumerate(space.table["id"])}
            labels = None if space.images is None else space.images.labels["test"].cpu().numpy()
            loaded = Loaded(space, folder, before, nbytes_of(space), rows, labels, None if space.images is None else data_stamp(space))
            with self._lock:
                self._loaded[id_] = loaded
                self._loaded.move_to_end(id_)
                while len(self._loaded) > 1 and sum(each.nbytes for each in self._loaded.values()) > self.bytes_limit:
                    self._loaded.popitem(last=False)
            return loaded

    def _fresh(self, id_: str) -> Loaded | None:
        with self._lock:
            loaded = self._loaded.get(id_)
            if loaded is None or self._stamp(loaded.folder) != loaded.stamp or data_stamp(loaded.space) != loaded.data:
                return None
            self._loaded.move_to_end(id_)
            return loaded

    def _stamp(self, folder: Path) -> tuple:
        """What changes when a space is made again, or a network is kept in it."""
        return stamp(folder), kept.ids(self.store, folder.name)

    def step(self, space_id: str, a: str, b: str, gamma: float, path: str = "embedding", images: int | str | None = None) -> Step:
        """The network at `gamma` between instances `a` (0) and `b` (1), measured on test images.

        `path`: "embedding" decodes (1 - gamma) e_a + gamma e_b; "weights" mixes the targets' parameters. `images`: the first so
        many of the test split; None for the live budget, "all" for the whole split, "none" to decode it alone, which needs no images.
        Raises UnknownId, InvalidValue, DataMissing.
        """
        gamma = check_gamma(gamma)
        loaded = self.classifiers(space_id)
        n = image_count(images, loaded)
        rows = (row_of(loaded, a), row_of(loaded, b))
        network, outside = self.run(between, loaded.space, *rows, gamma, path)
        return self.measured(loaded, network, gamma, path, n, outside)

    def corner(self, space_id: str, corners: list[str], x: float, y: float, images: int | str | None = None) -> Step:
        """The network at (x, y) of the square of four instances, measured likewise; its `gamma` is x. Raises UnknownId,
        InvalidValue, DataMissing."""
        loaded = self.classifiers(space_id)
        if not isinstance(loaded.space, MultiSpace):
            raise InvalidValue(f"{space_id} holds one architecture; a square of four needs a space of several.")
        if not isinstance(corners, list) or len(corners) != 4:
            raise InvalidValue(f"corners is a list of four instances; got {str(corners)[:60]!r}.")
        x, y = check_gamma(x), check_gamma(y)
        n = image_count(images, loaded)
        here_E = loaded.space.square([row_of(loaded, each) for each in corners], x, y)
        network, (outside,) = self.run(lambda: (loaded.space.at(here_E), loaded.space.outside(here_E[None])))
        return self.measured(loaded, network, x, "corners", n, outside)

    def classifiers(self, space_id: str) -> Loaded:
        """A loaded space whose networks answer images. Raises InvalidValue."""
        loaded = self.loaded_space(space_id)
        if loaded.space.is_shapes:
            raise InvalidValue(f"{space_id} holds shapes, which answer no images: ask for their meshes (op \"mesh\", or the page Shapes).")
        return loaded

    def measured(self, loaded: Loaded, network: Network, gamma: float, path: str, n: int, outside: Outside | None = None) -> Step:
        """What a network answers on the first `n` test images: on all of them in float32, on fewer as fast as it goes."""
        classes = None if network.classes_A is None else network.classes_A.cpu()
        kept_network = Network(network.arch, network.parameters_P.cpu(), classes)
        if not n:
            return Step(loaded.space, gamma, path, kept_network, np.zeros(0, np.int64), np.zeros(0, np.int64), 0, outside=outside)
        images_BCHW = loaded.space.images.images["test"]
        piece = max(1, PIECE_PIXELS // (images_BCHW.shape[-2] * images_BCHW.shape[-1]))
        total = len(loaded.labels)
        dtype = torch.float32 if n == total else fastest(network.arch, images_BCHW.device)
        run = self.run if stacking_pays(network.arch, images_BCHW.device) else self.run_wide
        answers = np.concatenate([run(answers_of, network, images_BCHW[first : min(first + piece, n)], dtype) for first in range(0, n, piece)])
        return Step(loaded.space, gamma, path, kept_network, answers, loaded.labels[:n], total, str(dtype).removeprefix("torch."), outside=outside)

    def colour_range(self, space_id: str, a: str, b: str) -> float:
        """Largest magnitude v of the colour scale -v..v of a path: 1st and 99th percentile of both targets' parameters, so
        that colours do not jump along it."""
        loaded = self.loaded_space(space_id)
        rows = (row_of(loaded, a), row_of(loaded, b))
        return loaded.keep(("range", *rows), lambda: colour_range(loaded.space.parameters_NP[list(rows)].cpu().numpy()))

    def close(self) -> None:
        """End the threads; for tests."""
        self._thread.shutdown()
        self._long.shutdown()


def between(space: Space, a: int, b: int, gamma: float, path: str) -> tuple[Network, Outside | None]:
    """The network at `gamma` between two rows, and how far outside of the zoo it lies (None of mixed weights)."""
    return space.network(a, b, gamma, path), space.outside_between(a, b, gamma) if path == "embedding" else None


def device_of(name: str | torch.device | None) -> torch.device:
    """The device of that name; a GPU where there is one and none is named. Raises InvalidValue."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise InvalidValue(f"There is no device {str(name)[:40]!r}. Use cpu or cuda.") from error
    if device.type not in ("cpu", "cuda") or (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise InvalidValue(f"The device {str(device)!r} is not on this machine. Use cpu{' or cuda' if torch.cuda.is_available() else ''}.")
    return device


def answers_of(network: Network, images_BCHW: Tensor, dtype: torch.dtype) -> np.ndarray:
    """Predicted classes int64 [B] of one network."""
    if not stacking_pays(network.arch, images_BCHW.device):
        return answers(network.parameters_P, images_BCHW, network.arch, dtype).cpu().numpy()
    return logits_one(network.parameters_P, images_BCHW, network.arch).argmax(-1).cpu().numpy()


def live_images(shape: tuple[int, ...]) -> int:
    """How many of so many images [B, C, H, W] a live answer rests on."""
    count, _, rows, cols = shape
    return min(count, LIVE_IMAGES, max(1, LIVE_PIXELS // (rows * cols)))


def image_count(images: int | str | None, of: Loaded | Images) -> int:
    """How many test images (of a loaded space, of a data set) `images` asks for; 0 for "none". Raises InvalidValue, DataMissing."""
    if images == "none":
        return 0
    shape = (of.space.needed_images() if isinstance(of, Loaded) else of).images["test"].shape
    total = shape[0]
    if images is None:
        return live_images(shape)
    if images == "all":
        return total
    if isinstance(images, bool) or not isinstance(images, int) or not 1 <= images <= total:
        raise InvalidValue(f"images is a number from 1 to {total} (the test split), 'all' or 'none'; got {str(images)[:40]!r}.")
    return images


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


def stamp(folder: Path) -> tuple | None:
    """What changes when an artifact is written again; None where it is gone."""
    try:
        stat = os.stat(folder / "manifest.json")
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


def data_stamp(space: Space) -> tuple | None:
    """What changes when a space's images come, go or are prepared again."""
    return stamp(prepared.folder_of(space.dataset)) if space.dataset else None


def nbytes_of(space: Space) -> int:
    """Bytes of a space's tensors and table; images that are mapped from a file take none."""
    tensors = [space.parameters_NP, space.embeddings_NE, *space.model.state_dict().values()]
    if space.images is not None:
        tensors += [each for each in (*space.images.images.values(), *space.images.labels.values()) if isinstance(each, Tensor)]
    return sum(tensor.nbytes for tensor in tensors) + int(space.table.memory_usage(deep=True).sum())
