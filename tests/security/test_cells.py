"""What a spreadsheet or LaTeX would run is text in every table that is downloaded; numbers stay numbers."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.cells import csv_of, harmless
from engine.papers.export import escape

ROOT = Path(__file__).resolve().parents[2]
FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "\n=1",
    "=",
    "-",
    "-x",
    "+cmd|' /C calc'!A0",
    "\uff1d1",
    '="a,b"',
    "-0.5.5",
    "--1",
)
NUMBERS = ("-0.5", "+3", "-1e-05", ".5", "-.5", "1.", "0", "1E10")
PLAIN = ("a=1", "zoo-digits", "", "x -1", "'=1", "a,b", 'a"b', "two\nlines")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text):
    assert harmless(text) == "'" + text.replace("\r", "\n")


@pytest.mark.parametrize("value", (*NUMBERS, *PLAIN, -0.5, 3, None, True, float("inf")))
def test_everything_else_stays(value):
    assert harmless(value) is value or harmless(value) == value


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("=+-@\t\r\n ,\"'a1.e", max_size=6), min_size=1, max_size=4))
def test_no_cell_and_no_name_of_a_table_begins_as_a_formula(texts):
    frame = pd.DataFrame({texts[0] or "x": texts, "number": [-0.5] * len(texts)})
    rows = rows_of(csv_of(frame))
    for cell in (cell for row in rows for cell in row):
        assert not re.match(r"[\s\x00]*[=+\-@]", cell) or re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", cell)
    assert [row[-1] for row in rows[1:]] == ["-0.5"] * len(texts)


def test_the_browser_writes_what_python_writes():
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here; the browser tests download a table")
    values = [*FORMULAS, *NUMBERS, *PLAIN, -0.5, 3]
    script = (
        ROOT / "explorer/components/csv.js"
    ).read_text() + f"\nprocess.stdout.write(csvText({json.dumps([[value] for value in values])}));"
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True)
    found = [row[0] if row else "" for row in rows_of(done.stdout)]
    assert found == [str(harmless(value)) for value in values]


def test_every_table_that_is_downloaded_is_written_by_these():
    """Nothing else makes a CSV, in Python or in the browser."""
    making = re.compile(r"\.to_csv\(|text/csv|csv\.(Dict)?[wW]riter")
    found = {
        path.relative_to(ROOT).as_posix()
        for room in ("engine", "explorer", "pages")
        for path in (ROOT / room).rglob("*")
        if path.suffix in (".py", ".js") and making.search(path.read_text("utf-8"))
    }
    assert found == {
        "engine/core/cells.py",
        "engine/papers/export.py",
        "engine/zoos/importing.py",  # hashed, not downloaded
        "explorer/components/csv.js",
        "explorer/nern_controls.py",
        "explorer/papers.py",
        "pages/latent_map.py",
        "pages/properties.py",
        "pages/preps.py",
    }
    for path in ("explorer/nern_controls.py", "pages/latent_map.py", "pages/preps.py"):
        assert "cells.csv_of(" in (ROOT / path).read_text("utf-8") and ".to_csv(" not in (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize(
    "text", ("\\input{/etc/passwd}", "\\write18{ls}", "a & b", "50%", "[2pt] row", "*", "$x$", "#1", "~^_{}", "`x`", '"')
)
def test_latex_prints_text_as_it_is(text):
    said = escape(text)
    plain = re.sub(r"\\text\w+\{\}|\\[&%$#_{}]|\\`\{\}|\{[\[\]*]\}|\$[^$]+\$", "", said)
    assert not set(plain) & set("\\&%$#_{}~^[]*`\"")
