"""PLY, STL and OFF files as polygons, exactly as they are written: of mixed triangles and polygons, strips, other cases and marks
at the start of a text trimesh reads some wrongly and some not at all, and of a file that is cut off the half that is there.

Each returns vertices float64 (V, 3), and polygons one after the other: their corners, and how many each has.
"""

from __future__ import annotations

import re
import struct

import numpy as np

from ...core.errors import InvalidValue

Polygons = tuple[np.ndarray, np.ndarray, np.ndarray]
BOM = b"\xef\xbb\xbf"
STL_HEAD, STL_ROW = 84, 50  # bytes
CORNER = re.compile(rb"^[ \t]*vertex[ \t]+(\S+)[ \t]+(\S+)[ \t]+(\S+)", re.MULTILINE | re.IGNORECASE)
FACET = re.compile(rb"^[ \t]*facet\b", re.MULTILINE | re.IGNORECASE)
OFF = re.compile(rb"\s*((?:ST)?C?N?)(4?n?)OFF(?![A-Za-z])", re.IGNORECASE)
TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8",
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8",
}  # fmt: skip
ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
CORNERS = ("vertex_indices", "vertex_index")


def cut_off() -> InvalidValue:
    return InvalidValue("is cut off: it holds less than it announces; export or copy it again")


def text_lines(content: bytes) -> list[bytes]:
    """The lines that say something, without what follows a #."""
    lines = (line.partition(b"#")[0].strip() for line in content.removeprefix(BOM).splitlines())
    return [line for line in lines if line]


def stl_rows(content: bytes) -> int | None:
    """The triangles of a binary STL; None for one of text (whose letters would be a count of more than a hundred million)."""
    if len(content) < STL_HEAD:
        return None
    (count,), room = struct.unpack_from("<I", content, 80), len(content) - STL_HEAD
    if count == 0 or (room % STL_ROW == 0 and room > STL_ROW * count):
        return room // STL_ROW  # the count was never filled in
    if STL_ROW * count > room and FACET.search(content):
        return None
    return count


def stl(content: bytes) -> Polygons:
    """Raises InvalidValue for one that is cut off."""
    count = stl_rows(content)
    if count is None:
        corners = CORNER.findall(content)
        if len(corners) != 3 * len(FACET.findall(content)):
            raise cut_off()
        vertices_V3 = np.array([float(word) for corner in corners for word in corner], np.float64).reshape(-1, 3)
    else:
        if STL_HEAD + STL_ROW * count > len(content):
            raise cut_off()
        rows = np.frombuffer(content, np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("more", "<u2")]), count, STL_HEAD)
        vertices_V3 = rows["corners"].reshape(-1, 3).astype(np.float64)
    return vertices_V3, np.arange(len(vertices_V3)), np.full(len(vertices_V3) // 3, 3)


def off(content: bytes) -> Polygons:
    """Raises InvalidValue for one that is cut off, or has other than three dimensions; ValueError for no numbers."""
    lines = text_lines(content)
    head = OFF.match(lines[0])
    if head:
        if head[2]:
            raise InvalidValue("has vertices of other than three dimensions; export it again")
        lines[0] = lines[0][head.end() :].strip()
    lines = [line for line in lines if line]
    vertices, faces = (int(word) for word in lines[0].split()[:2])
    if len(lines) < 1 + vertices + faces or min(vertices, faces) < 0:
        raise cut_off()
    vertices_V3 = np.array([line.split()[:3] for line in lines[1 : 1 + vertices]], np.float64).reshape(-1, 3)
    corners, sizes = [], []
    for line in lines[1 + vertices : 1 + vertices + faces]:
        words = line.split()
        size = int(words[0])
        if not 0 <= size < len(words):
            raise cut_off()
        corners += map(int, words[1 : 1 + size])
        sizes.append(size)
    return vertices_V3, np.array(corners, np.int64), np.array(sizes, np.int64)


def ply(content: bytes) -> Polygons:
    """Raises InvalidValue for one that is cut off; anything for a broken head."""
    head = re.search(rb"end_header[ \t]*(\r\n|\n|\r)", content)
    if head is None:
        raise ValueError("it has no head")
    order, elements = ply_head(content[: head.start()].decode("latin-1"))
    tables, rest = {}, content[head.end() :]
    lines = rest.splitlines() if order == "" else []
    at = 0
    try:
        for name, count, properties in elements:
            tables[name], at = ply_text(lines, at, count, properties) if order == "" else ply_binary(rest, at, count, properties, order)
    except (struct.error, IndexError) as error:
        raise cut_off() from error
    vertices_V3 = np.stack([np.asarray(tables["vertex"][axis], np.float64) for axis in "xyz"], axis=1)
    if "tristrips" in tables:
        return vertices_V3, *strips(*listed(tables["tristrips"]))
    if "face" not in tables:
        return vertices_V3, np.zeros(0, np.int64), np.zeros(0, np.int64)
    return vertices_V3, *listed(tables["face"])


def listed(table: dict) -> tuple[np.ndarray, np.ndarray]:
    rows = next(table[name] for name in CORNERS if name in table)
    if isinstance(rows, np.ndarray):
        return rows.reshape(-1).astype(np.int64), np.full(len(rows), rows.shape[1])
    return np.concatenate([np.zeros(0, np.int64), *rows]).astype(np.int64), np.array([len(row) for row in rows], np.int64)


def strips(corners: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of strips, each ended by -1: every second one is turned."""
    triangles = []
    for row in np.split(corners, np.cumsum(sizes)[:-1]):
        for strip in np.split(row, np.flatnonzero(row < 0)):
            strip = strip[strip >= 0]
            three = np.stack([strip[:-2], strip[1:-1], strip[2:]], axis=1) if len(strip) > 2 else np.zeros((0, 3), np.int64)
            three[1::2] = three[1::2, ::-1]
            triangles.append(three)
    faces_F3 = np.concatenate(triangles)
    return faces_F3.reshape(-1), np.full(len(faces_F3), 3)


def ply_head(text: str) -> tuple[str, list[tuple[str, int, list[list[str]]]]]:
    """The byte order ("" for text), and of each element its name, count and properties: [type, name] or [count's type, type, name]."""
    order, elements = None, []
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["format"]:
            order = ORDERS[words[1]]
        elif words[:1] == ["element"]:
            elements.append((words[1], int(words[2]), []))
        elif words[:1] == ["property"]:
            kinds = words[2:] if words[1] == "list" else words[1:]
            elements[-1][2].append([*(TYPES[kind] for kind in kinds[:-1]), kinds[-1]])
    if order is None:
        raise ValueError("its head names no format")
    return order, elements


def ply_text(lines: list[bytes], at: int, count: int, properties: list[list[str]]) -> tuple[dict, int]:
    """name -> values of an element from line `at` on, and the line behind it."""
    found = {each[-1]: [] for each in properties}
    for _ in range(count):
        while not (words := lines[at].split()):
            at += 1
        at, place = at + 1, 0
        for *kinds, name in properties:
            size = int(words[place]) if len(kinds) == 2 else 1
            place += len(kinds) - 1
            if size < 0 or place + size > len(words):
                raise cut_off()
            values = words[place : place + size]
            place += size
            if len(kinds) == 1:
                found[name].append(float(values[0]))
            elif name in CORNERS:
                found[name].append(np.array(list(map(int, values)), np.int64))
    return found, at


def ply_binary(body: bytes, at: int, count: int, properties: list[list[str]], order: str) -> tuple[dict, int]:
    """name -> values of an element from byte `at` on, and the byte behind it."""
    if not count:
        return {name: np.zeros((0, 1) if len(kinds) == 2 else 0) for *kinds, name in properties}, at
    row, sizes, place = [], {}, at
    for *kinds, name in properties:  # as if every row had lists as long as those of the first
        size = 1
        if len(kinds) == 2:
            (size,) = sizes[name] = (
                np.frombuffer(body[place : place + int(kinds[0][1])], order + kinds[0], 1).tolist() if place < len(body) else [0]
            )
            row.append((f"{name} size", order + kinds[0]))
            place += int(kinds[0][1])
        row.append((name, order + kinds[-1], (size,)) if len(kinds) == 2 else (name, order + kinds[-1]))
        place += size * int(kinds[-1][1])
    dtype = np.dtype(row)
    if at + count * dtype.itemsize <= len(body):
        rows = np.frombuffer(body, dtype, count, at)
        if all((rows[f"{name} size"] == size).all() for name, (size,) in sizes.items()):
            return {each[-1]: rows[each[-1]] for each in properties}, at + count * dtype.itemsize
    if not sizes:
        raise cut_off()
    return ply_rows(body, at, count, properties, order)


def ply_rows(body: bytes, at: int, count: int, properties: list[list[str]], order: str) -> tuple[dict, int]:
    """The same where lists differ in length: row after row."""
    codes = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "f4": "f", "f8": "d"}
    found = {each[-1]: [] for each in properties}
    for _ in range(count):
        for *kinds, name in properties:
            size = 1
            if len(kinds) == 2:
                (size,) = struct.unpack_from(order + codes[kinds[0]], body, at)
                at += int(kinds[0][1])
            values = struct.unpack_from(f"{order}{size}{codes[kinds[-1]]}", body, at)
            at += size * int(kinds[-1][1])
            found[name].append(np.array(values, np.int64) if name in CORNERS else values[0] if values else 0)
    return found, at
