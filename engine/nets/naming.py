"""Names of tensors: those of a file, found among those that a network expects.

A file's names are flat (see reading.Checkpoint): wrappers (`module.`, `_orig_mod.`), containers (`state_dict`, `model`) and
averages beside the raw weights (`state_dict_ema`) are all prefixes. Where the expected names are complete behind a prefix, there
is the network; where that is so behind several, it is the raw one, unless the other is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..core.errors import CheckpointMismatch, InvalidValue
from .reading import Checkpoint

COUNTERS = {"num_batches_tracked", "total_ops", "total_params", "n_averaged"}  # of batch norm, of profilers, of averages: no weights
WRAPPERS = re.compile(
    r"(?:^|(?<=\.))(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\."
)  # anywhere in a name: often only a part of a network is wrapped
SPELLINGS = {"linear": "fc", "classifier": "fc", "head": "fc", "shortcut": "downsample"}  # part of a name -> how torchvision says it
AVERAGES = re.compile(r"(?:^|[._])(?:ema|swa|avg|averaged?|shadow)(?:[._]|$)")
OPTIMISERS = {
    "optimizer",
    "optimizer_state_dict",
    "optim",
    "exp_avg",
    "exp_avg_sq",
    "max_exp_avg_sq",
    "momentum_buffer",
    "square_avg",
    "grad",
    "grads",
    "gradients",
}  # have the shapes of weights
WEIGHTS = ("raw", "ema")
SHOWN = 5  # names, in a sentence


@dataclass(frozen=True)
class Taken:
    """Where a network's tensors lie in a file: expected name -> name there; `prefix` is what all of those begin with, and `beside`
    are the prefixes of others that would do."""

    names: dict[str, str]
    prefix: str
    beside: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What a person should know of the choice; empty where there was none."""
        if not self.beside:
            return ""
        return (
            f"Took the weights under {label(self.prefix)}; the file also holds {', '.join(map(label, self.beside))} (--weights "
            f"{other(self)} takes those)."
        )


def label(prefix: str) -> str:
    """A prefix as it is said: 'state_dict', without the wrappers."""
    parts = [part for part in prefix.split(".") if part not in ("", "module")]
    return repr(".".join(parts)) if parts else "its own names"


def other(taken: Taken) -> str:
    """What --weights takes the first of those beside by."""
    first = taken.beside[0]
    averages = [prefix for prefix in (taken.prefix, *taken.beside) if AVERAGES.search(prefix.lower())]
    return ("ema" if averages == [first] else "raw" if averages == [taken.prefix] and len(taken.beside) == 1 else label(first).strip("'"))


def is_counter(name: str) -> bool:
    return name.rpartition(".")[2] in COUNTERS


def plain(name: str) -> str:
    """A name as it is compared: without compilers' wrappers, its parts in one spelling."""
    return ".".join(SPELLINGS.get(part, part) for part in WRAPPERS.sub("", name).split("."))


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """Compared name -> name, of all that are weights; the names as they are where two would be compared as one."""
    names = [name for name in names if not is_counter(name) and OPTIMISERS.isdisjoint(name.split("."))]
    found = {plain(name): name for name in names}
    return found if len(found) == len(names) else {name: name for name in names}


def prefixes(names: Mapping[str, str], wanted: Collection[str]) -> list[str]:
    """Prefixes behind which every one of `wanted` (compared names) is among `names`."""
    first = next(iter(wanted))
    starts = [name.removesuffix(first) for name in names if name == first or name.endswith(f".{first}")]
    return [start for start in starts if all(start + name in names for name in wanted)]


def choose(found: list[str], weights: str, name: str) -> str:
    """Which of several prefixes is taken: the raw weights' by default. `weights`: "raw", "ema" or what a prefix is called. Raises
    InvalidValue where that does not tell."""
    averages = [prefix for prefix in found if AVERAGES.search(prefix.lower())]
    raw = [prefix for prefix in found if prefix not in averages]
    if weights in WEIGHTS or not weights:
        of = averages if weights == "ema" else raw or ([] if weights else averages)
    else:
        of = [prefix for prefix in found if weights in (label(prefix).strip("'"), prefix.rstrip("."))]
    if len(of) == 1:
        return of[0]
    said = ", ".join(map(label, found))
    if not of:
        raise InvalidValue(
            f"{name} holds no weights called {weights!r}: it has them under {said}. Name one of those with --weights, or leave it out."
        )
    raise InvalidValue(
        f"{name} holds several networks that fit: {', '.join(map(label, of))}. Choose one with --weights {label(of[0]).strip(chr(39))}."
    )


def take(checkpoint: Checkpoint, expected: Mapping[str, tuple[int, ...]], weights: str = "") -> Taken | None:
    """Where the expected tensors (name -> shape) are; None where they are not all there, or in other shapes, or with more of the
    network than is expected. Raises InvalidValue where several are there and `weights` does not tell which."""
    names = plain_names(checkpoint.arrays)
    wanted = {plain(name): (name, shape) for name, shape in expected.items() if not is_counter(name)}
    found = [
        start
        for start in prefixes(names, wanted)
        if all(fits(checkpoint, names[start + name], shape) for name, (_, shape) in wanted.items())
    ]
    found = [start for start in found if not inside(names, start, wanted, found)]
    if not found:
        return None
    chosen = choose(found, weights, checkpoint.name)
    return Taken(
        {name: names[chosen + short] for short, (name, _) in wanted.items()}, chosen, tuple(each for each in found if each != chosen)
    )


def fits(checkpoint: Checkpoint, name: str, shape: tuple[int, ...]) -> bool:
    """Whether a tensor has that shape; one of integers is told later, by its name."""
    return name in checkpoint.odd or checkpoint.arrays[name].shape == shape


def inside(names: Collection[str], start: str, wanted: Collection[str], others: Iterable[str]) -> list[str]:
    """Tensors behind a prefix that are neither expected there nor part of another network that was found."""
    own = [name for name in names if name.startswith(start) and name.removeprefix(start) not in wanted]
    return [name for name in own if not any(each != start and each.startswith(start) and name.startswith(each) for each in others)]


def shared(names: Iterable[str]) -> str:
    """The prefix ("module.model.") that all of those names have in common, a part of a name or more."""
    split = [name.split(".")[:-1] for name in names if not is_counter(name)]
    parts = []
    for each in zip(*split):
        if len(set(each)) > 1:
            break
        parts.append(each[0])
    return "".join(f"{part}." for part in parts)


def mismatch(checkpoint: Checkpoint, expected: Mapping[str, tuple[int, ...]], what: str) -> CheckpointMismatch:
    """What is wrong with a file whose tensors are not those expected: `what` says of whom, "mine.pt is no resnet8-digits"."""
    names = plain_names(checkpoint.arrays)
    start = shared(names)
    wanted = {plain(name): (name, shape) for name, shape in expected.items() if not is_counter(name)}
    found = {name.removeprefix(start): names[name] for name in names}
    missing = [name for short, (name, _) in wanted.items() if short not in found]
    extra = [name for short, name in found.items() if short not in wanted]
    wrong = [
        f"{name} {checkpoint.arrays[found[short]].shape} instead of {shape}"
        for short, (name, shape) in wanted.items()
        if short in found and not fits(checkpoint, found[short], shape)
    ]
    problems = [
        f"it {words} {few(names, 3)}"
        for words, names in (("lacks", missing), ("also has", extra), ("has the wrong shape in", wrong))
        if names
    ]
    shown = f" Its first names: {few(found.values())}. Expected: {few(expected)}." if missing or extra else ""
    return CheckpointMismatch(
        f"{what}: {'; '.join(problems[:2])}.{shown} Import a state dict of that architecture, or name another with --architecture."
    )


def few(names: Iterable[str], count: int = SHOWN) -> str:
    """The first few names, and how many more there are."""
    names = ["".join(letter if letter.isprintable() else "?" for letter in str(name)[:80]) for name in names]
    return ", ".join(names[:count]) + (f" and {len(names) - count} more" if len(names) > count else "")


def floats(checkpoint: Checkpoint, names: Mapping[str, str], what: str) -> dict[str, np.ndarray]:
    """Expected name -> float32 array. Raises InvalidValue that names a tensor of another dtype, or of NaN or infinity."""
    for name in names.values():
        if name in checkpoint.odd:
            raise InvalidValue(
                f"{what}: {name} is {checkpoint.odd[name]}, where floating-point weights belong. Save the network's own weights, not "
                "quantised and not converted."
            )
        if not np.isfinite(checkpoint.arrays[name]).all():
            raise InvalidValue(f"{what}: {name} holds NaN or infinity. Download or train it again.")
    return {expected: checkpoint.arrays[name] for expected, name in names.items()}


def behind(checkpoint: Checkpoint, first: str, weights: str = "") -> dict[str, np.ndarray]:
    """The tensors of a network of any size, told by the name of its first: all that are behind the prefix before that, or the whole
    file where no name ends so. Raises InvalidValue."""
    names = plain_names(checkpoint.arrays)
    found = prefixes(names, [first])
    start = choose(found, weights, checkpoint.name) if found else shared(names)
    return floats(checkpoint, {name.removeprefix(start): real for name, real in names.items() if name.startswith(start)}, checkpoint.name)
