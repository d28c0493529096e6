"""Tables as CSV that a spreadsheet takes for what they are: text that it would run as a formula is quoted, numbers stay numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FORMULA = re.compile(r"[\s\x00]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")  # the full-width forms, too: some spreadsheets take them alike
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def harmless(value: object) -> object:
    """A cell's value; text that begins as a formula does, behind an apostrophe (explorer/components/csv.js does the same)."""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # writers do not quote a lone \r, and it would end the row
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def harmless_table(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with harmless cells and column names."""
    import pandas as pd

    plain = {
        name: column if pd.api.types.is_numeric_dtype(column) else column.astype(object).map(harmless) for name, column in frame.items()
    }
    return pd.DataFrame(plain, index=frame.index).rename(columns=harmless)


def csv_of(frame: pd.DataFrame) -> str:
    """A table as CSV text, without its index."""
    return harmless_table(frame).to_csv(index=False)
