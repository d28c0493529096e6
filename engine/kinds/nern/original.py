"""The network that a NeRN represents, and how it is run with other kernels in the place of its own.

Legend: B images, C channels, K classes, F filters, M kernels.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ...archs import architecture
from ...archs.folding import followers, scale_and_shift
from ...archs.memory import lies_well
from ...core.artifacts import Store
from ...core.boundary import untrusted
from ...core.errors import InvalidValue
from ...core.seeds import generator
from ...datasets import Images, at_hand
from ...datasets.pixels import Pixels
from ...datasets.preprocessing import Preprocessing
from ...nets.networks import read

PIECE_PIXELS, CPU_PIXELS = 256 * 32 * 32, 64 * 32 * 32  # image pixels of one piece of work: on a CPU as many as the caches like

CHECKED, TOLERANCE = 8, 1e-3  # random images that an original is checked on once, and by how much of its largest logit it may differ
ROUNDED = 0.2  # the same where it computes in bfloat16
SIDES = (32, 8, 64, 28, 16, 96, 128, 224)  # pixels a side that are tried with modules of no known architecture
Convolution = nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)


@dataclass(frozen=True)
class Layer:
    """A convolution whose kernels a NeRN predicts. `dims` is its weight's shape (filters, channels, *kernel) as torch keeps it: of a
    grouped one the channels of a group, of a transposed one its inputs first; `start` and `stop` count kernels."""

    name: str
    dims: tuple[int, ...]
    start: int
    stop: int

    @property
    def filters(self) -> int:
        return self.dims[0]

    @property
    def channels(self) -> int:
        return self.dims[1]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a kernel; one row in one dimension."""
        *rows, columns = self.dims[2:]
        return (rows[0] if rows else 1), columns

    @property
    def shape(self) -> tuple[int, int]:
        return self.filters, self.channels


@dataclass(frozen=True)
class Original:
    """A trained network in evaluation mode, its `layers` to be represented (the others stay as they are)."""

    id: str
    title: str
    architecture: str
    dataset: str | None
    module: nn.Module
    layers: tuple[Layer, ...]
    preprocessing: Preprocessing | None = None  # of its images; None where nobody knows

    def images(self, device: str = "cpu") -> Images | None:
        """The images that it was trained on, as it wants them; None where they are not here."""
        found = at_hand(self.dataset, device, [architecture(self.architecture)] if self.architecture else ())
        return found and found.seen_by(self.preprocessing)

    @property
    def weights(self) -> list[Tensor]:
        """The kernels of each layer [F, C, *kernel]."""
        return [self.module.get_parameter(f"{layer.name}.weight").detach() for layer in self.layers]

    @property
    def shapes(self) -> list[tuple[int, int]]:
        return [layer.shape for layer in self.layers]

    @property
    def kernels(self) -> int:
        """How many kernels there are."""
        return self.layers[-1].stop if self.layers else 0

    @property
    def learnable(self) -> int:
        """Numbers in the kernels."""
        return sum(math.prod(layer.dims) for layer in self.layers)

    @cached_property
    def network(self) -> Network:
        """Raises InvalidValue where it cannot be run as it was given."""
        return self._network(torch.float32)

    @cached_property
    def coarse(self) -> Network:
        """The same with its products in bfloat16. Raises InvalidValue where it cannot be run so."""
        return self._network(torch.bfloat16)

    def _network(self, dtype: torch.dtype) -> Network:
        shape = architecture(self.architecture).input_shape if self.architecture else None
        return Network(self.module, [layer.name for layer in self.layers], shape, what=self.id, dtype=dtype)


def of_module(
    id_: str, module: nn.Module, dataset: str | None, arch_id: str = "", title: str = "", skip: Iterable[str] = (), needed: bool = True
) -> Original:
    """An original of a module: all its convolutions, but those whose names begin with a word of `skip`. Raises InvalidValue where one
    cannot be predicted, or none is left and some are `needed`."""
    layers, at, skip = [], 0, tuple(skip)
    for name, conv in convolutions(module):
        if any(name.startswith(word) for word in skip):
            continue
        if "weight" not in conv._parameters:
            raise InvalidValue(
                f"{id_}: the kernels of {name} are computed from other tensors (weight or spectral norm). "
                "Remove that first: torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight')."
            )
        if conv.weight.dtype != torch.float32:
            raise InvalidValue(
                f"{id_}: the kernels of {name} are {str(conv.weight.dtype).removeprefix('torch.')}. "
                "Give the module in float32: module.float()."
            )
        dims = tuple(conv.weight.shape)
        layers.append(Layer(name, dims, at, at + dims[0] * dims[1]))
        at += dims[0] * dims[1]
    if needed and not layers:
        raise InvalidValue(
            f"{id_} has no convolutions to represent{' that are not skipped' if skip else ''}. Choose a convolutional network."
        )
    return Original(id_, title or id_, arch_id, dataset, module.eval().requires_grad_(False), tuple(layers))


def convolutions(module: nn.Module) -> list[tuple[str, Convolution]]:
    return [(name, part) for name, part in module.named_modules() if isinstance(part, CONVOLUTIONS)]


def load_original(store: Store, id_: str, device: str = "cpu", skip: Iterable[str] = (), needed: bool = True) -> Original:
    """The network of an artifact, whatever made it; without convolutions only where none are `needed`. Raises UnknownId,
    CorruptArtifact, CheckpointMismatch, InvalidValue."""
    net = read(store, id_)
    found = of_module(id_, net.module(device), net.dataset, net.arch.id, net.manifest.title, skip, needed)
    return replace(found, preprocessing=net.preprocessing)


class Network:
    """A module that runs with given kernels, as fast as a plain forward goes: batch norm (in evaluation mode a scale and a shift
    for each filter) is folded into the layer whose output it alone reads, tensors are channels-last.

    The kernels that it is given are those of the module as it was, before folding. Feature maps are the convolutions'
    outputs, such a batch norm included, before the activation. Not for two threads at once. A module that does more with a part
    than to call it (reads a folded norm's tensors, hooks it) keeps its batch norms.

    `shape` is that of one input, (C, H, W) of an image, found by trying where it is not given. What is built is run once beside the
    module as it was, on random images: raises InvalidValue where the logits differ.

    In bfloat16 (`dtype`) kernels are scaled in float32 and rounded then, images and all other tensors are rounded, feature maps are
    bfloat16 and logits float32 again.
    """

    def __init__(
        self,
        module: nn.Module,
        names: Sequence[str],
        shape: tuple[int, ...] | None = None,
        fold: bool = True,
        channels_last: bool = True,
        what: str = "The network",
        dtype: torch.dtype = torch.float32,
    ):
        self.names, self.dtype = list(names), torch.float32
        self.maps: dict[str, Tensor] | None = None  # those of the call, where they are wanted
        given = [module.get_parameter(f"{name}.weight") for name in names]
        shape = shape or shape_of(module)
        channels_last = channels_last and len(shape) == 3
        self._build(module, {}, False, channels_last)
        images_BCHW = random_images(shape, next(module.parameters()).device)
        with (
            untrusted(what, InvalidValue, "It must take images [B, C, H, W] in float32 and answer with logits [B, classes]."),
            torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
        ):
            norms, expected_BK = followers(self.module, images_BCHW)
            for folded in (True, False) if fold and norms else (fold,):
                self._build(module, norms, folded, channels_last)
                try:
                    with torch.no_grad():
                        check_same(expected_BK, self(given, images_BCHW)[0], what)
                    break
                except Exception:  # where a module does more with a part than to call it, that part must stay: slower, but the same
                    if not folded or not norms:
                        raise
        if dtype != torch.float32:
            self._round(dtype, given, images_BCHW, expected_BK, what)

    @torch.no_grad()
    def _round(self, dtype: torch.dtype, given: Sequence[Tensor], images_BCHW: Tensor, expected_BK: Tensor, what: str) -> None:
        self.module, self.dtype = self.module.to(dtype), dtype
        with untrusted(what, InvalidValue, "It does not run in bfloat16: train in float32."):
            check_same(expected_BK, self(given, images_BCHW)[0], what, ROUNDED)

    def _build(self, module: nn.Module, norms: dict[str, str], folded: bool, channels_last: bool) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.layout = torch.channels_last if channels_last and lies_well(self.module) else torch.contiguous_format
        self.scales: dict[str, Tensor] = {}
        for name, norm in norms.items() if folded else ():
            self._fold(name, norm)
        for name in self.names:
            seen = self.module.get_submodule(norms[name] if name in norms and not folded else name)
            seen.register_forward_hook(partial(self._note, name))

    def _note(self, name: str, part: nn.Module, inputs: tuple, output: Tensor) -> None:
        if self.maps is not None:
            self.maps[name] = output

    def _fold(self, name: str, norm_name: str) -> None:
        layer, norm = self.module.get_submodule(name), self.module.get_submodule(norm_name)
        scale_F, shift_F = scale_and_shift(norm)
        weight, bias_F = layer.get_parameter("weight"), layer._parameters["bias"]
        shift_F = shift_F + (0 if bias_F is None else bias_F * scale_F)
        layer.bias = nn.Parameter(shift_F.detach(), requires_grad=False)
        parent, _, last = norm_name.rpartition(".")
        setattr(self.module.get_submodule(parent), last, nn.Identity())
        scale = scale_F.detach().view(-1, *(1,) * (weight.dim() - 1))
        if name in self.names:
            self.scales[name] = scale
        else:
            layer.weight = nn.Parameter(weight * scale, requires_grad=False)

    def __call__(self, weights: Sequence[Tensor], images_BCHW: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(logits [B, K], feature map [B, F, H, W] of each layer) with these kernels [F, C, *kernel] of each layer."""
        self.maps = {}
        try:
            logits_BK = self.logits(weights, images_BCHW)
            if missing := [name for name in self.names if name not in self.maps]:
                raise InvalidValue(
                    f"The network does not call its convolution {missing[0]}, so that its output cannot be read. Skip that layer."
                )
            return logits_BK, [self.maps[name] for name in self.names]
        finally:
            self.maps = None

    def logits(self, weights: Sequence[Tensor], images_BCHW: Tensor) -> Tensor:
        """The logits [B, K] alone: no layer's output is kept, which saves a tenth of the time."""
        tensors = {}
        for name, weight in zip(self.names, weights, strict=True):
            scaled = weight * self.scales[name] if name in self.scales else weight
            tensors[f"{name}.weight"] = scaled.to(self.dtype).contiguous(memory_format=self.layout)
        images_BCHW = images_BCHW.to(self.dtype).contiguous(memory_format=self.layout)
        answer = functional_call(self.module, tensors, (images_BCHW,), tie_weights=False)
        return answer.float() if torch.is_tensor(answer) else answer  # what is none is refused where a network is read


def noise(architecture_id: str, count: int, *seeds: int) -> Tensor:
    """`count` inputs of an architecture, uniform noise in -1..1 (paper, 4.4)."""
    shape = architecture(architecture_id).input_shape
    return torch.rand(count, *shape, generator=generator(*seeds)) * 2 - 1


@torch.no_grad()
def logits(network: Network, weights: Sequence[Tensor], images_BCHW: Tensor | Pixels) -> Tensor:
    """Logits [B, K], piece by piece."""
    piece = max(1, (CPU_PIXELS if images_BCHW.device.type == "cpu" else PIECE_PIXELS) // (images_BCHW.shape[-2] * images_BCHW.shape[-1]))
    return torch.cat([network.logits(weights, part_BCHW) for part_BCHW in images_BCHW.split(piece)])


def random_images(shape: tuple[int, ...], device: torch.device | str) -> Tensor:
    """CHECKED normal images [B, C, H, W], always the same."""
    return torch.randn(CHECKED, *shape, generator=torch.Generator().manual_seed(0)).to(device)


def shape_of(module: nn.Module) -> tuple[int, ...]:
    """(C, H, W) of the images that a module of no known architecture takes: the first of SIDES that it runs with. Raises
    InvalidValue."""
    twin, counts = copy.deepcopy(module).eval().to("meta"), dict.fromkeys(conv.in_channels for _, conv in convolutions(module))
    for channels, side in itertools.product(counts, SIDES):
        with contextlib.suppress(RuntimeError, ValueError, IndexError):
            twin(torch.zeros(2, channels, side, side, device="meta"))
            return channels, side, side
    raise InvalidValue(f"The network does not take square images of {', '.join(map(str, SIDES))} pixels a side. Name its architecture.")


def check_same(given_BK: Tensor, kept_BK: Tensor, what: str, tolerance: float = TOLERANCE) -> None:
    """Raises InvalidValue where logits are not those of the network as it was given, but for rounding."""
    if not isinstance(given_BK, Tensor) or not given_BK.is_floating_point() or given_BK.dim() != 2 or len(given_BK) != len(kept_BK):
        is_tensor = isinstance(given_BK, Tensor)
        given = f"a tensor of shape {list(given_BK.shape)}" if is_tensor else f"a {type(given_BK).__name__}"
        raise InvalidValue(
            f"{what} must answer images with logits [B, classes], and answers with {given}. Give the part of it that classifies."
        )
    if not given_BK.isfinite().all():
        raise InvalidValue(f"{what} answers ordinary images with NaN or infinity. Fetch or train it again.")
    gap, size = float((given_BK - kept_BK).abs().max()), float(given_BK.abs().max())
    if not gap <= tolerance * max(size, 1e-6):
        raise InvalidValue(
            f"{what} cannot be used: prepared for fast answers its logits are off by {gap:.2g} of {size:.2g}. "
            "Save it with its batch norm folded, and import that."
        )
