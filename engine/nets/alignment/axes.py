"""Axes of tensors and which of them are tied: channels that can only be permuted together.

An axis that can be permuted is a sequence of segments, each a `Group` of channels, every channel with `inner` entries behind it
(a flattened image has the pixels of each channel behind one another). Two axes that an operation brings together are unified, as types
are: a fresh group stands for anything of its size, and is split where the other side ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(eq=False)
class Group:
    """Channels that can be permuted among each other. `fixed`: they cannot. `odd`: their signs may be flipped too, as all that
    reads and writes them is odd. `body`: what the group turned out to consist of, once it was unified with something else."""

    size: int
    fixed: bool = False
    odd: bool = True
    body: tuple[Segment, ...] | None = None
    order: int = field(default=-1)  # of first appearance, from the input to the output


@dataclass(frozen=True)
class Segment:
    """A group's channels along an axis, each with `inner` entries."""

    group: Group
    inner: int = 1

    @property
    def length(self) -> int:
        return self.group.size * self.inner


Axis = tuple[Segment, ...] | None  # None: an axis that is not permuted (of a batch, of pixels)


def fresh(size: int) -> Axis:
    """An axis that nothing is known of yet."""
    return (Segment(Group(size)),)


def resolved(axis: Axis) -> list[Segment]:
    """The axis as segments of groups that have no body."""
    found: list[Segment] = []
    for segment in axis or ():
        if segment.group.body is None:
            found.append(segment)
        else:
            found += [Segment(part.group, part.inner * segment.inner) for part in resolved(segment.group.body)]
    return found


def fix(axis: Axis) -> None:
    """Nothing of this axis is permuted any more."""
    for segment in resolved(axis):
        segment.group.fixed, segment.group.odd = True, False


def uneven(axis: Axis) -> None:
    """The signs of this axis are not flipped any more: something that is not odd reads or writes it."""
    for segment in resolved(axis):
        segment.group.odd = False


def widened(axis: Axis, inner: int) -> Axis:
    """Every entry of the axis `inner` times in a row."""
    return axis and tuple(Segment(segment.group, segment.inner * inner) for segment in axis)


def unify(a: Axis, b: Axis) -> Axis:
    """The two axes, of equal length, are one from now on."""
    if a is None or b is None:
        fix(a)
        fix(b)
        return None
    left, right = resolved(a), resolved(b)
    while left and right:
        one, other = left[0], right[0]
        if one.group is other.group and one.inner == other.inner:
            left.pop(0)
            right.pop(0)
        elif one.length == other.length and join(one, other):
            left, right = resolved(tuple(left)), resolved(tuple(right))
        elif not split(one, other):
            fix(tuple(left + right))
            return a
        else:
            left, right = resolved(tuple(left)), resolved(tuple(right))
    assert not left and not right, "axes of different lengths were brought together"
    return a


def join(one: Segment, other: Segment) -> bool:
    """Segments of one length become the same; False where neither divides the other's blocks."""
    if one.group is other.group:
        return False
    if one.inner % other.inner:
        one, other = other, one
    if one.inner % other.inner:
        return False
    become(other.group, (Segment(one.group, one.inner // other.inner),))
    return True


def split(one: Segment, other: Segment) -> bool:
    """The longer of two segments is split where the shorter ends; False where a channel would be cut."""
    if one.length < other.length:
        one, other = other, one
    if one.length == other.length or other.length % one.inner:
        return False
    first = other.length // one.inner
    if one.group is other.group:
        return False
    become(one.group, (Segment(Group(first)), Segment(Group(one.group.size - first))))
    return True


def become(group: Group, body: tuple[Segment, ...]) -> None:
    """A group turns out to consist of others, which take over what it must keep."""
    group.body = body
    for part in body:
        part.group.fixed |= group.fixed
        part.group.odd &= group.odd and part.inner == 1
        if part.group.order < 0 or 0 <= group.order < part.group.order:
            part.group.order = group.order


def parts(axis: Axis, count: int) -> list[Axis]:
    """An axis in `count` equal parts, each permuted by itself."""
    length = sum(segment.length for segment in resolved(axis)) // count
    return ranges(axis, [length] * count)


def ranges(axis: Axis, lengths: Sequence[int]) -> list[Axis]:
    """An axis as consecutive ranges."""
    if axis is None:
        return [None] * len(lengths)
    pieces = [fresh(length) for length in lengths]
    unify(axis, tuple(segment for piece in pieces for segment in piece or ()))
    return pieces
