"""One binary message: what goes in comes out, aligned for typed arrays."""

from __future__ import annotations

import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.core.frames import ALIGN, frame, to_bytes, unframe

arrays = hnp.arrays(
    st.sampled_from([np.uint8, np.float32]), hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=7), elements={"allow_nan": False}
)


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9) | st.none(), max_size=4),
    st.dictionaries(st.text(min_size=1, max_size=5), arrays, max_size=3),
)
def test_a_frame_read_back_is_what_was_put_in(header, contents):
    header = {key: value for key, value in header.items() if key not in contents}
    message = frame(header, contents)
    found, back = unframe(message)
    assert {key: found[key] for key in header} == header and back.keys() == contents.keys()
    (size,) = struct.unpack_from("<I", message)
    for name, array in contents.items():
        assert np.array_equal(back[name], array) and back[name].dtype == array.dtype
        assert (4 + size + found[name]["offset"]) % ALIGN == 0


def test_to_bytes_ends_and_middle():
    assert to_bytes(np.array([-9.0, -1.0, 0.0, 1.0, 9.0]), -1.0, 1.0).tolist() == [0, 0, 128, 255, 255]
