"""What an AutoSpaceConfig leaves open is chosen here: the variant by short trainings that validation instances judge, the number of steps
by the time that a step takes. What was chosen is kept beside the checkpoint, so that a run which was killed goes on with it.

Time is the processor's, which nothing else that the machine does makes longer: a busy machine gives the same space, later.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ...core import small_json
from ...core.artifacts import write_atomic
from ...core.config import digest
from ...core.errors import InvalidValue, NonFiniteLoss
from ...core.memory import SHARE, machine_memory
from ...learn.cost import duration
from ...tasks import task_of
from ...tasks.sizing import LOOK_EVERY, LOOKS, ZooFacts
from ...tasks.zoo import Zoo
from ..kind import CHOICE
from .auto import AutoSpaceConfig, plan_of
from .training import SpaceTraining, space_training

FINISHING, MAP_SECONDS = 0.2, 30.0  # of the minutes that measuring takes, and the map
LONGEST_END = 0.4  # of the minutes, for measuring and the map; what takes longer is measured briefly
TRIALS = 0.2  # of the training's time that goes into choosing, all variants together
FEWEST, MOST = 20, 1_000_000  # steps
WORTH = 5000  # steps: a shorter training is too short for trials to tell variants apart, and none of it is spent on them
TIMED = 3  # steps at least
ONE_PASS = 0.2  # seconds that passes of a network are timed for

Progress = Callable[[str, int], Callable[[int, dict[str, float]], None]]


@dataclass(frozen=True)
class Plan:
    """What was chosen, and on what grounds."""

    variant: str
    steps: int
    scores: dict[str, float | None]  # of each variant that was tried, lower is better; None: it diverged
    trial: int  # steps of each
    judges: int  # validation instances
    step_seconds: float
    busy: float  # share of a processor that others had meanwhile
    brief: int = 0  # images that it is measured on at its end; 0: all there is
    end_seconds: float = 0.0  # of that

    @property
    def words(self) -> str:
        """Both choices for a person."""
        said = []
        if len(self.scores) > 1:
            each = ", ".join(f"{name} {'diverged' if score is None else f'{score:.3f}'}" for name, score in self.scores.items())
            judged = f"the scores on {self.judges} validation instances (lower is better) were"
            said.append(f"After {self.trial:,} steps {judged}: {each}. Chosen: {self.variant}.")
        computing = self.steps * self.step_seconds
        clock = computing / (1 - self.busy)
        shared = f", or {duration(clock)} by the clock while other programs use {self.busy:.0%} of the CPU" if self.busy > 0.1 else ""
        said.append(f"{self.steps:,} steps of {1000 * self.step_seconds:.0f} ms: {duration(computing)} of computing{shared}.")
        if self.brief:
            said.append(
                f"Measuring everything would not fit: the first {self.brief:,} images are measured, without the slowest metrics, in "
                f"{duration(self.end_seconds)} of computing. `python -m engine evaluate` measures the rest."
            )
        return " ".join(said)


def facts_of(zoo: Zoo, task_id: str, data: Any, device: str = "cpu") -> ZooFacts:
    """What a plan is made from."""
    train = tuple(len(zoo.rows("train", id_)) for id_ in range(len(zoo.archs)))
    memory = torch.cuda.mem_get_info()[0] if device.startswith("cuda") else int(SHARE * machine_memory())
    seen = task_of(task_id).inputs(data)
    return ZooFacts(zoo.id, task_id, zoo.arch.parameters, train, len(zoo.rows("val")), len(zoo.rows("test")), *seen, memory=memory)


def outline(facts: ZooFacts, config: Any, minutes: float) -> str:
    """What will be done, before it is, in words."""
    many = task_of(facts.task).many
    of = f"{len(facts.train)} architectures, " if facts.several else ""
    height, width = config.prep_height, config.prep_width
    return (
        f"A space of {facts.id}: {of}{sum(facts.train)} {many} of {'up to ' if facts.several else ''}{facts.parameters:,} parameters to "
        f"train on, {facts.val} to choose by, {facts.test} held out. PRep {height} x {width}, embedding {config.embedding}, "
        f"{config.networks} networks a step; {duration(60 * minutes)} of computing in all."
    )


def settled(
    config: AutoSpaceConfig, zoo: Zoo, data: Any, tag: str, folder: Path, device: str, progress: Progress
) -> tuple[Any, AutoSpaceConfig, dict]:
    """(the config of the space, what was asked for with everything in it that was left open, what is told of the choice). `tag` names the
    zoo's version; `folder` is where the choice is kept. Raises InvalidValue, NonFiniteLoss where every variant diverges."""
    facts, of = facts_of(zoo, zoo.arch.task, data, device), task_of(zoo.arch.task)
    first = plan_of(facts, config.variant, seed=config.seed)
    print(outline(facts, first, config.minutes), file=sys.stderr)
    if config.steps and config.variant:
        return of.briefly(plan_of(facts, config.variant, config.steps, config.seed), config.brief), config, {}
    key = digest(config, tag)
    plan = kept(folder, key)
    if plan is None:
        plan = chosen(config, facts, zoo, data, device, progress)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / CHOICE, json.dumps({"key": key, **asdict(plan)}).encode())
    print(plan.words, file=sys.stderr)
    asked = replace(config, variant=plan.variant, steps=plan.steps, brief=plan.brief)
    return of.briefly(plan_of(facts, plan.variant, plan.steps, config.seed), plan.brief), asked, asdict(plan) | {"words": plan.words}


def kept(folder: Path, key: str) -> Plan | None:
    """The choice of a run that was interrupted; None where there is none of this very run."""
    try:
        found: Any = small_json.read(folder / CHOICE)
        return Plan(**{name: value for name, value in found.items() if name != "key"}) if found.get("key") == key else None
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def chosen(config: AutoSpaceConfig, facts: ZooFacts, zoo: Zoo, data: Any, device: str, progress: Progress) -> Plan:
    """Times a step, tries the variants, and says how many steps are left for the best of them."""
    names = [config.variant] if config.variant else list(task_of(facts.task).variants(facts))
    whole = 60 * config.minutes
    watch = Watch(device)
    brief, end_seconds = ending(config, facts, zoo, data, watch)
    budget = max(0.3 * whole, whole - MAP_SECONDS - max(FINISHING * whole, end_seconds))

    def trainee(name: str, steps: int) -> SpaceTraining:
        return space_training(plan_of(facts, name, steps, config.seed), zoo, data)

    each, look = timed(trainee(names[0], 1000), watch, 0.02 * budget)
    steps, scores, trial = config.steps or int(budget / each), {}, 0
    if len(names) > 1 and steps >= WORTH and facts.val:
        trial = max(1, int(TRIALS * steps / len(names)))
        on_step = progress("choosing", trial * len(names))
        for number, name in enumerate(names):
            scores[name] = tried(trainee(name, trial), lambda step, metrics: on_step(number * trial + step, metrics))  # noqa: B023
        if all(score is None for score in scores.values()):
            raise NonFiniteLoss(f"Every variant of a space of {facts.id} diverged in its first {trial} steps. Look at the zoo's networks.")
        best = min(scores, key=lambda name: math.inf if scores[name] is None else scores[name])
    else:
        best = names[0]
    if best != names[0]:
        each, look = timed(trainee(best, 1000), watch, 0.01 * budget)
    left = budget - watch.seconds - LOOKS * look
    steps = config.steps or min(MOST, max(FEWEST, int(left / (each + look / LOOK_EVERY))))
    return Plan(best, steps, scores, trial, facts.val, round(each, 5), round(watch.busy, 2), brief, round(end_seconds, 1))


def ending(config: AutoSpaceConfig, facts: ZooFacts, zoo: Zoo, data: Any, watch: Watch) -> tuple[int, float]:
    """(brief, seconds of computing) of measuring at the end: all of it where that fits, else as much as does, at least the least."""
    task, (wanted, limit) = task_of(facts.task), (config.brief, LONGEST_END * 60 * config.minutes - MAP_SECONDS)
    endings = task.endings(task.briefly(plan_of(facts, seed=config.seed), wanted), zoo, data)
    if len(endings) == 1:
        return wanted, 0.0
    task.one_pass(zoo, data)
    began, passes = watch.seconds, 0
    while not passes or watch.seconds - began < ONE_PASS:
        passes += task.one_pass(zoo, data)
    each = (watch.seconds - began) / passes
    fitting = endings[:1] if wanted else [end for end in endings if end[1] * each <= limit]
    chosen, needed = (fitting or endings[-1:])[0]
    return chosen.brief, needed * each


class Watch:
    """Seconds of computing since it was made: of the processor, by thread; of the clock where a GPU computes."""

    def __init__(self, device: str):
        self.clock, self.cpu, self.on_cpu = time.perf_counter(), time.process_time(), not device.startswith("cuda")

    @property
    def seconds(self) -> float:
        """A process of several threads computes no faster than all of them do."""
        by_clock = time.perf_counter() - self.clock
        return min(by_clock, (time.process_time() - self.cpu) / torch.get_num_threads()) if self.on_cpu else by_clock

    @property
    def busy(self) -> float:
        """The share of the time by the clock that was not this process's."""
        return max(0.0, 1 - self.seconds / max(1e-9, time.perf_counter() - self.clock))


def timed(trainee: SpaceTraining, watch: Watch, limit: float) -> tuple[float, float]:
    """Seconds of computing of a step, the first (which warms up) left out, and of a look at validation; the trainee is used up."""
    trainee.step(0)
    began, index = watch.seconds, 0
    while index < TIMED or index < 200 and watch.seconds - began < limit:
        index += 1
        trainee.step(index)
    took = watch.seconds - began
    trainee.validate()
    return max(1e-5, took / index), watch.seconds - began - took


def tried(trainee: SpaceTraining, on_step: Callable[[int, dict[str, float]], None]) -> float | None:
    """The score of a short training on validation instances, lower is better: that of the best look where such a look chooses the model,
    else the sum of what the last one measures. None where the training diverged."""
    last = math.inf
    for index in range(trainee.total):
        metrics = trainee.step(index)
        on_step(index + 1, metrics)
        if not math.isfinite(metrics.get("loss", 0.0)):
            return None
        if looked := [value for name, value in metrics.items() if name.startswith("val_")]:
            last = sum(looked)
    found = float(trainee.best_score) if trainee.objective.chooses else last
    return round(found, 5) if math.isfinite(found) else None


def check_facts(facts: ZooFacts) -> None:
    """Raises InvalidValue where a zoo lacks a split that a space needs."""
    for name, count, least in (("train", min(facts.train), 2), ("val", facts.val, 1), ("test", facts.test, 2)):
        if count < least:
            raise InvalidValue(
                f"{facts.id} has {count} instances in its split {name!r}, and a space needs at least {least}. Make or import it with more."
            )
