"""PReps: packing loses no bit, never crops, and has the paper's size (Suppl. II)."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archs import all_architectures, architecture
from engine.core.errors import InvalidValue, PRepTooSmall
from engine.nets.prep import height_for, pack, unpack, width_for

# every kind of bit pattern that a comparison of floats would not tell apart: quiet and signalling NaNs with payloads, -0, denormals
ODD_BITS = (0x7FC00001, 0xFFC12345 - (1 << 32), 0x7F800001, -(1 << 31), 0x00000001, 0x7F800000, 0x3F800000)
widths = st.integers(1, 400).map(lambda i: 8 * i)
heights = st.integers(1, 30).map(lambda i: 4 * i)


def random_bits(count: int, seed: int) -> torch.Tensor:
    """Floats [1, count] of any bits, the odd ones among them, seen as int32."""
    bits = torch.randint(-(1 << 31), 1 << 31, (1, count), generator=torch.Generator().manual_seed(seed), dtype=torch.int64).to(torch.int32)
    odd = torch.tensor(ODD_BITS, dtype=torch.int64).to(torch.int32)[:count]
    bits[0, : len(odd)] = odd
    return bits


def check_identity(bits_NP: torch.Tensor, height: int, width: int) -> None:
    prep_NHW = pack(bits_NP.view(torch.float32), height, width)
    assert prep_NHW.shape == (len(bits_NP), height, width)
    count = bits_NP.shape[-1]
    assert torch.equal(unpack(prep_NHW, count).contiguous().view(torch.int32), bits_NP)
    assert not prep_NHW.flatten(1)[:, count:].contiguous().view(torch.int32).any()  # zeros, positive ones, behind the last


@pytest.mark.parametrize("id_", tuple(all_architectures()))
@settings(max_examples=5, deadline=None)
@given(width=widths, spare=st.integers(0, 2), seed=st.integers(0, 2**31))
def test_pack_then_unpack_is_the_identity_for_every_architecture(id_, width, spare, seed):
    count = architecture(id_).parameters
    check_identity(random_bits(count, seed), height_for(count, width) + 4 * spare, width)


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 5000), width=widths, networks=st.integers(1, 3), seed=st.integers(0, 2**31))
def test_pack_then_unpack_is_the_identity_for_any_size(count, width, networks, seed):
    check_identity(random_bits(count, seed).repeat(networks, 1), height_for(count, width), width)


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 10**6), width=widths)
def test_height_rule(count, width):
    """Suppl. II: as many rows as the parameters fill, raised to a multiple of 4."""
    height = height_for(count, width)
    assert height % 4 == 0 and height * width >= count
    assert height == 4 or (height - 4) * width < count
    assert height == math.ceil(math.ceil(count / width) / 4) * 4


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 10**6), height=heights)
def test_width_rule(count, height):
    width = width_for(count, height)
    assert width % 8 == 0 and height * width >= count
    assert width == 8 or height * (width - 8) < count


def test_paper_sizes():
    """8 x 10 000 on CIFAR-10, 16 x 10 000 on Tiny-ImageNet, 88 x 10 000 where ResNet56 is among the architectures."""
    assert height_for(architecture("resnet8-cifar10").parameters, 10_000) == 8
    assert height_for(architecture("resnet8-tinyimagenet").parameters, 10_000) == 16
    assert height_for(architecture("resnet56-cifar10").parameters, 10_000) == 88


def test_rows_are_filled_one_after_the_other():
    prep_NHW = pack(torch.arange(1.0, 38.0)[None], 4, 16)
    assert prep_NHW[0, 0].tolist() == list(range(1, 17))
    assert prep_NHW[0, 2].tolist() == [33, 34, 35, 36, 37, *[0] * 11]


@settings(max_examples=60, deadline=None)
@given(height=heights, width=widths, over=st.integers(1, 5000))
def test_too_small_a_prep_is_an_error_and_never_crops(height, width, over):
    with pytest.raises(PRepTooSmall, match=str(height_for(height * width + over, width))):
        pack(torch.empty(1, height * width + over, device="meta"), height, width)
    with pytest.raises(PRepTooSmall):
        unpack(torch.empty(1, height, width, device="meta"), height * width + over)


def test_a_prep_that_just_fits_is_no_error():
    assert pack(torch.ones(1, 32), 4, 8).eq(1).all()


@pytest.mark.parametrize("rule, size", ((height_for, 0), (height_for, 12), (height_for, -8), (width_for, 0), (width_for, 6)))
def test_impossible_sizes_are_refused(rule, size):
    with pytest.raises(InvalidValue):
        rule(100, size)
    with pytest.raises(InvalidValue):
        rule(0, 8)
