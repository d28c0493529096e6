"""What is told of an import: what was seen, read, kept and left out, and why. Bounded, however much is wrong. Needs no torch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

NAMED = 100  # members of which JSON names what is wrong
REASONS = 20  # of why members are left out
SHOWN = 5  # in a sentence
LEFT = "left_out.parquet"


@dataclass(frozen=True)
class Report:
    """`left` are (member, reason); `same` are (member, the one whose parameters it has)."""

    layout: str
    seen: str
    read: int
    splits: dict[str, int]
    left: tuple[tuple[str, str], ...]
    same: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @property
    def kept(self) -> int:
        return sum(self.splits.values())

    def reasons(self) -> list[tuple[str, int, str]]:
        """(reason, how many, the first of them), the most frequent first."""
        counts, first = Counter(reason for _, reason in self.left), dict[str, str]()
        for member, reason in self.left:
            first.setdefault(reason, member)
        return [(reason, count, first[reason]) for reason, count in counts.most_common(REASONS)]

    def as_json(self) -> dict:
        """For --json."""
        return {
            "layout": self.layout,
            "seen": self.seen,
            "read": self.read,
            "kept": self.kept,
            "splits": self.splits,
            "left_out": {
                "count": len(self.left),
                "reasons": [{"reason": reason, "count": count, "first": first} for reason, count, first in self.reasons()],
                "named": [{"member": member, "reason": reason} for member, reason in self.left[:NAMED]],
            },
            "duplicates": {"count": len(self.same), "named": [{"id": id_, "same_as": other} for id_, other in self.same[:NAMED]]},
            "notes": list(self.notes),
        }

    def recorded(self) -> dict:
        """For the manifest."""
        return {"imported": {"seen": self.seen, "read": self.read, "left_out": len(self.left), "duplicates": len(self.same)}}

    def lines(self) -> list[str]:
        """For people."""
        counts = ", ".join(f"{count:,} {split}" for split, count in self.splits.items())
        lines = [f"Recognised: {self.seen}. Kept {self.kept:,} of {self.read:,} networks ({counts})."]
        if self.left:
            lines.append(f"Left out: {networks(len(self.left))}.")
            lines += [f"  {count:,} ({first}{' and others' * (count > 1)}): {reason}" for reason, count, first in self.reasons()[:SHOWN]]
            rest = len(self.left) - sum(count for _, count, _ in self.reasons()[:SHOWN])
            lines += [f"  {rest:,} for other reasons; all are in {LEFT}."] if rest else []
        if self.same:
            named = ", ".join(f"{id_} is {other}" for id_, other in self.same[:SHOWN])
            more = " ..." * (len(self.same) > SHOWN)
            lines.append(f"{networks(len(self.same))} with the parameters of another, bit for bit: {named}{more}.")
        return [*lines, *self.notes]


def networks(count: int) -> str:
    return f"{count:,} network{'s' * (count != 1)}"


def same_as(table: pd.DataFrame, same_N: np.ndarray) -> tuple[tuple[str, str], ...]:
    """(id, id of the first that has its very parameters) of each instance that has such a one."""
    ids, first, found = table["id"].tolist(), dict[bytes, int](), []
    for row, digest in enumerate(same_N.tolist()):
        other = first.setdefault(digest, row)
        if other != row:
            found.append((ids[row], ids[other]))
    return tuple(found)


def left_table(left: list[tuple[str, str]]) -> dict[str, pd.DataFrame]:
    """The file that names all that is left out; none where nothing is."""
    return {LEFT: pd.DataFrame(left, columns=["member", "reason"])} if left else {}
