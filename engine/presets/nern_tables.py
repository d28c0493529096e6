"""The paper's comparisons of NeRNs, on digits and on CIFAR-10: `python -m engine sweep nern-table5 --output FILE`.

A table is its variants: name -> the fields in which it departs from one preset. What two tables share is trained once. One original
for all variants and seeds, but for table 10's, which are what it compares.

On CIFAR-10 a network answers like chance until its kernels are nearly right, and two cores have no time to get there by
distillation. There all variants of an order and size start from one NeRN of the kernels alone (`CIFAR_COARSE`), and what a table
compares is what they make of it; only permutations and sizes differ from the first step on.
"""

from __future__ import annotations

PRESET, CIFAR_PRESET = "nern-digits-table", "nern-cifar10-mini-table"
ORIGINAL = "network-digits"
CIFAR_COARSE = f"{CIFAR_PRESET}-coarse"
CIFAR_HIDDEN = 160  # the paper's
CIFAR_COARSE_STEPS = 12_000
CIFAR_STEPS = 500
HIDDEN = (120, 140, 180, 200)  # beside it
STARTS: dict[str, dict] = {  # name of the first stage -> fields in which it departs from CIFAR_COARSE
    **{f"{CIFAR_COARSE}-{hidden}": {"hidden": hidden} for hidden in HIDDEN},
    f"{CIFAR_COARSE}-in-filter": {"permutation": "in-filter"},
    f"{CIFAR_COARSE}-none": {"permutation": "none"},
}
FACTORS = ("1e-5", "5e-5", "1e-4", "5e-4")  # of eq. 6, ten times the paper's: this network has a ninth of its kernels
SMOOTH = {factor: f"{ORIGINAL}-smooth-{factor}" for factor in FACTORS}  # factor -> the original that is trained with it

DIGITS: dict[str, dict[str, dict]] = {
    "nern-table4": {"data": {}, "noise": {"inputs": "noise"}, "no distillation": {"inputs": "none"}},
    "nern-table5": {kind: {"permutation": kind} for kind in ("none", "in-filter", "cross-filter")},
    "nern-table6": {
        "reconstruction": {"inputs": "none"},
        "reconstruction and KD": {"features": 0.0},
        "reconstruction and FMD": {"distillation": 0.0},
        "KD and FMD": {"reconstruction": 0.0},
        "all three": {},
    },
    "nern-table7": {
        "all weights": {"sampling": "all"},
        "random layer": {"sampling": "layer"},
        "random batch": {"sampling": "uniform"},
        "random batch (weighted)": {},
    },
    "nern-table10": {
        "0": {"permutation": "none"},
        **{factor: {"permutation": "none", "original": name} for factor, name in SMOOTH.items()},
    },
    "nern-appendix-b": {"the original's mean and spread": {}, "He": {"init": "he"}},
    "nern-appendix-f": {"0.76": {}, "0.9": {"base": 0.9}, "1.25": {"base": 1.25}},
    "nern-tradeoff": {
        "none, hidden 20": {"permutation": "none", "hidden": 20},
        **{f"cross-filter, hidden {hidden}": {"hidden": hidden} for hidden in (20, 30, 40, 50, 60, 75, 95)},
    },
}


def started(name: str) -> dict:
    """The fields of a variant that starts from that first stage: its own, so that both stages are of one order and size."""
    return {**STARTS[name], "start": name}


CIFAR: dict[str, dict[str, dict]] = {
    "nern-cifar10-table4": DIGITS["nern-table4"],
    "nern-cifar10-table4-180": {name: {**started(f"{CIFAR_COARSE}-180"), **fields} for name, fields in DIGITS["nern-table4"].items()},
    "nern-cifar10-table5": {
        "none": started(f"{CIFAR_COARSE}-none"),
        "in-filter": started(f"{CIFAR_COARSE}-in-filter"),
        "cross-filter": {},
    },
    "nern-cifar10-table6": DIGITS["nern-table6"],
    "nern-cifar10-table7": DIGITS["nern-table7"],
    "nern-cifar10-hidden": {
        str(hidden): started(f"{CIFAR_COARSE}-{hidden}") if hidden in HIDDEN else {} for hidden in sorted((CIFAR_HIDDEN, *HIDDEN))
    },
}
TABLES: dict[str, tuple[str, dict[str, dict]]] = {  # name -> the preset that its variants depart from, and they
    **{name: (PRESET, variants) for name, variants in DIGITS.items()},
    **{name: (CIFAR_PRESET, variants) for name, variants in CIFAR.items()},
}
