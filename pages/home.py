"""Home: what this is, the spaces at hand with their measured quality, the device in use, and the way in."""

from __future__ import annotations

import streamlit as st

from explorer import cards, controls, data, navigation, services
from explorer.tasks import screens

WHAT = """
Train many copies of one network and each ends up somewhere else in the space of its weights; walk straight from one to
another and the networks on the way do not work. A **space** is a learned map of them: an encoder gives each trained
network a point, a decoder turns any point back into working weights. Drag between two networks here and see, while the
thumb moves, how well the network that lives there does, measured on real images.
"""


def space_card(space) -> None:
    with st.container(border=True, key=f"space_{space.id}"):
        st.subheader(space.title or space.id, anchor=False)
        st.html(cards.card(space, controls.zoo_of(space, manifests), screens(space.task)))
        name = controls.dataset_of(space, manifests)
        if data.missing(name):
            st.caption(
                f":material/image_not_supported: {data.title(name)} is not on this machine: it opens without live accuracies and "
                "offers to download the images."
            )
        with st.container(horizontal=True, gap="medium"):
            navigation.link(screens(space.task).path, screens(space.task).drag, space=space.id)
            navigation.link("latent_map", "Map", space=space.id)
            navigation.link("preps", "PReps", space=space.id)


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

st.title("The space of trained networks", anchor=False)
st.markdown(WHAT)

if spaces:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(key="way_in", width="content"):
            first = spaces[0]
            navigation.link(screens(first.task).path, f"Drag through {first.title or first.id}", ":material/arrow_forward:", space=first.id)
        st.caption(f"Computing on {services.device()}")
    for left in range(0, len(spaces), 2):
        for column, space in zip(st.columns(2), spaces[left : left + 2]):
            with column:
                space_card(space)
    st.caption("Figures are from each space's manifest; `python -m engine evaluate ID` measures them again from the weights.")
else:
    empty_gallery(store)
    st.caption(f"Computing on {services.device()}")

for reason in store.broken().values():
    st.warning(reason, icon=":material/broken_image:")
