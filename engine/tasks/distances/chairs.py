"""Procedural chairs: signed distances that are known, not measured.

A chair is a union of rounded boxes and rounded upright cylinders. Axes: y up, the chair looks along +z, the floor is at
its lowest point. Shape suffixes: B points, K parts, 3 coordinates.

What is exact where. Each part's distance is exact everywhere, inside and outside. Their minimum is the exact distance to
the chair outside of it; inside it has the right sign and is at most the true depth in size (where parts overlap, the
true surface is further away than either part's own). It is 1-Lipschitz everywhere, as a minimum of such functions.
"""

from dataclasses import astuple, dataclass, fields, replace
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from ...core.errors import InvalidValue
from .sampling import Samples, draw

RADIUS = 1 / 1.03  # of the ball that holds a normalised shape: DeepSDF's margin, also used for meshes
LEGS = ("straight", "splayed", "pedestal")
CACHE_POINTS = 8192  # points handled at once: their intermediate arrays stay in the cache


class Topology(NamedTuple):
    """What cannot be interpolated: the kind of legs, the number of slats of the back (0: solid), whether it has arms."""

    legs: str
    slats: int
    arms: bool


@dataclass(frozen=True)
class Chair:
    """A chair before normalisation. Lengths in a unit of about its half height, thicknesses halved, angles in radian."""

    legs: Literal["straight", "splayed", "pedestal"]
    slats: int  # 0: a solid back; otherwise this many rails between two posts
    arms: bool
    width: float
    depth: float
    seat_height: float  # of its upper side above the floor
    seat_thickness: float
    back_height: float  # above the seat's upper side
    back_thickness: float
    back_tilt: float
    slat_thickness: float  # half height of a rail; 0 where there are none
    leg_thickness: float  # half side of a leg, radius of a pedestal
    leg_splay: float  # 0 for straight legs and a pedestal
    base_radius: float  # of a pedestal's foot; 0 for legs
    arm_height: float  # above the seat's upper side; 0 where there are none
    arm_thickness: float
    roundness: float  # 0 sharp edges, 1 as round as the part is thick

    def __post_init__(self) -> None:
        if self.legs not in LEGS:
            raise InvalidValue(f"a chair's legs are one of {', '.join(LEGS)}, not {self.legs!r}")
        if self.slats not in (0, 1, 2):
            raise InvalidValue(f"a chair's back has 0, 1 or 2 slats, not {self.slats!r}")
        numbers = astuple(self)[3:]
        if not all(np.isfinite(numbers)) or min(numbers) < 0:
            raise InvalidValue("a chair's lengths and angles are finite and not negative")


class Parts(NamedTuple):
    """The primitives of a chair, in its own unit. Local axes are the columns of ``rotation``."""

    centre_K3: np.ndarray
    half_K3: np.ndarray  # half sides including the rounding; of a cylinder (radius, half height, radius)
    rounding_K: np.ndarray
    rotation_K33: np.ndarray
    cylinder_K: np.ndarray  # bool


def topology(chair: Chair) -> Topology:
    """The chair's topology; only chairs of one topology can be interpolated."""
    return Topology(chair.legs, chair.slats, chair.arms)


def random_chair(seed: int) -> Chair:
    """The chair of a seed: the same on every machine, another for every other seed.

    Every part is at least 0.08 thick (half, in the unit ball), and gaps are about as wide, so that small SIRENs keep them.
    """
    draw = np.random.default_rng([0xC4A12, seed])
    legs = LEGS[int(draw.choice(len(LEGS), p=[0.4, 0.3, 0.3]))]
    slats = int(draw.choice([0, 1, 2], p=[0.5, 0.25, 0.25]))
    arms = bool(draw.random() < 0.4)
    low_high = {
        "width": (0.74, 0.98),
        "depth": (0.72, 0.94),
        "seat_height": (0.56, 0.74),
        "seat_thickness": (0.09, 0.125),
        "back_height": (0.58, 0.76),
        "back_thickness": (0.09, 0.115),
        "back_tilt": (0.0, 0.22),
        "slat_thickness": (0.09, 0.11),
        "leg_thickness": (0.09, 0.12),
        "leg_splay": (0.10, 0.24),
        "base_radius": (0.32, 0.46),
        "arm_height": (0.30, 0.38),
        "arm_thickness": (0.09, 0.105),
        "roundness": (0.2, 1.0),
    }
    # every number is drawn, used or not: two chairs of neighbouring topologies then share what they have in common
    values = {name: float(draw.uniform(low, high)) for name, (low, high) in low_high.items()}
    unused = {
        "slat_thickness": slats == 0,
        "leg_splay": legs != "splayed",
        "base_radius": legs != "pedestal",
        "arm_height": not arms,
        "arm_thickness": not arms,
    }
    values |= {name: 0.0 for name, is_unused in unused.items() if is_unused}
    return Chair(legs=legs, slats=slats, arms=arms, **values)


def interpolate(chair_a: Chair, chair_b: Chair, gamma: float) -> Chair:
    """The chair between two of one topology: its parameters are linear in gamma, 0 at ``chair_a`` and 1 at ``chair_b``.

    Raises InvalidValue where the topologies differ or gamma is outside [0, 1].
    """
    if topology(chair_a) != topology(chair_b):
        raise InvalidValue(
            f"no chair lies between {tuple(topology(chair_a))} and {tuple(topology(chair_b))}: "
            "choose two chairs of one topology (legs, slats, arms)"
        )
    if not 0 <= gamma <= 1:
        raise InvalidValue(f"gamma is between 0 and 1, not {gamma!r}")
    lengths = [field.name for field in fields(Chair)[3:]]
    mixed = {name: (1 - gamma) * getattr(chair_a, name) + gamma * getattr(chair_b, name) for name in lengths}
    return replace(chair_a, **mixed)


def sdf(chair: Chair, points_B3: np.ndarray) -> np.ndarray:
    """Signed distances (B,), negative inside, at points (B, 3) of the normalised chair, in the points' float type."""
    points_B3 = np.asarray(points_B3)
    if points_B3.ndim != 2 or points_B3.shape[1] != 3:
        raise InvalidValue(f"points have shape (B, 3), not {points_B3.shape}")
    parts = normalised_parts(chair)
    dtype = np.result_type(points_B3, np.float32)
    parts = Parts(*(array if array.dtype == bool else array.astype(dtype) for array in parts))
    distance_B = np.empty(len(points_B3), dtype)
    for start in range(0, len(points_B3), CACHE_POINTS):
        block = slice(start, start + CACHE_POINTS)
        distance_B[block] = np.minimum.reduce([_part_sdf(parts, k, points_B3[block]) for k in range(len(parts[0]))])
    return distance_B


def surface(chair: Chair, count: int, rng: np.random.Generator) -> np.ndarray:
    """``count`` points (count, 3) on the surface of the normalised chair, spread evenly up to the rounding of edges."""
    parts = normalised_parts(chair)
    w, h, d = parts.half_K3.T
    area_K = np.where(parts.cylinder_K, 2 * np.pi * w * (w + 2 * h), 8 * (w * h + h * d + d * w))
    found: list[np.ndarray] = []
    while sum(map(len, found)) < count:
        part_B = rng.choice(len(area_K), size=count, p=area_K / area_K.sum())
        points_B3 = np.concatenate([_part_surface(parts, k, int(np.count_nonzero(part_B == k)), rng) for k in range(len(area_K))])
        found.append(points_B3[sdf(chair, points_B3) > -1e-9])  # not those that another part has swallowed
    points_B3 = np.concatenate(found)
    return points_B3[rng.permutation(len(points_B3))[:count]]


def samples(chair: Chair, count: int, seed: int) -> Samples:
    """``count`` queries of the normalised chair, half inside and half outside (:func:`engine.tasks.distances.sampling.draw`)."""
    return draw(lambda points: sdf(chair, points), lambda n, rng: surface(chair, n, rng), count, seed)


@lru_cache(maxsize=4096)
def normalised_parts(chair: Chair) -> Parts:
    """The parts moved and scaled so that the chair fills a ball of radius 1/1.03 about the origin, centred as its box is.

    A uniform scale: the shape is kept. Exact, for the ball as for the box: no sampling is involved.
    """
    parts = _parts(chair)
    core_K3 = parts.half_K3 - parts.rounding_K[:, None]
    extent_K3 = np.einsum("kij,kj->ki", abs(parts.rotation_K33), core_K3) + parts.rounding_K[:, None]
    middle = ((parts.centre_K3 - extent_K3).min(0) + (parts.centre_K3 + extent_K3).max(0)) / 2
    centre_K3 = parts.centre_K3 - middle
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners_K83 = np.einsum("kij,kcj->kci", parts.rotation_K33, signs * core_K3[:, None]) + centre_K3[:, None]
    box_K = np.linalg.norm(corners_K83, axis=-1).max(-1)
    rim_K = np.hypot(centre_K3[:, 0], centre_K3[:, 2]) + core_K3[:, 0]
    cylinder_K = np.hypot(rim_K, abs(centre_K3[:, 1]) + core_K3[:, 1])
    scale = RADIUS / (np.where(parts.cylinder_K, cylinder_K, box_K) + parts.rounding_K).max()
    return parts._replace(centre_K3=centre_K3 * scale, half_K3=parts.half_K3 * scale, rounding_K=parts.rounding_K * scale)


def _part_sdf(parts: Parts, k: int, points_B3: np.ndarray) -> np.ndarray:
    local_B3 = points_B3 - parts.centre_K3[k]
    if not np.array_equal(parts.rotation_K33[k], np.eye(3)):
        local_B3 = local_B3 @ parts.rotation_K33[k]
    x, y, z = local_B3.T
    w, h, d = parts.half_K3[k] - parts.rounding_K[k]
    if parts.cylinder_K[k]:
        sides = [np.hypot(x, z) - w, abs(y) - h]
    else:
        sides = [abs(x) - w, abs(y) - h, abs(z) - d]
    outside = np.sqrt(sum(np.square(np.maximum(side, 0)) for side in sides))
    return outside + np.minimum(np.maximum.reduce(sides), 0) - parts.rounding_K[k]


def _part_surface(parts: Parts, k: int, count: int, rng: np.random.Generator) -> np.ndarray:
    w, h, d = half = parts.half_K3[k]
    if parts.cylinder_K[k]:
        angle = rng.uniform(0, 2 * np.pi, count)
        on_cap = rng.random(count) < w / (w + 2 * h)
        radius = np.where(on_cap, w * np.sqrt(rng.random(count)), w)
        y = np.where(on_cap, rng.choice([-h, h], count), rng.uniform(-h, h, count))
        local_B3 = np.stack([radius * np.cos(angle), y, radius * np.sin(angle)], -1)
    else:
        local_B3 = rng.uniform(-1, 1, (count, 3))
        face = rng.choice(3, size=count, p=np.array([h * d, d * w, w * h]) / (h * d + d * w + w * h))
        local_B3[np.arange(count), face] = rng.choice([-1.0, 1.0], count)
        local_B3 *= half
    # to the rounded surface: from the nearest point of the unrounded core, outwards by the rounding
    core = half - parts.rounding_K[k]
    if parts.cylinder_K[k]:
        length = np.hypot(local_B3[:, 0], local_B3[:, 2])
        shrink = np.minimum(1, core[0] / np.maximum(length, 1e-12))
        inner_B3 = np.stack([local_B3[:, 0] * shrink, local_B3[:, 1].clip(-core[1], core[1]), local_B3[:, 2] * shrink], -1)
    else:
        inner_B3 = local_B3.clip(-core, core)
    outward_B3 = local_B3 - inner_B3
    length = np.linalg.norm(outward_B3, axis=-1, keepdims=True)
    if parts.rounding_K[k] > 0:
        local_B3 = inner_B3 + outward_B3 / np.maximum(length, 1e-12) * parts.rounding_K[k]
    return local_B3 @ parts.rotation_K33[k].T + parts.centre_K3[k]


def _parts(chair: Chair) -> Parts:
    """The parts as designed: the floor at y = 0, the seat's middle above the origin."""
    c, rows = chair, []

    def add(centre, half, rotation=None, cylinder=False):
        rounding = 0.98 * c.roundness * min(half)  # not 1: a part keeps a core with a volume
        rows.append((centre, half, rounding, np.eye(3) if rotation is None else rotation, cylinder))

    seat = c.seat_height - c.seat_thickness  # the seat's middle plane
    add((0, seat, 0), (c.width / 2, c.seat_thickness, c.depth / 2))
    _add_back(c, seat, add)
    if c.legs == "pedestal":
        foot = c.seat_thickness
        add((0, seat / 2 + foot / 2, 0), (c.leg_thickness, seat / 2 - foot / 2, c.leg_thickness), cylinder=True)
        add((0, foot, 0), (c.base_radius, foot, c.base_radius), cylinder=True)
    else:
        _add_legs(c, seat, add)
    if c.arms:
        _add_arms(c, add)
    return Parts(*(np.array(column, dtype=bool if i == 4 else float) for i, column in enumerate(zip(*rows, strict=True))))


def _add_legs(c: Chair, seat: float, add) -> None:
    x, z = c.width / 2 - c.leg_thickness, c.depth / 2 - c.leg_thickness
    for side in (-1, 1):
        for end in (-1, 1):
            run = seat * np.tan(c.leg_splay)  # outwards, along x and along z alike
            top, foot = np.array([side * x, seat, end * z]), np.array([side * (x + run), 0, end * (z + run)])
            if c.leg_splay:  # a splayed leg starts further in, so that it does not make the chair wider than its seat
                inwards = np.array([side, 0, end]) * run / 2
                top, foot = top - inwards, foot - inwards
            along = (top - foot) / np.linalg.norm(top - foot)
            across = np.cross(along, [0, 0, 1])
            across /= np.linalg.norm(across)
            rotation = np.stack([across, along, np.cross(across, along)], -1)
            half = (c.leg_thickness, np.linalg.norm(top - foot) / 2, c.leg_thickness)
            add((top + foot) / 2, half, rotation if c.leg_splay else None)


def _add_back(c: Chair, seat: float, add) -> None:
    """A solid back, or two posts with rails between them, turned about the rear end of the seat."""
    cos, sin = np.cos(c.back_tilt), np.sin(c.back_tilt)
    rotation = np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])  # its top goes backwards, to -z
    hinge = np.array([0, seat, -c.depth / 2 + c.back_thickness])
    height = c.back_height + c.seat_thickness

    def place(x, low, high, half_width):
        centre = hinge + rotation @ np.array([x, (low + high) / 2, 0])
        add(centre, (half_width, (high - low) / 2, c.back_thickness), rotation if c.back_tilt else None)

    if c.slats == 0:
        place(0, 0, height, c.width / 2)
        return
    for side in (-1, 1):
        place(side * (c.width / 2 - c.back_thickness), 0, height, c.back_thickness)
    gap = (c.back_height - 2 * c.slat_thickness * c.slats) / c.slats
    for slat in range(c.slats):
        high = height - slat * (2 * c.slat_thickness + gap)
        place(0, high - 2 * c.slat_thickness, high, c.width / 2 - c.back_thickness)


def _add_arms(c: Chair, add) -> None:
    x, y = c.width / 2 - c.arm_thickness, c.seat_height + c.arm_height - c.arm_thickness
    rear = -c.depth / 2 + c.back_thickness - (c.arm_height + c.seat_thickness) * np.tan(c.back_tilt)
    front = c.depth / 2 - 0.1 * c.depth
    low = c.seat_height - c.seat_thickness
    for side in (-1, 1):
        add((side * x, y, (front + rear) / 2), (c.arm_thickness, c.arm_thickness, (front - rear) / 2))
        post = (c.arm_thickness, (y + c.arm_thickness - low) / 2, c.arm_thickness)
        add((side * x, (y + c.arm_thickness + low) / 2, front - c.arm_thickness), post)
