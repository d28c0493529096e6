"""NeRNs and originals in the host's memory, and what the page asks of them; everything that computes runs on the host's device thread.

Legend: B images, K classes, F filters, C channels, M kernels, V values of a kernel.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from .. import datasets
from ..archs import architecture
from ..core.errors import InvalidValue, closest
from ..datasets import prepared
from ..kinds.nern.compress import check, compressed, stored_bytes
from ..kinds.nern.evaluate import smoothness_of
from ..kinds.nern.loading import load_nern
from ..kinds.nern.losses import weight_error
from ..kinds.nern.nern import Nern, sizes
from ..kinds.nern.original import Layer, Original, load_original, logits
from ..kinds.nern.permutations import KINDS, bits, permutation, permutations
from ..nets.answers import Accuracy
from ..nets.fast import hardware_dtype
from ..tasks.images.live import PIECE_PIXELS, image_count, live_images
from .cache import Held, nbytes_of, stamp
from .export import described
from .host import Host

WIDE = 100_000  # kernel weights of an original from which on more cores are faster than one
ENDS = 10  # filters of either end in the picture of importance (paper, fig. 5)
KERNELS_LIMIT = 4096  # of one answer
IMAGES_LIMIT = 12


@dataclass(kw_only=True)
class Hosted(Held):
    """An original in memory, with its NeRN where one is looked at, its images where they are here, and what was computed once."""

    original: Original
    nern: Nern | None
    images: datasets.Images | None

    @property
    def needed_nern(self) -> Nern:
        """Raises InvalidValue where an original is looked at alone."""
        if self.nern is None:
            raise InvalidValue(f"{self.original.id} is an original: name a NeRN of it instead.")
        return self.nern

    def layer(self, name: object) -> tuple[int, Layer]:
        """A layer by its name. Raises InvalidValue."""
        for index, layer in enumerate(self.original.layers):
            if layer.name == name:
                return index, layer
        raise InvalidValue(
            f"{self.original.id} has no layer {str(name)[:60]!r} to look "
            f"at.{closest(str(name), [layer.name for layer in self.original.layers])}"
        )


def shown_first(found: Hosted) -> str:
    """The layer that a newcomer sees, by its name: the second, for the first reads the image alone. "" where there is none."""
    return "".join(layer.name for layer in found.original.layers[:2][-1:])


def hosted(host: Host, original: str | None = None, nern: str | None = None) -> Hosted:
    """The NeRN of that id (with its original), or the original alone; read if it is not in memory or has changed on disk."""
    key = ("nern", nern) if nern else ("original", str(original))
    return host.cache.get(key, lambda: read(host, original, nern))


def read(host: Host, original: str | None, nern: str | None) -> Hosted:
    device = str(host.device)
    ids = [nern, *host.store.open(nern, "nern").manifest.inputs] if nern else [original]
    folders = [host.store.open(str(id_)).folder for id_ in ids]
    before = tuple(map(stamp, folders))
    loaded = load_nern(host.store, nern, device) if nern else None
    network = loaded.original if loaded else load_original(host.store, str(original), device, needed=False)
    if network.dataset:  # images that come later
        folders.append(prepared.folder_of(network.dataset))
        before = (*before, stamp(folders[-1]))
    images = network.images(device)
    mapped = None if images is None else (images.images, images.labels)
    predictor = loaded and (loaded.predictor.state_dict(), [group.inputs for group in loaded.places.groups])
    held = nbytes_of((network.module.state_dict(), predictor, mapped))
    return Hosted(
        stamp_now=lambda: tuple(map(stamp, folders)), stamp=before, own_bytes=held, original=network, nern=loaded, images=images
    )


def run(host: Host, found: Hosted) -> Callable:
    """How the host computes with that network: on all cores, if it is large enough to fill them."""
    return host.run_wide if found.original.learnable >= WIDE else host.run


@dataclass(frozen=True)
class Look:
    """A predictor as the sliders have it: the share of pruned weights, and the bits of those that are left."""

    prune: float = 0.0
    bits: int = 32

    def __post_init__(self):
        check(self.prune, self.bits)


def live_dtype(host: Host, found: Hosted, n: int) -> torch.dtype:
    """What kernels are predicted in for an answer on the first n test images: where these are as few as while a thumb moves, and the
    network is large, in what a CPU multiplies fastest; else in float32."""
    assert found.images is not None
    shape = found.images.images["test"].shape
    fast = n <= live_images(shape) < shape[0] and host.device.type == "cpu" and found.original.learnable >= WIDE
    return hardware_dtype() if fast else torch.float32


def weights(host: Host, found: Hosted, look: Look, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """The reconstructed kernels; those of the last look are kept."""
    if (known := found.latest("weights", (look, dtype))) is not None:
        return known
    nern = found.needed_nern
    ours = run(host, found)(lambda: nern.weights(compressed(nern.predictor, look.prune, look.bits), dtype))
    found.note("weights", (look, dtype), ours)
    return ours


def seen_weights(host: Host, found: Hosted, look: Look) -> list[Tensor]:
    """The same to be looked at: those that a figure of this look has just been measured with, whatever they were predicted in."""
    known = found.latest("weights", (look, hardware_dtype()))
    return weights(host, found, look) if known is None else known


def figure(right_B: Tensor) -> dict:
    """A share with its interval."""
    found = Accuracy(int(right_B.sum()), len(right_B))
    return {"value": found.value, "low": found.low, "high": found.high, "right": found.right, "n": found.n}


def answers(host: Host, found: Hosted, key: str, of: object, weights: list[Tensor], n: int) -> Tensor:
    """What the network says with the kernels `weights` on the first `n` test images, int64 [n]. Those of the last `of` are kept under
    `key`, so that more images cost only themselves; the device turns to others after each piece of them."""
    assert found.images is not None
    known_B = found.latest(key, of)  # two people may ask at once: each returns what it read or made itself
    if known_B is None:
        known_B = torch.zeros(0, dtype=torch.int64, device=host.device)
    if len(known_B) < n:
        images_BCHW = found.images.images["test"]
        piece = max(1, PIECE_PIXELS // (images_BCHW.shape[-2] * images_BCHW.shape[-1]))
        parts = [images_BCHW[first : min(n, first + piece)] for first in range(len(known_B), n, piece)]
        known_B = torch.cat(
            [known_B, *(run(host, found)(logits, found.original.network, weights, part_BCHW).argmax(-1) for part_BCHW in parts)]
        )
        found.note(key, of, known_B)
    return known_B[:n]


def measure(host: Host, id_: str, look: Look, images: int | str | None) -> dict:
    """Accuracies of original and reconstructed network on the same test images, their agreement, and the sizes in bytes; `dtype` is what
    the kernels were predicted in."""
    found = hosted(host, nern=id_)
    nern, data = found.needed_nern, found.images
    n = 0 if data is None else image_count(images, lambda: data)
    dtype = live_dtype(host, found, n) if n else torch.float32
    ours = weights(host, found, look, dtype)
    exact = sizes(nern.config, nern.original)
    predictor = stored_bytes(nern.predictor, look.prune, look.bits)
    answer = {
        "prune": look.prune,
        "bits": look.bits,
        "weight_error": run(host, found)(weight_error, ours, nern.original.weights),
        "sizes": {**exact, "predictor": predictor, "ratio": (predictor + exact["permutation"]) / exact["learnable"]},
    }
    if data is None:
        return answer
    labels_B, theirs_B = data.labels["test"][:n], answers(host, found, "theirs", None, nern.original.weights, n)
    ours_B = answers(host, found, "ours", (look, dtype), ours, n)
    accuracy = {
        "reconstructed": figure(ours_B == labels_B),
        "original": figure(theirs_B == labels_B),
        "agreement": figure(ours_B == theirs_B),
    }
    said = {"split": "test", "total": len(data.labels["test"]), "dtype": str(dtype).removeprefix("torch.")}
    return answer | said | accuracy


def order_of(found: Hosted, index: int, kind: str) -> np.ndarray:
    """Permutation of a layer, the NeRN's own or computed once."""
    if kind not in KINDS:
        raise InvalidValue(f"There is no order {str(kind)[:40]!r}: use one of {', '.join(KINDS)}.")
    if found.nern is not None and found.nern.config.permutation == kind:
        return found.nern.places.orders[index]
    if (known := found.known(("orders", kind))) is not None:
        return known[index]
    return found.once((index, kind), lambda: permutation(found.original.weights[index].cpu().numpy(), kind))


def orders(found: Hosted, kind: str) -> list[np.ndarray]:
    """Permutations of all layers, the NeRN's own or computed once."""
    if found.nern is not None and found.nern.config.permutation == kind:
        return found.nern.places.orders
    return found.once(("orders", kind), lambda: permutations([weight.cpu().numpy() for weight in found.original.weights], kind))


def kernels(host: Host, found: Hosted, look: Look, layer: object, first: int, count: int, order: str) -> tuple[dict, dict[str, np.ndarray]]:
    """Kernels of some filters of a layer, float32 [filters, channels, V]: `original` and, of a NeRN, `reconstructed`; `index` [filters,
    channels] is the number f C + c of each. `order`: "none" as in the network, else as permuted."""
    index, layer = found.layer(layer)
    if (
        isinstance(first, bool)
        or not isinstance(first, int)
        or not 0 <= first < layer.filters
        or isinstance(count, bool)
        or not isinstance(count, int)
        or count < 1
    ):
        raise InvalidValue(f"{layer.name} has the filters 0 to {layer.filters - 1}: ask for some of them.")
    count = min(count, layer.filters - first, max(1, KERNELS_LIMIT // layer.channels))
    places = slice(first * layer.channels, (first + count) * layer.channels)
    index_FC = np.ascontiguousarray(order_of(found, index, order)[places]).reshape(count, layer.channels)

    def pick(weight: Tensor) -> np.ndarray:
        return weight.flatten(2).flatten(0, 1).cpu().numpy()[index_FC]

    original = pick(found.original.weights[index])
    arrays = {"original": original, "index": index_FC.astype(np.float32)}
    if found.nern is not None:
        arrays["reconstructed"] = pick(seen_weights(host, found, look)[index])
    whole = found.original.weights[index]
    high = float(torch.quantile(whole.abs().flatten()[:: max(1, whole.numel() // 1_000_000)], 0.99)) or 1.0
    return {
        "layer": layer.name,
        "filters": layer.filters,
        "channels": layer.channels,
        "size": layer.size,
        "first": first,
        "order": order,
        "prune": look.prune,
        "high": high,
    }, arrays


def importance(host: Host, found: Hosted, look: Look, layer: object, class_: int | None, count: int) -> tuple[dict, dict[str, np.ndarray]]:
    """Filters of a layer by relative reconstruction error |predicted - original| / |original|, and on some test images the original's
    feature maps, averaged over the ten filters of least and of greatest error (paper, 5 and fig. 5 right)."""
    index, layer = found.layer(layer)
    theirs, ours = found.original.weights[index], weights(host, found, look)[index]
    error_F = ((ours - theirs).flatten(1).norm(dim=1) / theirs.flatten(1).norm(dim=1).clamp_min(1e-12)).cpu()
    order_F = error_F.argsort(stable=True)
    ends = min(ENDS, layer.filters // 2 or 1)
    best_F, worst_F = order_F[:ends], order_F[-ends:].flip(0)
    header = {"layer": layer.name, "best_filters": best_F.tolist(), "worst_filters": worst_F.tolist(), "classes": [], "labels": []}
    arrays = {"error": error_F.numpy().astype(np.float32)}
    data = found.images
    if data is None:
        return header, arrays
    labels_B = data.labels["test"].cpu()
    if class_ is not None and (isinstance(class_, bool) or not isinstance(class_, int) or not 0 <= class_ < len(data.classes)):
        raise InvalidValue(f"class must be a number from 0 to {len(data.classes) - 1}, or null for some of all.")
    rows_B = torch.arange(len(labels_B)) if class_ is None else torch.nonzero(labels_B == class_)[:, 0]
    rows_B = rows_B[: min(IMAGES_LIMIT, max(1, int(count)))]
    images_BCHW = data.images["test"][rows_B.to(data.images["test"].device)]
    maps_BFHW = run(host, found)(found.original.network, found.original.weights, images_BCHW)[1][index].relu().cpu()
    if maps_BFHW.dim() != 4 or maps_BFHW.shape[1] != layer.filters:  # of a transposed convolution, whose maps are its channels'
        return header, arrays
    arrays["images"] = ((images_BCHW.mean(1) - data.low) / (data.high - data.low)).clamp(0, 1).cpu().numpy().astype(np.float32)
    arrays["best"], arrays["worst"] = (maps_BFHW[:, chosen_F].mean(1).numpy() for chosen_F in (best_F, worst_F))
    return header | {"classes": list(data.classes), "labels": labels_B[rows_B].tolist()}, arrays


def smooth(host: Host, found: Hosted) -> dict:
    """Eq. 6 of each layer in each order, and the bits of each kind of permutation."""
    rows = found.once("smooth", lambda: smoothness_of(found.original.weights, {kind: orders(found, kind) for kind in KINDS}))
    shapes = found.original.shapes
    return {
        "layers": [
            {"name": layer.name, "filters": layer.filters, "channels": layer.channels, "size": layer.size, **row}
            for layer, row in zip(found.original.layers, rows)
        ],
        "bits": {kind: bits(shapes, kind) for kind in KINDS},
        "learnable_bits": 32 * found.original.learnable,
    }


def state_bytes(host: Host, id_: str, look: Look) -> bytes:
    """The reconstructed network as a .safetensors file: the original's state dict with the predicted kernels; what it is in the
    metadata."""
    found = hosted(host, nern=id_)
    state = found.needed_nern.state(weights(host, found, look))
    measured = measure(host, id_, look, "all")
    kept = {name: measured[name] for name in ("reconstructed", "agreement") if name in measured}
    metadata = described(architecture(found.original.architecture), found.original.preprocessing) | {
        "nern": id_,
        "original": found.original.id,
        "prune": str(look.prune),
        "bits": str(look.bits),
        "metrics": json.dumps(kept),
    }
    return save({name: tensor.cpu().contiguous() for name, tensor in state.items()}, metadata)
