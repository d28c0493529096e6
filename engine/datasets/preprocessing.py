"""What a network's input is: how the pixels of an image become the numbers that it was trained on.

Every network, zoo and export records it; of a data set it is the normalisation of its own images, which stands in that data set's
own file (or in the manifest of a prepared one) and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ..core.config import from_fields
from ..core.errors import InvalidValue

ORDERS = {1: ("grey",), 3: ("RGB", "BGR")}  # channels -> orders that they may be in, the usual one first
HOW = (
    "Write it as mean=0.5,std=0.25, or with a number for each channel, and range=255 or order=BGR where needed: "
    "mean=0.485,0.456,0.406,std=0.229,0.224,0.225."
)
RANGE_LIMIT = 65_535  # of the range; means and deviations lie within as much
STD_LEAST = 1e-4  # of the range: images of 256 levels do not vary less, and what is divided by almost nothing is infinite


@dataclass(frozen=True)
class Preprocessing:
    """The input of channel c is (range * pixel - mean[c]) / std[c], pixels from 0 (black) to 1. Raises InvalidValue."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    range: float = 1.0  # what white is before the mean is subtracted: 1, or 255
    order: str = ""  # of the channels: "grey", "RGB" or "BGR"; "" is the usual one

    def __post_init__(self):
        numbers = (*self.mean, *self.std, self.range)
        if not all(isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each) for each in numbers):
            raise InvalidValue(f"A normalisation must be finite numbers. {HOW}")
        if len(self.mean) != len(self.std) or len(self.mean) not in ORDERS:
            raise InvalidValue(f"mean and std need one number per channel, 1 or 3 of them; got {len(self.mean)} and {len(self.std)}. {HOW}")
        if not 1 <= self.range <= RANGE_LIMIT or min(self.std) < STD_LEAST * self.range or max(map(abs, numbers)) > RANGE_LIMIT:
            raise InvalidValue(
                f"range must be from 1 to {RANGE_LIMIT}, std at least {STD_LEAST:g} of it, and no number above {RANGE_LIMIT}. {HOW}"
            )
        object.__setattr__(self, "order", self.order or ORDERS[len(self.mean)][0])
        if self.order not in ORDERS[len(self.mean)]:
            raise InvalidValue(
                f"The order of {len(self.mean)} channel{'s' * (len(self.mean) > 1)} is {' or '.join(ORDERS[len(self.mean)])}; got "
                f"{self.order[:20]!r}."
            )

    @property
    def places(self) -> tuple[int, ...]:
        """The channel of an RGB (or grey) image that each channel of the input is."""
        return (2, 1, 0) if self.order == "BGR" else tuple(range(len(self.mean)))

    def after(self, given: Preprocessing) -> tuple[list[float], list[float], tuple[int, ...]]:
        """(scale, shift, places): channel c of this input is scale[c] * x[places[c]] + shift[c], where x is the input `given`."""
        places = tuple(given.places.index(place) for place in self.places)
        scale, shift = [], []
        for mean, std, place in zip(self.mean, self.std, places):
            white = self.range / given.range
            scale.append(white * given.std[place] / std)
            shift.append((white * given.mean[place] - mean) / std)
        return scale, shift, places

    @property
    def ends(self) -> tuple[float, float]:
        """What black and white are in the first channel."""
        return -self.mean[0] / self.std[0], (self.range - self.mean[0]) / self.std[0]

    def as_dict(self) -> dict:
        """As a manifest holds it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def __str__(self) -> str:
        """As `parse` reads it."""
        words = [f"{name}={','.join(f'{value:g}' for value in getattr(self, name))}" for name in ("mean", "std")]
        words += [f"range={self.range:g}"] * (self.range != 1) + [f"order={self.order}"] * (self.order == "BGR")
        return ",".join(words)


def of_dict(raw: object) -> Preprocessing | None:
    """What a manifest records; None where it records nothing. Raises InvalidValue."""
    if not raw:
        return None
    if not isinstance(raw, Mapping) or not raw.keys() <= Preprocessing.__dataclass_fields__.keys() or not {"mean", "std"} <= raw.keys():
        raise InvalidValue(f"A preprocessing record holds mean, std, range and order; got {str(raw)[:60]!r}.")
    if not all(isinstance(raw[name], list | tuple) for name in ("mean", "std")) or not isinstance(raw.get("order", ""), str):
        raise InvalidValue(f"mean and std of a preprocessing record must be lists of numbers; got {str(raw)[:60]!r}.")
    return from_fields(Preprocessing, raw)


def parse(text: str, channels: int) -> Preprocessing:
    """What `--normalise` says: "mean=0.5,std=0.25", with lists for channels, range and order. One number is that of every channel.
    Raises InvalidValue."""
    said: dict[str, list[str]] = {}
    name = ""
    for word in text.replace(";", ",").replace(" ", ",").split(","):
        key, equals, value = word.rpartition("=")
        if equals:
            name = key.strip().lower()
            if name in said or name not in ("mean", "std", "range", "order"):
                raise InvalidValue(
                    f"{text[:80]!r} is not a normalisation ({name[:20]!r} {'is given twice' if name in said else 'is not known'}). {HOW}"
                )
            said[name] = []
        value = (value if equals else word).strip("[]()")
        if value and not name:
            raise InvalidValue(f"{text[:80]!r} is not a normalisation. {HOW}")
        said.setdefault(name, []).extend([value] * bool(value))
    if not {"mean", "std"} <= said.keys():
        raise InvalidValue(f"{text[:80]!r} does not give both mean and std. {HOW}")
    try:
        lists = {key: tuple(map(float, values)) for key, values in said.items() if key != "order"}
        (white,) = lists.pop("range", (1.0,))
        order = " ".join(said.get("order", [])).upper()
    except ValueError as error:
        raise InvalidValue(f"{text[:80]!r} holds something that is not a number. {HOW}") from error
    mean, std = (lists[key] * channels if len(lists[key]) == 1 else lists[key] for key in ("mean", "std"))
    if len(mean) != channels:
        raise InvalidValue(f"The network's images have {channels} channel{'s' * (channels > 1)}, and {text[:80]!r} says {len(mean)}. {HOW}")
    return Preprocessing(mean, std, white, "grey" if order in ("GREY", "GRAY", "L") else order)
