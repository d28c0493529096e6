"""Latent map: every instance of a zoo as a point, near those that the space's encoder puts it near."""

from __future__ import annotations

import streamlit as st

from engine.core import cells
from explorer import controls, data, maps, navigation, services, state
from explorer.components.latent_map import COLOURS, DIMS, SHAPE_COLOURS, latent_map

COLUMNS = {
    "id": "instance",
    "architecture": "architecture",
    "split": "split",
    "steps": "steps",
    "test_accuracy": "test accuracy",
    "predicted_test_accuracy": "predicted accuracy",
    "legs": "kind",
    "predicted_iou": "predicted IoU",
    "fit_iou": "fit IoU",
}

CAPTION = """
Each point is one of the {count:,} trained networks of the zoo, put where UMAP (fixed seed, kept with the artifact) puts its
embedding of {embedding} numbers; nearness is what the picture means, its axes mean nothing. Accuracies {measured}. The line holds 21 networks decoded at equal steps of gamma from A to B and measured just now; each is
drawn at the mean of its 15 nearest embeddings, weighted as UMAP weighs neighbours, because UMAP does not keep lines straight; even one
far from all of them is drawn among them. {hollow} The
space and the line through it follow section III and fig. 3 (b, d) of the NetSpace paper; the map is ours.
"""
SHAPES_CAPTION = """
Each point is one of the {count:,} networks of the zoo, a shape, put where UMAP (fixed seed, kept with the artifact) puts its
embedding of {embedding} numbers; nearness is what the picture means, its axes mean nothing. IoU: between the predicted shape and
its target, or between the target and the shape it was fitted to, on a grid of 48³ cells. The line holds 21 shapes decoded at equal steps of
gamma, each drawn at the mean of its 15 nearest embeddings, however far they are. {hollow} Pictures show the targets. The space follows section IV
and fig. 4 of the NetSpace paper; the map is ours, and so are the shapes that were placed later.
"""


def optional(name: str, ids: list[str]) -> str | None:
    """The selected instance under that name, checked; None where nothing is selected."""
    return state.instance(name, ids) if state.get(name) else None


def act(values: dict) -> None:
    """What a person did on the map, as the component says it."""
    if values.pop("go", False):
        st.session_state["map_go"] = True
    state.remember(**{name: value for name, value in values.items() if name in ("a", "b", "instance", "dims", "colour", "range", "eye")})


def selected_table(space, ids: list[str]) -> None:
    st.subheader(f"Selection ({len(ids)})" if ids else "Selection", anchor=False)
    if not ids:
        st.caption("Choose Box or Lasso above the map and drag around some points: they are listed here, and can be downloaded as CSV.")
        return
    rows = space.table[space.table["id"].isin(ids)][[name for name in COLUMNS if name in space.table]].rename(columns=COLUMNS)
    accuracies = [name for name in ("test accuracy", "predicted accuracy") if name in rows]
    shown = rows.assign(**{name: 100 * rows[name] for name in accuracies})
    formats = {name: st.column_config.NumberColumn(format="%.1f %%") for name in accuracies}
    st.dataframe(cells.harmless_table(shown), hide_index=True, height=min(38 + 35 * len(rows), 320), column_config=formats, key="map_rows")
    st.download_button("Download CSV", cells.csv_of(rows), f"{space.id}-selection.csv", "text/csv", icon=":material/download:", on_click="ignore")


heading, picker = st.columns([3, 2], vertical_alignment="bottom")
heading.title("Latent map", anchor=False)
with picker:
    space = controls.pick_space()
if space is None:
    st.stop()
if st.session_state.pop("map_go", False):
    navigation.go("shapes" if space.is_shapes else "interpolation")
if not space.is_shapes and space.images is None:
    data.panel(space.dataset, "Accuracies along a line need")
host = services.host()
mine = maps.placed_rows(host, space) if space.is_shapes else []
ids = [*space.table["id"], *(row["id"] for row in mine)]
colours, line = (SHAPE_COLOURS, maps.shape_line) if space.is_shapes else (COLOURS, maps.line)
if state.get("colour") in {*COLOURS, *SHAPE_COLOURS}.difference(colours):  # of the other kind of space
    state.remember(colour=None)
a, b, instance = (picked := {name: optional(name, ids) for name in ("a", "b", "instance")}).values()
chosen = latent_map(
    {
        "space": space.id,
        "title": space.manifest.title or space.id,
        "dims": state.choice("dims", DIMS),
        "colour": state.choice("colour", colours),
        "range": state.numbers("range", 4, what="part of the map"),
        "eye": state.numbers("eye", 9, what="view of the map"),
        **picked,
        "placed": mine,
        "neighbours": maps.neighbours(space, instance, embedding_E=maps.embedding(host, space, instance)) if instance else None,
        "line": line(host, space, a, b) if a and b and a != b else None,
    },
    on_act=act,
)
measured = f"are measured on the {len(space.images.labels['test'])} test images" if space.images else "are stored ones, of the test images, which are not here"
facts = {"count": len(space.table), "embedding": space.config.embedding, "hollow": maps.HOLLOW}
st.caption(SHAPES_CAPTION.format(**facts) if space.is_shapes else CAPTION.format(**facts, measured=measured))
selected_table(space, chosen)
