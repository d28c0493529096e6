"""Splits of an imported zoo: the source's own, or drawn by run, so that no training lies in two of them. Imports no torch at first.

Legend: N instances.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .members import RUN, SPLIT

SHARES = (("test", 0.1, 2), ("val", 0.1, 1))  # (split, share of the instances, at least so many)


def groups_of(table: pd.DataFrame, same_N: np.ndarray) -> np.ndarray:
    """A number [N] for each instance: equal for those of one run, and for those of the same parameters (`same_N` tells them)."""
    parent = list(range(len(table)))

    def root(member: int) -> int:
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for keys in (table[RUN].tolist() if RUN in table else None, same_N.tolist()):
        first: dict[object, int] = {}
        for member, key in enumerate(keys or ()):
            if key is not None and key == key:
                one, other = root(first.setdefault(key, member)), root(member)
                parent[max(one, other)] = min(one, other)
    return np.array([root(member) for member in range(len(table))])


def splits(table: pd.DataFrame, same_N: np.ndarray, seed: int) -> tuple[list[str], list[str]]:
    """The split of each instance, and what is to be told of them. Those of the source stay; where it has no validation or no held-out
    instances, or no splits at all, they are drawn from `seed`."""
    given = table[SPLIT].tolist() if SPLIT in table else ["train"] * len(table)
    groups = groups_of(table, same_N)
    missing = [(split, share, least) for split, share, least in SHARES if split not in given]
    notes = [*leaks(given, groups)]
    found = drawn(given, groups, missing, seed)
    if missing:
        of = "the training instances" if SPLIT in table else "all instances"
        whole = ", whole runs each" if RUN in table else ""
        notes.append(f"{' and '.join(split for split, _, _ in missing)} were drawn from {of} (seed {seed}{whole}).")
    return found, notes


def leaks(given: Sequence[str], groups: np.ndarray) -> list[str]:
    """What is to be told where the source's own splits share a run or the same parameters."""
    seen = pd.DataFrame({"split": given, "group": groups}).drop_duplicates()
    shared = int(seen["group"].duplicated().sum())
    return [f"{shared:,} runs or equal networks are in several splits of the source, so held-out figures are optimistic."] if shared else []


def drawn(given: Sequence[str], groups: np.ndarray, missing: Sequence[tuple[str, float, int]], seed: int) -> list[str]:
    """Splits with the missing ones drawn from whole groups of training instances; one group at least stays to train on."""
    from ..core.seeds import generator

    found = list(given)
    members: dict[int, list[int]] = {}
    for member, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(member)
    free = [each for each in members.values() if all(found[member] == "train" for member in each)]
    import torch

    order = torch.randperm(len(free), generator=generator(seed, 1)).tolist()
    for split, share, least in missing:
        wanted, taken = max(least, round(share * len(found))), 0
        while taken < wanted and len(order) > 1:
            for member in free[order.pop()]:
                found[member] = split
                taken += 1
    return found
