"""Entries as CSV, LaTeX (booktabs), JSON and plain text."""

from __future__ import annotations

import csv
import io
import re

from ..core.cells import harmless
from .commands import commands
from .entries import UNREAD, Cell
from .resolve import HOLDS, STATES, VERDICTS, Line, Resolved

CSV_COLUMNS: tuple[str, ...] = (
    "paper", "entry", "label", "state", "row", "measure", "unit",
    "paper_value", "paper_spread", "paper_says", "at_least", "at_most", "paper_data", "paper_seeds",
    "ours", "spread", "difference", "verdict", "seeds", "n", "split", "metric", "artifacts", "preset",
    "what", "device", "seconds", "cpu_seconds", "recorded", "command",
)  # fmt: skip
MACROS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "[": "{[}", "]": "{]}", "*": "{*}", '"': "''", "`": r"\`{}",
    "\u2212": "$-$", "\u00b1": r"$\pm$", "\u00d7": r"$\times$", "\u2265": r"$\ge$", "\u2264": r"$\le$", "\u00b3": "$^3$",
    "\u202f": r"\,", "\u2019": "'", "\u2014": "---", "\u2013": "--", "\u00b7": r"$\cdot$",
    "\u03b1": r"$\alpha$", "\u03b2": r"$\beta$", "\u03b3": r"$\gamma$", "\u2192": r"$\to$",
}  # fmt: skip


def csv_text(found: list[Resolved]) -> str:
    """A row for each figure of the paper; an entry without figures has a row of its own."""
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for each in found:
        head = {
            "paper": each.entry.paper,
            "entry": each.entry.id,
            "label": each.entry.label,
            "state": STATES[each.state],
            "paper_data": each.entry.test,
            "paper_seeds": each.entry.seeds,
        }
        head["command"] = "; ".join(commands(each.entry))
        writer.writerows(
            {name: harmless(value) for name, value in row.items()}
            for row in [head | record(line) for line in each.lines] or [head | {"row": each.entry.title}]
        )
    return out.getvalue()


def record(line: Line) -> dict:
    """A line's own columns, numbers as they are."""
    cell, ours = line.cell, line.ours
    known = {
        "row": line.row.name,
        "measure": line.measure.label,
        "unit": line.measure.unit,
        "paper_value": cell.paper,
        "paper_spread": cell.spread,
        "paper_says": cell.says,
    }
    known |= {"at_least": cell.at_least, "at_most": cell.at_most, "verdict": VERDICTS[line.verdict], "difference": line.difference}
    if ours:
        known |= {
            "ours": ours.value,
            "spread": ours.spread,
            "seeds": ours.seeds,
            "n": ours.n,
            "split": ours.split,
            "metric": ours.metric,
            "artifacts": " ".join(ours.ids),
            "preset": ours.preset,
        }
        known |= {
            "what": ours.what,
            "device": ours.device,
            "seconds": ours.seconds,
            "cpu_seconds": ours.cpu_seconds,
            "recorded": ours.recorded,
        }
    return {name: "" if value is None else value for name, value in known.items()}


def paper_says(cell: Cell, decimals: int) -> str:
    """'87.95 ± 0.37', or the paper's words with the bounds in which we read them."""
    if cell.paper is not None:
        return figures(cell.paper, cell.spread, decimals)
    read = bounds_say(cell)
    return f"{cell.says} (read as {read})" if read else cell.says


def bounds_say(cell: Cell) -> str:
    """'≥ 0.95'."""
    bounds = [
        f"\u2265 {cell.at_least:g}" if cell.at_least is not None else "",
        f"\u2264 {cell.at_most:g}" if cell.at_most is not None else "",
    ]
    return " and ".join(filter(None, bounds))


def figures(value: float | None, spread: float | None, decimals: int) -> str:
    """'87.95 ± 0.37', '' for nothing. Large whole numbers get their thousands apart."""
    if value is None:
        return ""
    number = f"{value:,.0f}".replace(",", "\u202f") if decimals == 0 else f"{value:.{decimals}f}"
    return number if spread is None else f"{number} \u00b1 {spread:.{decimals}f}"


def ours_says(line: Line) -> str:
    if line.ours is None:
        return "not yet run"
    return figures(line.ours.value, line.ours.spread, line.measure.decimals) or "drawn"


def difference_says(line: Line) -> str:
    """'+0.31'; in parentheses where ours is at reduced size or on other data, and the difference says little."""
    if line.ours is None or line.difference is None:
        return ""
    rounded = round(line.difference, line.measure.decimals) + 0.0  # no minus zero
    said = f"{rounded:+.{line.measure.decimals}f}".replace("-", "\u2212") if rounded else "0"
    return f"({said})" if line.ours.reduced else said


def unit_of(line: Line) -> str:
    return f"{line.measure.label}, {line.measure.unit}" if line.measure.unit else line.measure.label


def escape(text: str) -> str:
    """Text that LaTeX prints as it is; what it has no name for becomes a question mark."""
    text = "".join(MACROS.get(char, char) for char in " ".join(text.split()))
    return text.encode("ascii", "replace").decode()


def latex(found: list[Resolved]) -> str:
    """A booktabs table for each entry with figures, to be read by a document that uses booktabs and longtable."""
    head = ["% \\usepackage{booktabs,longtable,array}"]
    return (
        "\n".join(
            [
                *head,
                *(latex_table(each) for each in found if each.lines),
                *(f"% {escape(each.entry.label)}: a drawing, nothing to measure." for each in found if not each.lines),
            ]
        )
        + "\n"
    )


def latex_table(each: Resolved) -> str:
    """One entry: a longtable, since a row has words."""
    entry = each.entry
    rows = [
        " & ".join(
            map(
                escape,
                (
                    line.row.name,
                    unit_of(line),
                    paper_says(line.cell, line.measure.decimals),
                    ours_says(line),
                    difference_says(line),
                    runs(line),
                ),
            )
        )
        + r" \\"
        for line in each.lines
    ]
    caption = escape(
        f"{entry.label} of the paper ({STATES[each.state].lower()}): {entry.title}. Ours are marked with * where they are at reduced size "
        "or on other data."
    )
    return "\n".join([
        r"\begin{longtable}{>{\raggedright}p{0.24\linewidth}>{\raggedright}p{0.2\linewidth}>{\raggedright}p{0.16\linewidth}llr}",
        rf"\caption{{{caption}}}\label{{tab:{entry.id}}}\\", r"\toprule", r"Experiment & Measure & Paper & Ours & Difference "
            r"& Runs \\", r"\midrule", r"\endhead",
        *rows, r"\bottomrule", r"\end{longtable}", "",
    ])  # fmt: skip


def runs(line: Line) -> str:
    """'4', '1*' at reduced size, '' where there is none."""
    return "" if line.ours is None or line.measure.counted else f"{line.ours.seeds}{'*' * line.ours.reduced}"


def as_json(each: Resolved) -> dict:
    """An entry as one JSON object."""
    entry = each.entry
    known = {name: getattr(entry, name) for name in ("id", "paper", "label", "section", "title", "caption", "cost")}
    claims = [{"says": claim.says, "ours": HOLDS[verdict]} for claim, verdict in each.claims()]
    return {
        **known,
        "state": each.state,
        "lines": [record(line) for line in each.lines],
        "claims": claims,
        "commands": commands(entry),
        "reduced_commands": commands(entry, reduced=True),
    }


def over_what(line: Line) -> str:
    """What the spread of ours is over: '4 seeds', or of one run 'n 64, test instances'; '' where there is no figure of ours."""
    if line.ours is None or line.ours.value is None or line.measure.counted:
        return ""
    if line.ours.seeds > 1:
        return f"{line.ours.seeds} seeds"
    return f"n {line.ours.n}, {line.ours.split.partition(',')[0]}" if line.ours.n else ""


def text(each: Resolved) -> list[str]:
    """An entry on a terminal."""
    entry = each.entry
    lines = [f"{entry.label}: {entry.title} ({STATES[each.state].lower()})", entry.caption, ""]
    for line in each.lines:
        theirs = paper_says(line.cell, line.measure.decimals)
        shown = f"{'* ' if line.ours and line.ours.reduced else ''}{ours_says(line)}"
        compared = f"paper {theirs:<18} ours {shown:<18} {over_what(line):<24} {difference_says(line)}"
        lines.append(f"  {line.row.name:<36} {unit_of(line):<30} {compared}".rstrip())
    lines += [f"  {claim.says}: {HOLDS[verdict]}" for claim, verdict in each.claims()]
    if any(line.ours and line.ours.reduced for line in each.lines):
        lines.append("  * at reduced size or on other data")
    made = commands(entry)
    return [*lines, *(["", "To make it:"] if made else []), *(f"  {command}" for command in made)]


def slug_of(text: str) -> str:
    """A file's name of some words."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


assert UNREAD.isascii()
