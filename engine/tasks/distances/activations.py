"""A network of a shape as somebody else saved it: its layers by their names, and the activation between them, which those do not tell.

The activation is what the person says (`--activation`, `--omega`), else what the file says of itself (its metadata, or a config.json
beside it), else a sine of frequency 30; whether the layers with it describe a shape at all is looked at once.

Legend: M cells of a grid, B points.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...archs.siren import OMEGA, OTHERS, SINE, Layers, of_frequency
from ...core.errors import InvalidValue
from ...core.seeds import generator
from .networks import insides, values

NAMES = {
    "activation": ("activation", "nonlinearity", "act", "act_fn", "activation_fn"),
    "omega": ("omega", "omega_0", "omega0", "w0", "hidden_omega_0", "hidden_omega", "siren_omega"),
    "first": ("first_omega_0", "first_omega", "w0_initial", "w0_first"),
}  # as files call them
SINES = {"sine", "sin", "siren", "sinus"}
CONFIG_LIMIT = 1 << 20  # bytes of a config that lies beside
OMEGAS = (1.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 45.0, 60.0, 90.0, 100.0)  # tried where one does not fit
GRID = 32  # cells an axis
GRADIENT = (0.65, 1.6)  # median length of the gradient of a signed distance, which is 1 but for its errors
PIECES, EDGE = 12, 0.05  # parts of a shape, and share of the cube's faces that lies inside, at most


@dataclass(frozen=True)
class Activation:
    """What stands between the layers: a sine of frequency `omega` (`first`: in the first layer), or one of OTHERS. Raises InvalidValue."""

    name: str = SINE
    omega: float = OMEGA
    first: float | None = None
    stated: bool = False  # by a person or by the file

    def __post_init__(self):
        if self.name != SINE and self.name not in OTHERS:
            raise InvalidValue(f"There is no activation {self.name[:40]!r} here. Known: {', '.join((SINE, *OTHERS))}.")
        for omega in filter(lambda each: each is not None, (self.omega, self.first)):
            if not isinstance(omega, int | float) or not math.isfinite(omega) or not 0 < omega <= 1000:
                raise InvalidValue(f"omega is the frequency of the sines, above 0 and at most 1000; got {str(omega)[:40]}.")

    def of(self, layers) -> Layers:
        """Layers with this activation; sines of any frequency become those of 30."""
        return of_frequency(layers, self.omega, self.first) if self.name == SINE else Layers(layers, self.name)

    def __str__(self) -> str:
        """As the command line takes it."""
        if self.name != SINE:
            return f"--activation {self.name}"
        return f"--omega {self.omega:g}" if self.first is None else f"--omega {self.first:g} {self.omega:g}"


def chosen(path: Path, activation: str | None = None, omega: list[float] | None = None) -> Activation:
    """The activation of a file's network: as said, else as the file says, else the usual one. `omega`: one frequency, or that of the
    first layer and that of the others. Raises InvalidValue."""
    if activation is None:
        found = said_by(path)
    else:
        found = Activation(SINE if activation.lower() in SINES else activation.lower(), stated=True)
        with contextlib.suppress(InvalidValue):  # what the file says of the frequency may still hold
            said = said_by(path)
            found = said if said.name == found.name and said.stated else found
    if omega:
        if len(omega) > 2 or found.name != SINE:
            raise InvalidValue("--omega is one frequency of sines, or that of the first layer and that of the others.")
        found = replace(found, omega=omega[-1], first=omega[0] if len(omega) == 2 else None, stated=True)
    return found


def said_by(path: Path) -> Activation:
    """The activation that a file says itself, or the config.json (or the .json of its name) beside it. Raises InvalidValue."""
    for source in (metadata(path), *map(config, (path.with_suffix(".json"), path.parent / "config.json"))):
        flat = {str(key).lower(): value for key, value in source.items()}
        found = {kind: next((flat[name] for name in names if name in flat), None) for kind, names in NAMES.items()}
        if found["activation"] is None and found["omega"] is None:
            continue
        name = str(found["activation"] or SINE).lower().replace("-", "_").removesuffix("()")
        numbers = {}
        for kind in ("omega", "first"):
            said = found[kind]
            try:
                numbers[kind] = None if said is None else float(said)
            except (TypeError, ValueError) as error:
                raise InvalidValue(f"{path.name} says {kind} {str(said)[:40]!r}, which is not a number. Say it: --omega.") from error
        name = {"leakyrelu": "leaky_relu", "swish": "silu"}.get(name, name)
        return Activation(SINE if name in SINES else name, numbers["omega"] or OMEGA, numbers["first"], True)
    return Activation()


def metadata(path: Path) -> Mapping:
    """The metadata of a .safetensors file; nothing where it has none, or is something else."""
    if path.suffix.lower() != ".safetensors" or not path.is_file():
        return {}
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        return parsed(file.read(size)).get("__metadata__", {}) if size <= 100 << 20 else {}


def config(path: Path) -> Mapping:
    return parsed(path.read_bytes()) if path.is_file() and path.stat().st_size <= CONFIG_LIMIT else {}


def parsed(data: bytes) -> Mapping:
    """A JSON object; nothing where it is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def check_shape(name: str, layers, activation: Activation) -> Layers:
    """A file's layers with their activation. Where nobody told it, raises InvalidValue if they do not describe a shape so, with
    the activation with which they do."""
    made = activation.of(layers)
    reason = doubt(made)
    if reason is None or activation.stated:
        return made
    others = [Activation(SINE, omega) for omega in OMEGAS if omega != activation.omega] + [Activation(each) for each in OTHERS]
    fits = next((each for each in others if doubt(each.of(layers)) is None), None)
    likely = f"With {fits} it is one" if fits else "It may not be a signed distance, or may have another activation"
    raise InvalidValue(
        f"{name} does not say its activation, and read as {activation.name} of omega {activation.omega:g} it is no shape: {reason}. "
        f"{likely}: say --omega or --activation."
    )


def doubt(layers) -> str | None:
    """Why a network is not the signed distance of a shape, in a few words; None where it may be."""
    points_B3 = torch.rand(1024, 3, generator=generator(61)) * 1.8 - 0.9
    step = 1e-3 * torch.eye(3)
    with torch.inference_mode():
        slopes = [(values(layers, points_B3 + each)[0] - values(layers, points_B3 - each)[0]) / 2e-3 for each in step]
    slope = float(torch.stack(slopes, -1).norm(dim=-1).median())
    inside = insides(layers, GRID)[0].view(GRID, GRID, GRID).numpy()
    faces = np.concatenate([inside[[0, -1]].ravel(), inside[:, [0, -1]].ravel(), inside[:, :, [0, -1]].ravel()])
    if not math.isfinite(slope):
        return "it answers with NaN or infinity"
    if not inside.any():
        return "it encloses nothing"
    if faces.mean() > EDGE:
        return f"it fills {100 * faces.mean():.0f} % of the cube's faces"
    if (count := pieces(inside)) > PIECES:
        return f"it is {count} pieces"
    if not GRADIENT[0] <= slope <= GRADIENT[1]:
        return f"its values change {slope:.2g} times as fast as a distance"
    return None


def pieces(inside: np.ndarray) -> int:
    """Connected parts of a shape on a grid."""
    from scipy.ndimage import label

    found: Any = label(inside)  # (numbers of the parts, how many)
    return found[1]
