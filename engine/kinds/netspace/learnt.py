"""What a space has learnt, for a person: its figures for instances that were held out, beside those of the nearest training instance and
of the mean training network; whether it worked, and if not, what would help.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ...tasks.task import Yardstick
from .space import Space

HEAD = ("held out", "this space", "nearest", "mean network", "aligned weights", "goal")


@dataclass(frozen=True)
class Learnt:
    """The figures of a space and their verdict."""

    space: str
    rows: list[Yardstick]
    train: int  # training instances
    many: str  # what they are
    brief: str = ""  # on what it was measured, where all of it would not have fitted the minutes

    @property
    def worked(self) -> bool:
        """Whether every figure that has a goal reached it."""
        return all(row.reached for row in self.rows)

    @property
    def words(self) -> list[str]:
        """The verdict, a sentence a line."""
        part = [f"Measured {self.brief}: `python -m engine evaluate {self.space}` measures in full."] if self.brief else []
        if self.worked:
            return ["It worked: every goal was reached on instances that it was not trained on.", *part]
        said = []
        for row in self.rows:
            if row.reached:
                continue
            if row.value is None:
                said.append(f"It did not work: {row.words} could not be measured.")
                continue
            bound = f"{'at least' if row.rises else 'at most'} {row.goal:g}"
            said.append(f"It did not work: {row.words} is {row.value:.3f}, and {bound} is wanted.")
            if row.nearest is not None and not better(row, row.nearest):
                said.append(f"The nearest training instance alone gives {row.nearest:.3f}.")
            if row.seen is not None:
                said.append(help_for(row, self.train, self.many))
        return list(dict.fromkeys(said + part))

    def table(self) -> str:
        """All figures, in columns."""
        lines = [[*HEAD]]
        for row in self.rows:
            beside = (row.value, row.nearest, row.mean, row.weights)
            goal = "" if row.goal is None else f"{'>=' if row.rises else '<='} {row.goal:g}"
            lines.append([f"{row.words} (n {row.n})", *("" if value is None else f"{value:.3f}" for value in beside), goal])
        widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
        return "\n".join("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)

    def as_json(self) -> dict:
        """For JSON."""
        return {"rows": [asdict(row) | {"reached": row.reached} for row in self.rows], "worked": self.worked, "words": self.words}


def better(row: Yardstick, than: float) -> bool:
    """Whether a figure is better than another one."""
    return row.value is not None and (row.value > than if row.rises else row.value < than)


def help_for(row: Yardstick, train: int, many: str) -> str:
    """What would help a figure that missed its goal."""
    assert row.seen is not None and row.goal is not None
    if row.seen >= row.goal if row.rises else row.seen <= row.goal:
        return f"On its training instances it is {row.seen:.3f}: more than {train} {many} to train on would help."
    return f"On its training instances it is {row.seen:.3f}, no better: more time (--minutes) would help."


def learnt(space: Space) -> Learnt:
    """What a space has learnt; measures the yardsticks now. Raises DataMissing."""
    return Learnt(space.id, space.task.yardsticks(space), len(space.trained), space.task.many, space.task.brief_words(space.config))
