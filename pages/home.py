"""Home: what can be dragged, at once; then the spaces at hand, with a picture and the measured quality of each."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import ExplorerError
from explorer import captions, cards, controls, data, navigation, nern_controls, services
from explorer.tasks import screens
from explorer.thumbnails import instances, thumbnail

WHAT = (
    "Drag a thumb: each place between two trained networks is a network, too. A **space** is a learned map of them, from each point of "
    "which a working network can be decoded."
)
COLUMNS = 3
FIRST = 12  # spaces that are shown until a person asks for all: a hundred take seconds to draw


def space_card(space) -> None:
    shown = screens(space.task)
    with st.container(border=True, key=f"space_{space.id}"):
        st.subheader(titles[space.id], anchor=False)
        st.html(cards.card(space, controls.zoo_of(space, manifests), shown, thumbnail(space), instances(space)))
        name = controls.dataset_of(space, manifests)
        if data.missing(name):
            st.markdown(
                f":material/image_not_supported: {data.title(name)} is not on this machine: it opens without live accuracies and "
                "offers to download the images."
            )
        with st.container(horizontal=True, gap="medium"):
            navigation.link(shown.path, shown.drag, space=space.id)
            navigation.link("latent_map", "Map", space=space.id)
            navigation.link("preps", "PReps", space=space.id)


def glimpses() -> None:
    """A live view of the first space of each task, and of a NeRN; what a page holds opens below each."""
    first = {}
    for space in spaces:
        first.setdefault(space.task, space)
    for space in first.values():
        shown = screens(space.task)
        if not shown.welcome:
            continue
        st.subheader(shown.welcome, anchor=False)
        try:
            shown.glimpse(space)
        except ExplorerError as error:
            st.warning(str(error), icon=":material/broken_image:")
        with st.container(key="way_in" if space is spaces[0] else f"way_in_{space.task}", width="content"):
            navigation.link(shown.path, f"{shown.drag}: {titles[space.id]}", ":material/arrow_forward:", space=space.id)
    if pair := nern_controls.first():
        st.subheader("A network that stores another: prune it, and its kernels and answers follow", anchor=False)
        nern_controls.glimpse(*pair)
        navigation.link("nern", "Open NeRN", ":material/arrow_forward:")


def empty_gallery(store) -> None:
    with st.container(border=True):
        st.subheader("No space yet", anchor=False)
        st.markdown(
            "Trained spaces would be here, each with its measured quality. This command makes the first one, from "
            "images to space, in about ten minutes on two cores:"
        )
        st.code("python -m engine train netspace-digits", language="bash")
        st.caption(f"It is saved in {store.workspace}. The spaces that ship are in {store.gallery}.")
        st.button("Look again", icon=":material/refresh:")


store = services.store()
manifests = {manifest.id: manifest for manifest in store.manifests()}
spaces = controls.in_order(manifests)
titles = controls.names(spaces)

st.title("The space of trained networks", anchor=False)
st.markdown(WHAT)

if spaces:
    glimpses()
    st.subheader("Spaces", anchor=False)
    first = spaces if st.session_state.get("home_all") else spaces[:FIRST]
    for left in range(0, len(first), COLUMNS):
        for column, space in zip(st.columns(COLUMNS), first[left : left + COLUMNS]):
            with column:
                space_card(space)
    if len(first) < len(spaces):
        st.button(f"Show all {len(spaces)} spaces", on_click=lambda: st.session_state.update(home_all=True))
    captions.show("Figures are as they were measured when a space was made.", "`python -m engine evaluate ID` measures them again.")
else:
    empty_gallery(store)
services.computing()

for reason in store.broken().values():
    st.warning(reason, icon=":material/broken_image:")
