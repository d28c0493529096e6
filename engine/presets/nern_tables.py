"""The paper's comparisons of NeRNs, on digits: `python -m engine sweep nern-table5 --output FILE`.

A table is its variants: name -> the fields in which it departs from one preset, `nern-digits-table`. What two tables
share is trained once. One original for all variants and seeds, but for table 10's, which are what it compares.
"""

from __future__ import annotations

PRESET = "nern-digits-table"
ORIGINAL = "network-digits"
FACTORS = ("1e-5", "5e-5", "1e-4", "5e-4")  # of eq. 6, ten times the paper's: this network has a ninth of its kernels
SMOOTH = {factor: f"{ORIGINAL}-smooth-{factor}" for factor in FACTORS}  # factor -> the original that is trained with it

TABLES: dict[str, dict[str, dict]] = {
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
