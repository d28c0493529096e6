"""Latent map: every instance of a zoo as a point, near those that the space's encoder puts it near."""

from __future__ import annotations

import streamlit as st

from engine.core import cells
from explorer import captions, controls, data, dropping, maps, navigation, services, state
from explorer.components.latent_map import DIMS, for_map, latent_map
from explorer.components.zoo_table import zoo_table
from explorer.tasks import every_colour, screens

ACTS = ("a", "b", "instance", "dims", "colour", "across", "up", "range", "eye", "only", "played")


def optional(name: str, ids: list[str]) -> str | None:
    """The selected instance under that name, checked; None where nothing is selected."""
    return state.instance(name, ids) if state.get(name) else None


def act(values: dict) -> None:
    """What a person did on the map, as the component says it; what is not kept is looked at, but is no instance."""
    if "instance" in values:
        dropping.look(values["instance"])
    values = {name: value for name, value in values.items() if value != dropping.PREVIEW}
    if values.pop("go", False):
        st.session_state["map_go"] = True
    state.remember(**{name: value for name, value in values.items() if name in ACTS})


def selected_table(space, chosen: list[int]) -> None:
    st.subheader(f"Selection ({len(chosen)})" if chosen else "Selection", anchor=False)
    if not chosen:
        st.markdown("Choose Box or Lasso above the map and drag around some points: they are listed here, and can be downloaded as CSV.")
        return
    columns = {"id": "instance", "architecture": "architecture", "split": "split", **screens(space.task.id).selected}
    here = {name: heading for name, heading in columns.items() if name in space.table}
    rows = space.table.iloc[chosen][list(here)].rename(columns=here)
    accuracies = [heading for name, heading in here.items() if name.endswith("accuracy")]
    shown = rows.assign(**{name: 100 * rows[name] for name in accuracies})
    formats = {name: st.column_config.NumberColumn(format="%.1f %%") for name in accuracies}
    st.dataframe(cells.harmless_table(shown), hide_index=True, height=min(38 + 35 * len(rows), 320), column_config=formats, key="map_rows")
    st.download_button(
        "Download CSV", cells.csv_of(rows), f"{space.id}-selection.csv", "text/csv", icon=":material/download:", on_click="ignore"
    )


with navigation.heading("latent_map"):
    space = controls.pick_space()
if space is None:
    st.stop()
shown = screens(space.task.id)
if st.session_state.pop("map_go", False):
    navigation.go(shown.path)
if missing := shown.missing(space):
    data.panel(missing, "Accuracies along a line need")
host = services.host()
mine = shown.placed_rows(host, space)
ids = [*space.table["id"], *(row["id"] for row in mine)]
dropped = dropping.row(space)
colours, axes = maps.colours(space, shown), maps.axes(space)
if state.get("colour") not in colours and ((had := state.get("colour")) in every_colour() or str(had).startswith(maps.PROPERTY)):
    state.mend(colour=None)  # of another space
a, b, instance = (picked := {name: optional(name, ids) for name in ("a", "b", "instance")}).values()
embedding_E = shown.embedding(host, space, instance) if instance else None
if dropped and dropping.looked_at():
    picked["instance"] = instance = dropping.PREVIEW
    embedding_E = dropping.embedding(space)
along = {name: state.choice(name, ["map", *axes], what="property") if state.get(name) else "map" for name in ("across", "up")}
chosen = latent_map(
    {
        "space": space.id,
        "title": space.manifest.title or space.id,
        "screen": for_map(shown, colours),
        "dims": state.choice("dims", DIMS),
        "colour": state.choice("colour", list(colours)),
        "properties": axes,
        **along,
        "range": state.numbers("range", 4, what="part of the map"),
        "eye": state.numbers("eye", 9, what="view of the map"),
        "only": state.checked("only", maps.ranges, "Showing all networks instead."),
        "played": state.checked("played", maps.is_share, "Showing the runs whole instead."),
        **picked,
        "preview": dropping.PREVIEW if dropped else None,
        "placed": [*mine, dropped] if dropped else mine,
        "neighbours": maps.neighbours(space, instance, embedding_E=embedding_E) if instance else None,
        "find": state.get("find") or "",
        "line": maps.line(host, space, a, b) if a and b and a != b else None,
    },
    on_act=act,
)
captions.show(shown.map_line + maps.along_words(**along), shown.map_caption(space))
maps.offer_code(space, colours[state.choice("colour", list(colours))].name, state.choice("dims", DIMS), along, a, b)
st.subheader("All networks of the map", anchor=False)
zoo_table(space)
if shown.checkpoints and not missing:
    dropping.panel(space)
selected_table(space, [row for row in chosen if row < len(space.table)])
