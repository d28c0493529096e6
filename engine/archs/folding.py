"""Batch norm folded into the convolution or linear layer before it (paper, Suppl. VI); which one that is, the data flow says.

Legend: B images, C channels, H x W pixels, K classes.
"""

from __future__ import annotations

import copy
from collections import Counter

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from .graph.module import GraphNet

STATISTICS = 4096  # images are enough for a mean and a variance per channel
SHAPES = {
    "size",
    "dim",
    "ndimension",
    "numel",
    "nelement",
    "stride",
    "is_contiguous",
    "is_floating_point",
    "get_device",
}  # functions that read no values
FOLDABLE = {nn.Conv2d: nn.BatchNorm2d, nn.Linear: nn.BatchNorm1d}  # exactly these: a subclass may do something else with its weight


@torch.no_grad()
def measure_statistics(module: nn.Module, images_BCHW: Tensor) -> nn.Module:
    """A copy whose batch norms hold the mean and variance over the given images (the first STATISTICS), ready for `eval()` and for
    folding.

    The statistics are those of one pass with batch statistics ("precise batch norm"), so they do not depend on the order in
    which training met the images.
    """
    module = with_running_statistics(copy.deepcopy(module).train(), images_BCHW.device)
    for norm in batch_norms(module):
        norm.momentum = None
    module(images_BCHW[:STATISTICS])
    return module.eval()


def with_running_statistics(module: nn.Module, device: torch.device | None = None) -> nn.Module:
    """The module itself, its batch norms with running statistics: zeros and ones."""
    for norm in batch_norms(module):
        norm.track_running_stats = True
        norm.register_buffer("running_mean", torch.zeros(norm.num_features, device=device))
        norm.register_buffer("running_var", torch.ones(norm.num_features, device=device))
        norm.register_buffer("num_batches_tracked", torch.tensor(0))
    return module


def fold_batch_norm(module: nn.Module) -> nn.Module:
    """An equal module without batch norm: each ConvNorm's `conv` takes scale and bias over, its `norm` becomes None.

    `module` is in eval mode with measured statistics. Modules without batch norm come back as a copy; one that is given by a graph
    folds by that.
    """
    if isinstance(module, GraphNet):
        return module.folded()
    module = copy.deepcopy(module)
    for part in module.modules():
        conv, norm = getattr(part, "conv", None), getattr(part, "norm", None)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None, "measure_statistics comes first"
            part.conv = fuse_conv_bn_eval(conv, norm)
            part.register_module("norm", None)
    return module


def batch_norms(module: nn.Module) -> list[nn.BatchNorm2d | nn.BatchNorm1d]:
    return [part for part in module.modules() if isinstance(part, (nn.BatchNorm2d, nn.BatchNorm1d))]


class _Reads(TorchFunctionMode):
    """Counts who reads the tensors in `watched` (id -> tensor, kept alive by it)."""

    def __init__(self):
        super().__init__()
        self.watched: dict[int, Tensor] = {}
        self.count: Counter[int] = Counter()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        name = getattr(function, "__name__", "")
        if name not in SHAPES and not (name == "__get__" and not isinstance(result, Tensor)):
            self.count.update(id(leaf) for leaf in tree_leaves((args, kwargs)) if id(leaf) in self.watched)
        return result


@torch.no_grad()
def followers(module: nn.Module, images_BCHW: Tensor) -> tuple[dict[str, str], Tensor]:
    """(layer -> the batch norm that may be folded into it, by name; the logits [B, K]) of a module in evaluation mode, from one
    run over some images.

    A pair is a batch norm with running statistics whose input is what a convolution (or linear layer) gave, where nothing else
    reads that and each of the two is called once. How they were registered does not matter.
    """
    made: dict[int, str] = {}
    calls: Counter[str] = Counter()
    fed: dict[str, int] = {}  # batch norm -> id of its input, where a layer gave that
    parts, handles, reads = dict(module.named_modules()), [], _Reads()

    def gave(name: str):
        def hook(part: nn.Module, inputs: tuple, output: Tensor) -> None:
            calls[name] += 1
            made[id(output)], reads.watched[id(output)] = name, output

        return hook

    def took(name: str):
        def hook(part: nn.Module, inputs: tuple, named: dict) -> None:
            calls[name] += 1
            inputs = (*inputs, *named.values())
            if id(inputs[0]) in made:  # looked up now: the id of a tensor that is gone may be another's later
                fed[name] = id(inputs[0])

        return hook

    for name, part in parts.items():
        if type(part) in FOLDABLE and not part._forward_pre_hooks:  # such a hook makes its weight anew at each call
            handles.append(part.register_forward_hook(gave(name)))
        elif type(part) in FOLDABLE.values() and part.running_mean is not None:
            handles.append(part.register_forward_pre_hook(took(name), with_kwargs=True))
    try:
        with reads:
            logits_BK = module(images_BCHW)
    finally:
        for handle in handles:
            handle.remove()
    reads.count.update(id(leaf) for leaf in tree_leaves(logits_BK) if id(leaf) in reads.watched)
    found = {}
    for norm, tensor in fed.items():
        layer = made[tensor]
        if calls[layer] != 1 or calls[norm] != 1 or reads.count[tensor] != 1:
            continue
        flat = reads.watched[tensor].dim() == 2  # a batch norm over [B, L, C] counts L for its channels, a linear layer C
        if type(parts[norm]) is FOLDABLE[type(parts[layer])] and (flat or type(parts[layer]) is nn.Conv2d):
            found[layer] = norm
    return found, logits_BK


def scale_and_shift(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """What a batch norm multiplies with and adds in evaluation mode, both [C]."""
    assert isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d)) and norm.running_mean is not None and norm.running_var is not None
    scale_C = (norm.running_var + norm.eps).rsqrt() if norm.weight is None else norm.weight / (norm.running_var + norm.eps).sqrt()
    shift_C = -norm.running_mean * scale_C if norm.bias is None else norm.bias - norm.running_mean * scale_C
    return scale_C, shift_C
