"""NeRN: a network that knows another network's kernels, pruned and quantised under the hand."""

from __future__ import annotations

import streamlit as st

from engine.host.nerns import Look, hosted, state_bytes
from explorer import bringing, data, navigation, nern_controls, services, taking
from explorer.captions import Caption
from explorer.components.nern_view import nern_view

CAPTIONS = {
    "live": Caption(
        "Prune or round the predictor's weights: its network is made anew and run. A click on the curve moves the thumb there.",
        "{measured}: the predictor's weights of smallest magnitude are dropped (over all its layers), the rest rounded to the bits "
        "chosen, all kernels predicted, and the "
        "network run. Pruned weights are counted as a bit each. Bands: 95 % Wilson. Fig. 5 (left) of the NeRN paper. {stored}",
    ),
    "kernels": Caption(
        "Each small square is a kernel; rows are filters, columns are channels. They follow the sliders above.",
        "One diverging colour scale for all, to the 99th percentile of the layer's magnitudes. Fig. 6 of the paper.",
    ),
    "importance": Caption(
        "Left the filters, ranked by how well the NeRN keeps them; right what those kept best and worst see.",
        "Left: the filters of the layer chosen above, by |reconstructed \u2212 original| / |original| of their kernels. Right: "
        "the original's feature maps of that layer, after ReLU, averaged over the "
        "filters that the NeRN keeps best and worst, on {images}. Fig. 5 (right) of the paper.",
    ),
    "smooth": Caption(
        "How alike neighbouring kernels are, in the network's order and in either permuted one.",
        "Left: eq. 6 of each layer (sum of distances between neighbours; lower is smoother), and what it takes to store the order "
        "(the paper's formulas, and as a share of the kernels). Right: the kernels of the layer chosen, row by row, in the colour of the "
        "filter that they belong to. Fig. 2 and 7, table 9.",
    ),
    "embedding": Caption(
        "How alike the NeRN takes two places of the network to be.",
        "Cosine similarity of the embeddings (eq. 1) of coordinates (0, 0, c), c from 0 to 63, to that of the reference. Computed "
        "live by the engine. Fig. 8 of the paper.",
    ),
}

navigation.heading("nern", picker=False)
picked = nern_controls.pick_original()
if st.toggle("Import a network", value=picked is None, key="bring") and not services.locked():
    st.markdown(
        "Use a file of your own or any network of a space as an original. On the command line: `python -m engine import FILE`, or, for "
        "an instance of a zoo, `python -m engine send ZOO INSTANCE`."
    )
    bringing.drop()
    nern_controls.bring()
if picked is None:
    st.stop()
original, nerns = picked
nern = nerns[0] if nerns else None
if nern is None:
    nern_controls.no_nern(original)
found = hosted(services.host(), nern=nern.id) if nern else hosted(services.host(), original=original.id)
if found.images is None and data.missing(original.config.get("dataset")):
    data.panel(original.config["dataset"], "Accuracies need")
nern_controls.layers(found.original)
if not found.original.layers:
    st.stop()
told = nern_controls.facts(original, nern, found)
chosen = nern_controls.selected([layer["name"] for layer in told["layers"]], len(told["classes"]))
images, measured = nern_controls.test_images(found.images)
words = {"images": images, "measured": measured, "stored": nern_controls.stored_words(nern) if nern else ""}
captions = {name: Caption(caption.line, caption.how.format(**words)) for name, caption in CAPTIONS.items()}
nern_view({**told, "captions": captions, **chosen}, on_act=nern_controls.act)
if nern:
    look = Look(chosen["prune"], chosen["bits"])
    name = f"{nern.id}-reconstructed"
    nern_controls.offer_code(nern, look)
    taking.network("Download the reconstructed network as", name, lambda id_=nern.id: state_bytes(services.host(), id_, look), "nern")
    st.subheader("Training", anchor=False)
    nern_controls.curves(nerns)
