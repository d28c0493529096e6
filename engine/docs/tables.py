"""Tables of the generated pages.

rows ID ... [seeds]      a line `METRIC: words` each; a column for each artifact or record that is there; with `seeds`, behind each
                         artifact of which several seeds were run, the range over them
variants FILE ...        a line `VARIANT` each of a sweep's table (assets/tables/FILE.csv)
compare FILE METRIC      a line `BETTER > WORSE: words` each: whether two variants differ by more than their spread
bench                    a line `ROW: words` each of the kept bench
"""

from __future__ import annotations

import csv
import math

from .sources import Sources

NERN = ("reconstructed_accuracy", "agreement", "logit_divergence", "weight_error")


def table(sources: Sources, kind: str, head: str, body: str) -> str:
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    return {"rows": of_rows, "variants": of_variants, "bench": of_bench, "compare": of_compare}[kind](sources, head.split(), lines)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)) + "\n"


def of_rows(sources: Sources, words: list[str], lines: list[str]) -> str:
    ids = [word for word in words if word != "seeds" and sources.has(word)]
    columns: list[tuple[str, list[dict]]] = []
    for id_ in ids:
        runs = sources.seeds(id_)
        columns.append((titled(id_), runs[:1]))
        if "seeds" in words and len(runs) > 1:
            columns.append((f"range over {len(runs)} seeds", runs))
    rows = []
    for line in lines:
        metric, _, said = line.partition(":")
        cells = [cell(runs, metric) for _, runs in columns]
        if any(cells):
            rows.append([f"`{metric}`:{said}" if said else f"`{metric}`", *cells])
    return markdown(["", *(title for title, _ in columns)], rows)


def titled(id_: str) -> str:
    name, _, conditions = id_.partition("?")
    return f"`{name}`, {conditions.replace('=', ' ').replace(',', ', ')}" if conditions else f"`{name}`"


def cell(runs: list[dict], metric: str) -> str:
    """One run: value, ± its spread, n in brackets. Several: the range of those that have it."""
    found = [each["metrics"][metric] for each in runs if (each["metrics"].get(metric) or {}).get("value") is not None]
    if not found:
        return ""
    if len(runs) > 1 and len(found) == 1:
        return ""  # one run is no range
    if len(runs) > 1:
        values = [each["value"] for each in found]
        return f"{shown(min(values))} to {shown(max(values))}" + (f" ({len(found)} runs)" if len(found) < len(runs) else "")
    spread = found[0].get("spread")
    return shown(found[0]["value"]) + (f" ± {shown(spread)}" if spread else "") + f" ({found[0]['n']:,})".replace(",", " ")


def shown(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 100 else f"{value:.3f}"


def of_variants(sources: Sources, words: list[str], lines: list[str]) -> str:
    """Variants of a sweep, or all: mean ± standard deviation over the n seeds of a row."""
    (file,) = words
    read = list(csv.DictReader((sources.root / "assets" / "tables" / f"{file}.csv").read_text("utf-8").splitlines()))
    names = list(dict.fromkeys(row["variant"] for row in read))
    rows = []
    for name in names:
        by = {row["metric"]: row for row in read if row["variant"] == name}
        metrics = ("size_ratio", "original_accuracy", *NERN)
        rows.append([name, by[NERN[0]]["n"], *(mean(by[metric]) if metric in by else "" for metric in metrics)])
    return markdown(["variant", "n", "size", "original", "accuracy", "agreement", "logit divergence", "weight error"], rows)


def mean(row: dict) -> str:
    spread = float(row["spread"] or 0)
    return f"{float(row['mean']):.3f}" + (f" ± {spread:.3f}" if round(spread, 3) else "")


def of_bench(sources: Sources, words: list[str], lines: list[str]) -> str:
    """The kept rows, under the words of the line whose name begins theirs; those that no line describes come last, by name."""
    rows, left = [], list(sources.bench["rows"])
    said = [line.partition(":")[::2] for line in lines]
    for row in left:
        words_ = next((text.strip() for name, text in sorted(said, key=lambda each: -len(each[0])) if row["name"].startswith(name)), "")
        rows.append([f"`{row['name']}`" + (f": {words_}" if words_ else ""), figure(row, "value"), figure(row, "reference"), ratio(row),
                     f"{row['load']:.1f}"])  # fmt: skip
    return markdown(["row", "ours", "reference", "ratio", "load"], rows)


def figure(row: dict, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f} {row['unit']}"


def ratio(row: dict) -> str:
    return "" if not row.get("ratio") else f"{row['ratio']:.2f}" if row["ratio"] < 10 else f"{row['ratio']:.0f}"


def of_compare(sources: Sources, words: list[str], lines: list[str]) -> str:
    """Differences of means beside the root of the summed squares of both standard deviations: the measure of all claims here."""
    file, metric = words
    rows = []
    for line in lines:
        pair, _, said = line.partition(": ")
        better, worse = (sources.row(file, name.strip(), metric) for name in pair.split(" > "))
        apart = float(better["mean"]) - float(worse["mean"])
        spread = math.hypot(float(better["spread"] or 0), float(worse["spread"] or 0))
        verdict = "holds" if apart > spread else "within the spread" if apart >= -spread else "the other way round"
        if "1" in (better["n"], worse["n"]):
            verdict = "one run each"
        rows.append([said, f"{apart:+.3f}".replace("-", "−"), f"{spread:.3f}", verdict])
    return markdown(["the paper's claim", "difference", "spread", "here"], rows)
