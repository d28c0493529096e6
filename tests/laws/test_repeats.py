"""Torch files of one make are read by what was learnt of the first: the same tensors as torch gives, and never those of another make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.nets import repeats
from engine.nets.reading import unpack


def network(seed: int, **more) -> dict:
    """A state dict with what real ones have: a transposed tensor, two that share numbers, a counter, a scalar beside the weights."""
    random = torch.Generator().manual_seed(seed)
    base = torch.randn(6, 5, generator=random)
    counter = {"norm.num_batches_tracked": torch.tensor(seed)}
    state = {"a": base.T, "b": base[1:3], "c.d": torch.randn(2, 1, 3, generator=random), "scale": torch.tensor(0.5 + seed), **counter}
    return {"state_dict": state, "lr": 0.1, **more}


def saved(path: Path, held: dict) -> Path:
    torch.save(held, path)
    return path


@pytest.fixture
def files(tmp_path) -> list[Path]:
    return [saved(tmp_path / f"n{seed}.pt", network(seed)) for seed in range(4)]


def test_files_of_one_make_have_the_tensors_that_torch_gives(files):
    fast = repeats.Repeats()
    assert fast.arrays(files[0]) is None, "torch judges the first"
    for path in files[1:]:
        found, expected = fast.arrays(path), unpack(str(path), "It")[1]
        assert found is not None and found.keys() == {name for name in expected if "num_batches" not in name}
        for name, array in found.items():
            assert array.dtype == np.float32 and np.array_equal(array, expected[name])


def test_another_make_is_not_read_by_what_was_learnt(files, tmp_path):
    fast = repeats.Repeats()
    assert fast.arrays(files[0]) is None and fast.arrays(files[1]) is not None
    assert fast.arrays(saved(tmp_path / "other.pt", network(7, epoch=3))) is None
    longer = {"state_dict": {**network(1)["state_dict"], "c.d": torch.zeros(2, 1, 4)}, "lr": 0.1}
    assert fast.arrays(saved(tmp_path / "longer.pt", longer)) is None


def test_what_is_damaged_or_no_float_is_left_to_the_reader_that_says_so(files, tmp_path):
    fast = repeats.Repeats()
    assert fast.arrays(files[0]) is None
    whole = files[1].read_bytes()
    place = whole.index(torch.load(files[1], weights_only=True)["state_dict"]["c.d"].numpy().tobytes())
    files[1].write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert fast.arrays(files[1]) is None, "a flipped bit"
    files[2].write_bytes(files[2].read_bytes()[:-100])
    assert fast.arrays(files[2]) is None, "cut off"
    assert fast.arrays(files[3]) is not None, "the control: a sound one is read"
    for seed in range(3):
        path = saved(tmp_path / f"int{seed}.pt", {"w": torch.full((4,), seed), "x": torch.zeros(4)})
        assert fast.arrays(path) is None, "a tensor of integers"
        path = saved(tmp_path / f"half{seed}.pt", {"w": torch.full((4,), seed, dtype=torch.float16), "x": torch.zeros(4)})
        assert fast.arrays(path) is None


def test_a_make_that_torch_refuses_stays_refused(tmp_path):
    fast = repeats.Repeats()
    for seed in range(3):
        path = saved(tmp_path / f"bad{seed}.pt", {"w": torch.full((4,), float(seed)), "model": Path("x")})
        assert fast.arrays(path) is None
