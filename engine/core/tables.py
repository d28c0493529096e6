"""Columns of an artifact's table as arrays, for what must be fast at the start. Imports no pandas.

Legend: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .artifacts import Artifact
from .boundary import untrusted
from .errors import CorruptArtifact
from .manifests import AGAIN

if TYPE_CHECKING:
    import numpy as np


def columns(artifact: Artifact, name: str, wanted: Sequence[str]) -> dict[str, np.ndarray]:
    """Those of the `wanted` columns that a .parquet file has [N each]: numbers as numbers with NaN for what is not known, texts as objects
    with None. Raises CorruptArtifact."""
    import pyarrow.parquet

    with untrusted(f"{artifact.id}: {name}", CorruptArtifact, AGAIN):
        file = pyarrow.parquet.ParquetFile(artifact.path(name))
        table = file.read([each for each in wanted if each in file.schema_arrow.names])
        return {each: array_of(table[each].combine_chunks()) for each in table.column_names}


def array_of(column: Any) -> np.ndarray:
    """A column of pyarrow's [N], by its buffers: `to_numpy`, and whatever makes a scalar, imports pandas."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_boolean(column.type):
        return array_of(column.cast(pa.uint8())) == 1
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        found = np.zeros(0, column.type.to_pandas_dtype())
        if len(column):
            found = np.frombuffer(column.buffers()[1], found.dtype)[column.offset : column.offset + len(column)]
        return np.where(array_of(column.is_valid()), found, np.nan) if column.null_count else found
    codes = column.dictionary_encode()  # a text that many rows have is made once
    texts_D = np.array([*codes.dictionary.to_pylist(), None], dtype=object)
    return texts_D[np.nan_to_num(array_of(codes.indices), nan=-1).astype(int)]


def count(artifact: Artifact, name: str) -> int:
    """How many rows a .parquet file has. Raises CorruptArtifact."""
    import pyarrow.parquet

    with untrusted(f"{artifact.id}: {name}", CorruptArtifact, AGAIN):
        return pyarrow.parquet.read_metadata(artifact.path(name)).num_rows
