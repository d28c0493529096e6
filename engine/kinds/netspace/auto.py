"""A space of any zoo in one command: what is asked for, and what becomes of it. Sizes follow from the zoo (engine.tasks.sizing and each
task's `auto`), the variant from short trainings that validation instances judge, the number of steps from the time there is.

Needs no torch.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ...core.config import Reference
from ...core.fields import LAST_SEED, SEED
from ...core.told import check, told

if TYPE_CHECKING:
    from ...tasks.config import SpaceConfig
    from ...tasks.sizing import ZooFacts

PRESET = "netspace"
LONGEST = 100_000  # minutes


@dataclass(frozen=True)
class AutoSpaceConfig:
    """A space of any zoo. Its sizes follow from the zoo, its length from the minutes; validation instances choose between variants."""

    KIND: ClassVar[str] = "netspace"
    TASK: ClassVar[str] = ""  # the zoo's
    OPEN: ClassVar[bool] = True  # something is left to be chosen before it can be trained
    zoo: str = told("Zoo", "The networks that the space is trained on: the id of an available zoo.", "")
    minutes: float = told(
        "Minutes",
        "Processor time for all of it: choosing, training, measuring. On a busy machine it takes longer by the clock.",
        10.0, above=0, high=LONGEST,
    )  # fmt: skip
    variant: str = told("Variant", "The plan's variant, by name; if empty, validation instances choose.", "")
    steps: int = told("Training length", "Steps of gradient descent; 0 for as many as the minutes allow.", 0, low=0, high=10_000_000)
    brief: int = told(
        "Measured briefly",
        "Images to measure on at the end, along few paths; 0 for all of them, if the minutes allow.",
        0, unit="images", low=0,
    )  # fmt: skip
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    def __post_init__(self):
        check(self)

    @property
    def networks_of(self) -> str:
        """The artifact that holds the networks which it is about."""
        return self.zoo

    @property
    def references(self) -> tuple[Reference, ...]:
        """What it is made from."""
        return (Reference(self.zoo, "zoo", self.seed, "any", missing="Which zoo? --zoo ID; python -m engine list names them."),)

    def own_name(self, presets: Container[str]) -> str:
        """The id of the space, where nobody names it: netspace-mine of zoo-mine; with `-auto` where a preset has that name."""
        name = f"{PRESET}-{self.zoo.removeprefix('zoo-')}"
        name = f"{name}-auto" if name in presets else name
        return name if not self.seed else f"{name}-seed{self.seed}"


def plan_of(facts: ZooFacts, variant: str = "", steps: int = 100, seed: int = 0) -> SpaceConfig:
    """The config of a space of such a zoo; "" is the first variant. Pure: the same facts give the same config. Raises InvalidValue where
    no memory holds it, or no such variant is known."""
    from ...tasks import task_of

    task = task_of(facts.task)
    return task.space_of(facts, variant or next(iter(task.variants(facts))), steps, seed)
