"""The papers' entries as CSV, LaTeX and on the command line: whole, and read back as they were."""

from __future__ import annotations

import csv
import io
import json
import re

from hypothesis import given
from hypothesis import strategies as some

from engine.__main__ import main
from engine.papers import export
from engine.papers.commands import commands
from engine.papers.entries import entries
from engine.papers.resolve import resolve
from tests.unit.test_papers import NERN, NETSPACE, put, store  # noqa: F401 - a fixture


def test_csv_comes_back(store):
    put(store, "mine", "nern-cifar10-resnet20-140", {"reconstructed_accuracy": 0.87654321}, permutation="none")
    found = resolve(store, list(entries().values()))
    rows = list(csv.DictReader(io.StringIO(export.csv_text(found))))
    lines = [(each, line) for each in found for line in each.lines or (None,)]
    assert len(rows) == len(lines) and {row["entry"] for row in rows} == set(entries())
    for row, (each, line) in zip(rows, lines):
        assert row["entry"] == each.entry.id and None not in row and row["command"] == "; ".join(commands(each.entry))
        if line:
            assert row["row"] == line.row.name and row["paper_says"] == line.cell.says
            assert row["paper_value"] == ("" if line.cell.paper is None else str(line.cell.paper))
            assert row["ours"] == "" if line.ours is None or line.ours.value is None else float(row["ours"]) == line.ours.value
            assert row["difference"] == "" if line.difference is None else float(row["difference"]) == line.difference
    assert sum(row["artifacts"] == "mine" for row in rows) == 1


SPECIAL = re.compile(r"(?<!\\)[&%#_$]")


@given(some.text() | some.text("\\&%$#_{}~^<>|a "))
def test_escaped_text_is_plain_to_latex(text):
    escaped = export.escape(text)
    assert escaped.isascii() and "\n" not in escaped
    bare = re.sub(r"\$[^$]*\$", "", escaped.replace(r"\$", ""))  # symbols of ours are between dollars
    assert not SPECIAL.search(bare) and not re.search(r"(?<!\\)\^|~(?!\{)", bare)
    assert balanced(escaped)


def balanced(text: str) -> bool:
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text.replace(r"\\", "")):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def test_latex_is_whole(store):
    assert not balanced("{") and SPECIAL.search("50 % of a_b & c")  # controls
    put(store, "mine", "nern-cifar10-resnet20-140", {"reconstructed_accuracy": 0.8765}, permutation="none")
    found = resolve(store, list(entries().values()))
    text = export.latex(found)
    assert text.isascii() and balanced(text) and "?" not in text
    assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == sum(bool(each.lines) for each in found)
    body = [row for row in text.splitlines() if row.endswith(r"\\") and not row.startswith(r"\caption")]
    assert all(len(re.findall(r"(?<!\\)&", row)) == 5 for row in body)
    assert len(body) == sum(len(each.lines) + bool(each.lines) for each in found)
    assert r"ResNet20, hidden 140 & Reconstructed accuracy, \% & 87.95 $\pm$ 0.37 & 87.65 & $-$0.30 & 1 \\" in text


def test_the_command(store, capsys, tmp_path):
    put(store, "mine", "nern-cifar10-resnet20-140", {"reconstructed_accuracy": 0.8765}, permutation="none")
    at = ["--workspace", str(store.workspace)]
    assert main(["papers", "--json", *at]) == 0
    said = json.loads(capsys.readouterr().out)["entries"]
    assert [each["id"] for each in said] == NETSPACE + NERN
    assert next(each for each in said if each["id"] == "nern-table-5")["state"] == "partly"
    assert main(["papers", "nern-table-5", "--csv", str(tmp_path / "t.csv"), "--latex", str(tmp_path / "t.tex"), *at]) == 0
    out = capsys.readouterr().out
    assert "87.95 \u00b1 0.37" in out and "87.65" in out and "python -m engine sweep" in out
    assert {row["entry"] for row in csv.DictReader((tmp_path / "t.csv").open())} == {"nern-table-5"}
    assert r"\toprule" in (tmp_path / "t.tex").read_text()
    assert main(["papers", "nern-table-55", *at]) == 2
    assert capsys.readouterr().err.count("\n") == 1
