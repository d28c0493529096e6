"""Training a NeRN (paper, 3.2), as a trainee of the one resumable loop.

Legend: M kernels, D numbers of an embedding, K values of a kernel, B images, N looks at validation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ...core.errors import DataMissing
from ...core.seeds import generator
from ...datasets import Images
from ...datasets.pixels import Pixels, parts
from ...learn.trainee import Choosing, cosine
from . import losses
from .config import NernConfig
from .nern import Places
from .original import logits, noise
from .predictor import Predictor, Predictors, start, together
from .sampling import sample

SLOW, AHEAD = 6, 0.5  # of Lookahead: every so many steps, so far towards the fast weights
MOMENTS = ("exp_avg", "exp_avg_sq", "slow_buffer")
KNOWN_BYTES = 256 << 20  # of feature maps that are kept instead of computed again
VALIDATION_IMAGES = 512  # of noise, where there are no images
CURVES = ("step", "loss", "reconstruction", "distillation", "features", "weight_error", "val_divergence", "val_agreement", "val_accuracy")


def ranger(parameters, lr: float, betas: tuple[float, float], weight_decay: float) -> torch.optim.Optimizer:
    """RAdam in Lookahead, without gradient centralisation; unadapted steps while the variance is not known, as in RAdam. Its
    state is there from the start, so that every checkpoint has one form."""
    from pytorch_optimizer import Ranger  # a second, which only training waits for

    optimizer = Ranger(
        parameters, lr=lr, betas=betas, weight_decay=weight_decay, k=SLOW, alpha=AHEAD, use_gc=False, degenerated_to_sgd=True
    )
    for parameter in optimizer.param_groups[0]["params"]:
        optimizer.state[parameter] = {
            name: parameter.detach().clone() if name == "slow_buffer" else torch.zeros_like(parameter) for name in MOMENTS
        }
    return optimizer


def check_images(config: NernConfig, original: str, dataset: str | None, images: Images | None) -> None:
    """Raises DataMissing where a NeRN is to be distilled on images that are not here."""
    if config.distils and config.inputs == "data" and images is None:
        raise DataMissing(
            f"{original} was trained on {dataset or 'images that are not named'}, and those are not on this machine. "
            "Train without them: --inputs noise, or --inputs none."
        )


class NernTraining(Choosing):
    """A NeRN as a trainee; the predictor of the best look at validation is kept beside.

    The best is the one whose network diverges least from the original (eq. 5) on validation images, without their labels;
    on noise where it is trained on noise; where nothing is distilled, the one with the smallest weight error. With `first`
    training goes on from that predictor, with a new optimiser.
    """

    def __init__(self, config: NernConfig, places: Places, images: Images | None, first: Predictor | Predictors | None = None):
        self.config, self.places, self.original = config, places, places.original
        check_images(config, self.original.id, self.original.dataset, images)
        self.images, self.total = images, config.steps
        self.val = None if images is None else images.first(config.measured)
        self.device = places.groups[0].slot_M.device
        self.network, self.weights = self.original.network, self.original.weights
        self.trained = self.original.coarse if config.bf16 and config.distils else self.network  # what a step runs
        self.sizes = [layer.stop - layer.start for layer in self.original.layers]
        self.norm_M = torch.cat([weight.flatten(2).norm(dim=-1).flatten() for weight in self.weights]).cpu()
        self.predictor = self._start().to(self.device)
        if first is not None:
            self.predictor.load_state_dict(first.state_dict())
        super().__init__(self.predictor)
        self.optimizer = ranger(self.predictor.parameters(), config.lr, config.betas, config.weight_decay)
        self.whole = places.whole() if config.partial else None
        self.curves = torch.zeros(-(-self.total // config.validate_every), len(CURVES))
        self.known: tuple[Tensor, list[Tensor]] | None = None
        if config.distils and config.inputs == "data":
            assert images is not None, "`check_images` says so"
            if self._fits(images.images["train"]):
                self.known = self._answers(images.images["train"])
        self.val_BCHW = self._validation_images()
        with torch.no_grad():
            self.val_BK = None if self.val_BCHW is None else logits(self.network, self.weights, self.val_BCHW)

    def _start(self) -> Predictor | Predictors:
        """The predictor of each group before its first step."""
        config, random, parts = self.config, generator(self.config.seed, 41), []
        for group in self.places.groups:
            values = torch.cat([self.weights[number].flatten() for number in group.layers])
            mean, deviation = float(values.mean()), float(values.std()) if len(values) > 1 else 0.0
            outputs, matched = math.prod(group.kernel), config.init == "original"
            parts.append(start(6 * config.levels, config.hidden, outputs, group.inputs.to("cpu"), mean, deviation, random, matched))
        return together(self.places.kernels, parts)

    def _validation_images(self) -> Tensor | None:
        if self.config.inputs == "data" and self.val is not None:
            return self.val.images["val"]
        if self.config.inputs == "noise":
            return self._noise(VALIDATION_IMAGES, 43)
        return None

    def _noise(self, count: int, *seeds: int) -> Tensor:
        """Uniform noise in -1..1 [B, C, H, W] (paper, 4.4)."""
        return noise(self.original.architecture, count, self.config.seed, *seeds).to(self.device)

    def rate(self, step: int) -> float:
        """Learning rate: a cosine from `lr` to `lr_end`."""
        config = self.config
        return cosine(step, self.total, config.lr, config.lr_end)

    def batch(self, index: int) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Images of a step [B, C, H, W], and the original's logits [B, K] and feature maps (rows [B, X] of each layer) on them."""
        if self.config.inputs == "noise":
            images_BCHW = self._noise(self.config.images, 44, index)
            return images_BCHW, *self._answers(images_BCHW)
        picks_B, images_BCHW = self.drawn(index)
        if self.known is None:
            return images_BCHW, *self._answers(images_BCHW)
        return images_BCHW, self.known[0][picks_B], [rows_BX[picks_B] for rows_BX in self.known[1]]

    def drawn(self, index: int) -> tuple[Tensor, Tensor]:
        """The training images of a step: which, int64 [B], and they themselves [B, C, H, W]."""
        assert self.images is not None, "`check_images` says so"
        train_BCHW = self.images.images["train"]
        picks_B = torch.randperm(len(train_BCHW), generator=generator(self.config.seed, 42, index))[: self.config.images].to(self.device)
        return picks_B, train_BCHW[picks_B]

    @torch.no_grad()
    def _answers(self, images_BCHW: Tensor | Pixels) -> tuple[Tensor, list[Tensor]]:
        if not self.config.features:
            return logits(self.trained, self.weights, images_BCHW), []
        found = [self.trained(self.weights, part_BCHW) for part_BCHW in parts(images_BCHW)]
        rows = [torch.cat([losses.flat(maps[layer]) for _, maps in found]) for layer in range(len(self.weights))]
        return torch.cat([logits_BK for logits_BK, _ in found]), rows

    def _fits(self, images_BCHW: Tensor) -> bool:
        """Whether the original's feature maps on all training images are few enough to be computed once."""
        one = self._answers(images_BCHW[:1])[1]
        return len(images_BCHW) * sum(rows_BX.nbytes for rows_BX in one) <= KNOWN_BYTES

    def predict(self, index: int) -> list[Tensor]:
        """The kernels of every layer, those of the step's sample with a gradient."""
        picks_B = self._picks(index)
        if picks_B is None:
            return self.places.weights(self.predictor)
        kernels = []
        for part, group in zip(self.predictor.parts, self.places.groups):
            with torch.no_grad():
                kernels_MK = part(group.inputs)
            here_B = group.picked(picks_B)
            kernels.append(kernels_MK.index_copy(0, here_B, part(group.inputs, here_B)))
        return self.places.split(kernels)

    def _picks(self, index: int) -> Tensor | None:
        """The kernels of a step's sample; None for all."""
        picks_B = sample(self.config.sampling, self.sizes, self.norm_M, self.config.batch, generator(self.config.seed, 45, index))
        return None if picks_B is None else picks_B.to(self.device)

    def sampled(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Eq. 3 of the step's sample alone."""
        picks_B = self._picks(index)
        if picks_B is None or self.whole is None:
            return self.objective(self.predict(index), None)
        squares, counts = [], []
        for part, group, whole in zip(self.predictor.parts, self.places.groups, self.whole, strict=True):
            here_B = group.picked(picks_B)
            kernels_BK, counts_BK = (each_MK[here_B] for each_MK in whole)
            squares.append(((part(group.inputs, here_B) - kernels_BK) * counts_BK).square().sum())
            counts.append(counts_BK.sum())
        error = (torch.stack(squares).sum() / torch.stack(counts).sum()).sqrt()
        return self.config.reconstruction * error, {"reconstruction": error}

    def objective(self, predicted: Sequence[Tensor], batch: tuple[Tensor, Tensor, list[Tensor]] | None) -> tuple[Tensor, dict[str, Tensor]]:
        """Eq. 2 and its terms."""
        config = self.config
        terms = {"reconstruction": losses.reconstruction(predicted, self.weights)}
        if batch is not None:
            images_BCHW, logits_BK, rows = batch
            predicted_BK, maps = self.trained(predicted, images_BCHW)
            terms["distillation"] = losses.distillation(predicted_BK, logits_BK)
            if config.features:
                terms["features"] = losses.feature_maps(maps, rows)
        return losses.total(getattr(config, name) * term for name, term in terms.items()), terms

    def step(self, index: int) -> dict[str, float]:
        config = self.config
        loss, terms = (
            self.sampled(index) if config.partial else self.objective(self.predict(index), self.batch(index) if config.distils else None)
        )
        group = self.optimizer.param_groups[0]
        group["lr"], group["step"] = self.rate(index), index
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        metrics = {"loss": loss.item()} | {name: term.item() for name, term in terms.items()}
        if (index + 1) % config.validate_every == 0 or index + 1 == self.total:
            metrics |= self.validate()
            row = [float(index + 1)] + [metrics.get(name, math.nan) for name in CURVES[1:]]
            self.curves[index // config.validate_every] = torch.tensor(row)
        return metrics

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """`weight_error`, and on validation images (or noise) `val_divergence`, `val_agreement` and (images) `val_accuracy`."""
        predicted = self.places.weights(self.predictor)
        found = {"weight_error": losses.weight_error(predicted, self.weights)}
        logits_BK = None
        if self.val_BCHW is not None and self.val_BK is not None:
            logits_BK = logits(self.network, predicted, self.val_BCHW)
            found["val_divergence"] = losses.divergence(logits_BK, self.val_BK)
            found["val_agreement"] = float((logits_BK.argmax(-1) == self.val_BK.argmax(-1)).float().mean())
        if self.val is not None:
            if self.config.inputs != "data" or logits_BK is None:
                logits_BK = logits(self.network, predicted, self.val.images["val"])
            found["val_accuracy"] = float((logits_BK.argmax(-1) == self.val.labels["val"]).float().mean())
        score = found["val_divergence"] if self.config.distils and self.val_BCHW is not None else found["weight_error"]
        self.keep_best(torch.tensor(score))
        return found

    def state(self) -> dict[str, Tensor]:
        tensors = {f"predictor.{name}": tensor for name, tensor in self.predictor.state_dict().items()}
        tensors |= self.best_state() | {"curves": self.curves}
        for name, parameter in self.predictor.named_parameters():
            tensors |= {f"ranger.{key}.{name}": self.optimizer.state[parameter][key] for key in MOMENTS}
        return tensors
