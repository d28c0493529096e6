"""The papers' entries as the app shows them: what is at hand, the list, an entry's table and claims. HTML as strings, all text escaped."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from engine.learn.cost import duration
from engine.papers import export, records
from engine.papers.commands import commands
from engine.papers.entries import PAPERS, SHORT, Entry, entries
from engine.papers.resolve import HOLDS, STATES, VERDICTS, Line, Ours, Resolved, Shelf, resolved, shelf
from explorer import navigation, nern_controls, paper_charts, services, state, theme

MARKS = {
    "reproduced": "\u25cf", "differs": "\u2260", "partly": "\u25d4", "reduced": "\u25d0", "unlike": "\u2260", "apart": "\u2013",
    "missing": "\u25cb", "drawing": "\u25b1",
    "within": "\u25cf", "outside": "\u2260", "run": "\u25cf", "holds": "\u2713", "fails": "\u2717", "spread": "\u2248", "alike": "=",
}  # fmt: skip
ALL = "all"
STYLE = Path(__file__).with_suffix(".css").read_text("utf-8")
LAUNCHES = 4  # presets of either size that a link opens; the commands have all


def at_hand() -> tuple[Shelf, list[Resolved]]:
    """Every entry with ours, read now."""
    held = shelf(services.store())
    return held, [resolved(held, entry) for entry in entries().values()]


def pick(found: list[Resolved]) -> list[Resolved]:
    """Filters by paper, state and words, tied to the URL; the entries that they leave."""
    left, middle, right = st.columns([2.8, 3, 2.4], vertical_alignment="bottom")
    papers = [ALL, *PAPERS]
    paper = (
        left.segmented_control("Paper", papers, format_func=lambda name: SHORT.get(name, "Both"), **state.bound("paper", papers, ALL))
        or ALL
    )
    here = [each for each in found if paper in (ALL, each.entry.paper)]
    counts = {name: sum(each.state == name for each in here) for name in STATES}
    states = [ALL, *STATES]
    say = {ALL: f"All {len(here)}", **{name: f"{MARKS[name]} {title} {counts[name]}" for name, title in STATES.items()}}
    wanted = middle.selectbox("State", states, format_func=say.__getitem__, **state.bound("reached", states, ALL, what="state"))
    key = "pick_words"
    st.session_state[key] = state.get("words") or ""
    words = right.text_input(
        "Search",
        key=key,
        placeholder="ablation, ImageNet, LSO ...",
        on_change=lambda: state.remember(words=st.session_state[key].strip() or None),
    )
    return [each for each in here if wanted in (ALL, each.state) and all(word in searched(each.entry) for word in words.lower().split())]


def downloads(found: list[Resolved], name: str) -> None:
    """Buttons that download entries as tables."""
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            lambda: export.csv_text(found),
            f"{name}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="A row for each figure: the paper's, ours, difference, what it rests on, the command",
        )
        st.download_button(
            "LaTeX",
            lambda: export.latex(found),
            f"{name}.tex",
            "application/x-tex",
            icon=":material/download:",
            on_click="ignore",
            help="Tables for booktabs and longtable",
        )


def searched(entry: Entry) -> str:
    """What a search looks through."""
    rows = " ".join(
        f"{row.name} {' '.join(source.preset or source.arch for source in (row.ours, *row.reduced) if source)}" for row in entry.rows
    )
    return f"{PAPERS[entry.paper]} {entry.id} {entry.label} {entry.section} {entry.title} {entry.caption} {entry.test} {rows}".lower()


def counts(found: list[Resolved]) -> str:
    """How many entries are in which state."""
    cells = "".join(f"<div><b>{sum(each.state == name for each in found)}</b>{badge(name, title)}</div>" for name, title in STATES.items())
    return f'<div class="counts">{cells}</div>'


def badge(kind: str, words: str) -> str:
    return f'<span class="state {kind}"><i>{MARKS[kind]}</i>{escape(words)}</span>'


def summary(each: Resolved) -> str:
    """The row of the list beside its link: title, state, and what it rests on."""
    state_of = f"{badge(each.state, STATES[each.state])}<small>{escape(coverage(each))}</small>"
    return f'<div class="entry-row"><div>{escape(each.entry.title)}</div><div>{state_of}</div></div>'


def heading(each: Resolved) -> str:
    return f'{badge(each.state, STATES[each.state])} <span class="state">\u00b7 {escape(coverage(each))}</span>'


def coverage(each: Resolved) -> str:
    """'3 of 8 figures at the paper's size', '5 of 8 at reduced size', 'nothing to measure'."""
    total, reduced = len(each.judged), sum(1 for line in each.judged if line.ours and line.ours.reduced)
    if not total:
        return "nothing to measure"
    if all(line.measure.counted for line in each.judged):
        return f"{total} {'figure' if total == 1 else 'figures'} counted, none trained"
    parts = [f"{count} of {total} {where}" for count, where in ((each.run, "at the paper's size"), (reduced, "at reduced size")) if count]
    verdicts = [verdict for _, verdict in each.claims() if verdict != "missing"]
    if fails := verdicts.count("fails"):
        parts.append(f"{fails} of {len(verdicts)} comparisons {'does' if fails == 1 else 'do'} not hold")
    return ", ".join(parts) or f"0 of {total} run"


def table(each: Resolved) -> str:
    """The paper's figures and ours, side by side."""
    rows, before = "", None
    for line in each.lines:
        first = line.row.id != before
        before = line.row.id
        name = f"{escape(line.row.name)}{f'<small>{escape(line.row.note)}</small>' if line.row.note else ''}" if first else ""
        cells = f"<td>{name}</td><td>{escape(export.unit_of(line))}</td>{paper_cell(line)}{ours_cells(line)}"
        rows += f'<tr class="{"first" * first}" data-line="{escape(line.key)}">{cells}</tr>'
    head = (
        '<th>Experiment</th><th>Measure</th><th class="number">Paper</th><th class="number">Ours</th><th '
        'class="number">Difference</th><th>Ours rests on</th>'
    )
    return (
        '<div class="lines" role="region" aria-label="The paper\'s figures and ours" '
        f'tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def paper_cell(line: Line) -> str:
    cell = line.cell
    if cell.paper is not None:
        return f'<td class="number">{escape(export.figures(cell.paper, cell.spread, line.measure.decimals))}</td>'
    bounds = export.bounds_say(cell)
    return f'<td class="paper">{escape(cell.says)}{f"<small>read as {escape(bounds)}</small>" if bounds else ""}</td>'


def ours_cells(line: Line) -> str:
    """Ours, the difference, and what ours rests on: verdict, preset, runs, n, device, time."""
    if line.ours is None:
        missing = f"{badge('missing', VERDICTS['missing'])}<small>{escape(wanted(line))}</small>"
        return f'<td class="number faint">\u2013</td><td></td><td>{missing}</td>'
    difference = f'<span class="{"faint" * line.ours.reduced}">{escape(export.difference_says(line))}</span>'
    return (
        f'<td class="number"><b>{escape(export.ours_says(line))}</b></td><td '
        f'class="number">{difference}</td><td>{badge(line.verdict, verdict(line))}<small>{escape(basis(line))}</small></td>'
    )


def verdict(line: Line) -> str:
    """The verdict, with the margin that it was given by; at reduced size with what our bounds say there."""
    assert line.ours is not None, "a line without ours is missing, which is no verdict"
    words = VERDICTS[line.verdict]
    if line.difference is not None and not line.ours.reduced and not line.measure.counted:
        return f"{words} (\u00b1 {line.margin:g})"
    if line.ours.reduced and line.bounded:
        return f"{words}, {'within' if line.bounded == 'within' else 'outside'} the bound"
    return words


def wanted(line: Line) -> str:
    """What a line that was not run would need."""
    source = line.row.ours or next(iter(line.row.reduced), None)
    return f"needs {source}" if source else ""


def basis(line: Line) -> str:
    """'netspace-digits-resnet8 · ResNet8 on Digits · 1 run · 48 test instances · CPU, 2 cores · 7 minutes of processor time'."""
    ours = line.ours
    assert ours is not None, "a line without ours rests on nothing"
    if line.measure.counted:
        return f"counted from {ours.what}"
    where = f"n {ours.n}, {ours.split}" if ours.n else ours.split
    runs = f"{ours.seeds} run{'s' * (ours.seeds != 1)}"
    without = (
        "" if not ours.recorded else "its weights do not ship" if ours.seeds == 1 else f"the weights of {ours.recorded} of them do not ship"
    )
    parts = (", ".join(ours.ids), ours.what, runs, where, ours.device, how_long(ours), without)
    return " \u00b7 ".join(filter(None, parts))


def how_long(ours: Ours) -> str:
    """Processor time where runs tell it (nothing else that the machine did made it longer), the clock's where they do not."""
    if ours.cpu_seconds and "CPU" in ours.device:
        return f"{duration(ours.cpu_seconds)} of processor time"
    return duration(ours.seconds) if ours.seconds else ""


def claims(each: Resolved) -> str:
    """What the paper compares, and whether ours do likewise."""
    rows = "".join(
        f'<div role="listitem">{badge(kind, HOLDS[kind])}<span>{escape(claim.says)}</span></div>' for claim, kind in each.claims()
    )
    return f'<div class="claims" role="list">{rows}</div>'


def presets_of(entry: Entry) -> list[str]:
    """Presets that the Training page can launch for an entry: some of the paper's own, some reduced."""
    if all(measure.counted for measure in entry.measures.values()):
        return []
    own, reduced = [row.ours for row in entry.rows if row.ours], [source for row in entry.rows for source in row.reduced]
    return [
        preset
        for sources in (own, reduced)
        for preset in list(dict.fromkeys(source.preset for source in sources if source.preset))[:LAUNCHES]
    ]


def neighbours(id_: str) -> tuple[str | None, str | None]:
    """The entries before and after."""
    ids = list(entries())
    at = ids.index(id_)
    return (ids[at - 1] if at else None), (ids[at + 1] if at + 1 < len(ids) else None)


def opens(id_: str, label: str, icon: str | None = None) -> None:
    """A button that opens an entry (ALL: the list). No link: Streamlit leaves the URL as it is where a link leads to the same page."""
    st.button(label, key=f"open_{id_}", icon=icon, type="tertiary", on_click=state.remember, kwargs={"entry": id_})


def label(entry: Entry) -> str:
    return f"{SHORT[entry.paper]} \u00b7 {entry.label}"


def chart(each: Resolved) -> None:
    """The figure itself, where it is a chart of what is at hand."""
    colours = theme.current()["chartCategoricalColors"]
    known = {id_: records.artifact_or_record(services.store(), id_) for id_ in paper_charts.artifacts(each)}
    held = {id_: artifact for id_, artifact in known.items() if artifact}
    if each.entry.id in paper_charts.SPACES:
        for id_, artifact in list(held.items())[:3]:
            st.plotly_chart(paper_charts.accuracies(artifact.table("instances.parquet"), colours), key=f"chart-{id_}")
            st.caption(
                f"`{id_}`: accuracy of its test instances (filled) and of the instances predicted for them (open), from its stored table."
            )
    elif each.entry.id in paper_charts.CURVES and held:
        st.plotly_chart(
            nern_controls.figure({id_: artifact.table("curves.parquet") for id_, artifact in held.items()}, "val_accuracy"),
            key="chart-curves",
        )
        st.caption("Validation accuracy while training, as the runs stored it.")
    elif each.entry.id in paper_charts.SIMILARITY:
        st.plotly_chart(paper_charts.similarity(colours), key="chart-similarity")
        st.caption("Eq. 1 with 40 levels, computed now.")
    elif each.entry.id in paper_charts.FACTORS:
        st.plotly_chart(paper_charts.factors(each, colours), key="chart-factors")
        st.caption("The paper's figures of Table 10, drawn as Figure 3 draws them.")


def make(each: Resolved) -> None:
    """Commands, cost, and links that open the presets on the Training page."""
    entry = each.entry
    for words, lines in (("at the paper's size", commands(entry)), ("at reduced size", commands(entry, reduced=True))):
        if lines:
            st.markdown(f"**Make it {words}**")
            st.code("\n".join(lines), language="bash", wrap_lines=True)
    st.markdown(" ".join(filter(None, (entry.cost, entry.note))))
    if presets := presets_of(entry):
        st.caption(
            "On the Training page, where a row's changed fields are set in the form:"
            if any(source.set for source in entry.sources)
            else "On the Training page:"
        )
    with st.container(horizontal=True, gap="medium"):
        for preset in presets:
            navigation.link("training", f"Launch {preset}", ":material/rocket_launch:", preset=preset)
