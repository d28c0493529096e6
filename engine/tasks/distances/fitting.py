"""Many SIRENs fitted to many shapes at once, each from its own random start.

Shape suffixes: N instances, P parameters, Q queries of an instance's pool, B queries of one step, 3 coordinates.

One step is one Adam step of every instance on its own queries. Nothing couples the instances: fitted together or one
by one they end alike (but for rounding). A batch is the next slice of the pool, in turn, so a run has no random state
besides the starts, and goes on from any step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...archs import Architecture
from ...archs.siren import Siren, siren_forward, stacked_layers
from ...core.errors import InvalidValue
from ...learn.trainee import cosine


@dataclass(frozen=True)
class FitConfig:
    """How SIRENs are fitted. The default is the small one; :data:`PAPER` follows the paper (Suppl. V)."""

    hidden: tuple[int, ...] = (48, 48)
    steps: int = 1000
    batch: int = 512  # queries of an instance in a step
    lr: float = 2e-3
    schedule: str = "cosine"  # to zero; or "steps": times 0.9 every 1 000 steps

    def __post_init__(self) -> None:
        if self.schedule not in ("cosine", "steps"):
            raise InvalidValue(f"the schedule is 'cosine' or 'steps', not {self.schedule!r}")
        if min(self.steps, self.batch, *self.hidden) < 1 or not self.lr > 0:
            raise InvalidValue("steps, batch, hidden and lr are positive")


PAPER = FitConfig(hidden=(256, 256), steps=10_000, batch=20_000, lr=1e-4, schedule="steps")


@dataclass
class FitState:
    """Where a fit stands: stacked parameters and Adam's two moments (name -> (N, ...)), and the steps done."""

    params: dict[str, Tensor]
    first: dict[str, Tensor]
    second: dict[str, Tensor]
    step: int = 0


def hidden_of(arch: Architecture) -> tuple[int, ...]:
    """Units of each hidden layer of a SIREN."""
    return tuple(entry.shape[0] for entry in arch.layout if entry.name.endswith("bias"))[:-1]


def flat(tensors: dict[str, Tensor], count: int) -> Tensor:
    """{name: (N, ...)} in the order of the layout -> [N, P]."""
    return torch.cat([tensor.reshape(count, -1) for tensor in tensors.values()], -1)


def start(seeds: Sequence[int], hidden: Sequence[int], device: str | torch.device = "cpu") -> FitState:
    """The state before the first step: instance i is the :class:`Siren` that ``torch.manual_seed(seeds[i])`` gives."""
    stacked: dict[str, list[Tensor]] = {}
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            torch.manual_seed(seed)
            for name, tensor in Siren(hidden).state_dict().items():
                stacked.setdefault(name, []).append(tensor)
    params = {name: torch.stack(tensors).to(device) for name, tensors in stacked.items()}
    first, second = ({name: torch.zeros_like(tensor) for name, tensor in params.items()} for _ in range(2))
    return FitState(params, first, second)


def fit(
    state: FitState,
    points_NQ3: Tensor,
    sdf_NQ: Tensor,
    config: FitConfig,
    until: int | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> FitState:
    """Go on from ``state`` to step ``until`` (default: the end, ``config.steps``) and return the new state.

    The instances see slices of their pools (N, Q, 3) and (N, Q) as :func:`engine.tasks.distances.sampling.draw` makes them. The
    loss of each is the mean squared error of its distances. ``progress(step, loss)`` is called after every 50th step
    and the last, with the mean over the instances; it may raise to stop. ``state`` itself is left as it was.
    """
    count, pool = sdf_NQ.shape
    if pool < config.batch:
        raise InvalidValue(f"a pool of {pool} queries is smaller than a batch of {config.batch}: draw more, or ask for less")
    assert points_NQ3.shape == (count, pool, 3) and len(next(iter(state.params.values()))) == count
    until = config.steps if until is None else min(until, config.steps)
    params = {name: tensor.clone().requires_grad_() for name, tensor in state.params.items()}
    optimizer = torch.optim.Adam(params.values(), lr=config.lr, fused=True)
    for name, tensor in params.items():
        moments = {"exp_avg": state.first[name].clone(), "exp_avg_sq": state.second[name].clone()}
        optimizer.state[tensor] = {"step": torch.tensor(float(state.step)), **moments}
    layers = stacked_layers(params)
    slices = pool // config.batch
    for step in range(state.step, until):
        optimizer.param_groups[0]["lr"] = _learning_rate(config, step)
        batch = slice((step % slices) * config.batch, (step % slices + 1) * config.batch)
        values_NB = siren_forward(layers, points_NQ3[:, batch])
        loss = (values_NB - sdf_NQ[:, batch]).square().sum() / config.batch  # a sum over instances: nothing couples them
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if progress and ((step + 1) % 50 == 0 or step + 1 == until):
            progress(step + 1, loss.item() / count)
    return FitState(
        {name: tensor.detach() for name, tensor in params.items()},
        {name: optimizer.state[tensor]["exp_avg"] for name, tensor in params.items()},
        {name: optimizer.state[tensor]["exp_avg_sq"] for name, tensor in params.items()},
        max(until, state.step),
    )


def _learning_rate(config: FitConfig, step: int) -> float:
    if config.schedule == "cosine":
        return cosine(step, config.steps, config.lr)
    return config.lr * 0.9 ** (step // 1000)
