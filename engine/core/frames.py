"""One binary message: a JSON header and raw arrays behind it.

uint32 (little endian) length of the header, the header in UTF-8, the arrays. The header's entry of an array holds `dtype`
("u1", "u4" or "f4", little endian), `shape`, `offset` and `length`; offsets count bytes from the end of the header, and the header
is padded with spaces so that the arrays start at a multiple of 8.
"""

from __future__ import annotations

import json
import struct

import numpy as np

ALIGN = 8


def frame(header: dict, arrays: dict[str, np.ndarray] | None = None) -> bytes:
    """The message. An array's entry is merged into what the header already says under its name."""
    header, chunks, offset = dict(header), [], 0
    for name, array in (arrays or {}).items():
        assert array.dtype in (np.uint8, np.uint32, np.float32), array.dtype
        data = np.ascontiguousarray(array).tobytes()
        header[name] = {
            **header.get(name, {}),
            "dtype": array.dtype.str[1:],
            "shape": list(array.shape),
            "offset": offset,
            "length": len(data),
        }
        chunks.append(data + bytes(-len(data) % ALIGN))
        offset += len(chunks[-1])
    text = json.dumps(header, allow_nan=False).encode()
    text += b" " * (-(len(text) + 4) % ALIGN)
    return b"".join([struct.pack("<I", len(text)), text, *chunks])


def unframe(message: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """(header, arrays) of a message; the client's side, for tests and scripts."""
    size = 4 + struct.unpack_from("<I", message)[0]
    header = json.loads(message[4:size])
    entries = {name: entry for name, entry in header.items() if isinstance(entry, dict) and "offset" in entry}
    return header, {
        name: np.frombuffer(message, f"<{entry['dtype']}", entry["length"] // int(entry["dtype"][1:]), size + entry["offset"]).reshape(
            entry["shape"]
        )
        for name, entry in entries.items()
    }


def to_bytes(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values as uint8: `low` and below is 0, `high` and above is 255."""
    return (np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5).astype(np.uint8)
