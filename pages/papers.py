"""Papers: every table and figure of the two papers beside ours, what made it, and how to make it."""

from __future__ import annotations

import streamlit as st

from engine.papers.entries import PAPERS, entries
from explorer import captions, navigation, papers, state

WHAT = "Ours are read from what is at hand now; a state follows from them."
STATES_SAY = """
*Reproduced*: run with the paper's own data and sizes, every figure within its margin (the tolerance of its measure, or twice the
paper's spread); figures count once they are drawn. *Run, differs*: run, and some figure lies outside its margin, or a comparison does
not hold. *At reduced size*: a smaller network or other data: compare the pattern, not the figures; a difference is given only where
architecture and data are the paper's. *Reduced, differs*: a comparison that the paper makes does not hold in ours. *A drawing* has
nothing to measure.
"""


def overview(found) -> None:
    captions.show(WHAT, STATES_SAY, "What the states mean")
    st.html(papers.counts(found))
    shown = papers.pick(found)
    for paper, title in PAPERS.items():
        mine = [each for each in shown if each.entry.paper == paper]
        if mine:
            st.subheader(title, anchor=False)
        with st.container(key=f"entries_{paper}"):
            for each in mine:
                with st.container(key=f"entry_{each.entry.id}"):
                    left, right = st.columns([1.5, 6], vertical_alignment="center")
                    with left:
                        papers.opens(each.entry.id, each.entry.label)
                    right.html(papers.summary(each))
    if not shown:
        st.info("No entries match. Clear the search or choose another state.", icon=":material/search_off:")
    papers.downloads(shown or found, "papers")


def one(each) -> None:
    entry, (before, after) = each.entry, papers.neighbours(each.entry.id)
    with st.container(horizontal=True, gap="medium"):
        papers.opens(papers.ALL, "All entries", ":material/arrow_back:")
        for id_, icon in ((before, ":material/chevron_left:"), (after, ":material/chevron_right:")):
            if id_:
                papers.opens(id_, papers.label(entries()[id_]), icon)
    st.subheader(f"{papers.label(entry)}: {entry.title}", anchor=False)
    st.html(papers.heading(each))
    st.write(entry.caption)
    facts = [
        entry.section,
        f"the paper's data: {entry.test}" if entry.test else "",
        f"the paper's mean and spread are over {entry.seeds} seeds" if entry.seeds > 1 else "",
    ]
    st.markdown(" \u00b7 ".join(filter(None, facts)))
    if each.lines:
        st.html(papers.table(each))
    papers.chart(each)
    if each.entry.claims:
        st.markdown("**What the paper compares, in ours**")
        st.html(papers.claims(each))
    if entry.views:
        st.markdown("**See it live**")
        for view in entry.views:
            navigation.link(view.page, view.says, ":material/play_circle:", **view.query)
    papers.make(each)
    papers.downloads([each], entry.id)


st.html(f"<style>{papers.STYLE}</style>")
navigation.heading("papers", picker=False)
held, found = papers.at_hand()
for reason in held.broken:
    st.warning(reason, icon=":material/broken_image:")
wanted = state.choice("entry", [papers.ALL, *entries()], papers.ALL)
if wanted == papers.ALL:
    overview(found)
else:
    one(next(each for each in found if each.entry.id == wanted))
