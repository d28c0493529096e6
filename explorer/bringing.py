"""A network of one's own as an original: the drop zone of the NeRN page. The checks are those of `python -m engine import`."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import streamlit as st

from engine.core.errors import ExplorerError
from engine.core.slugs import plain, slug
from engine.nets.sniffing import SUFFIXES
from explorer import services, state

MAX_MIB = 500  # Streamlit writes 512 as 1GB
FOUND = "detected from names and shapes"
UNMEASURED = "none: nothing is measured"
WEIGHTS = {"as trained": "", "averaged (EMA)": "ema"}
NOTE = "_network_note"
NORMALISE = "For example mean=0.5,std=0.25, one number per channel; add range=255 or order=BGR where they apply"


def drop() -> None:
    """The drop zone, what is said of the file, and the button that brings it."""
    from engine.archs import all_architectures, imported_architectures, kept
    from engine.datasets import NAMES, prepared

    dropped = st.file_uploader(
        "Drop a file of weights", type=[suffix[1:] for suffix in SUFFIXES], key="network_file", max_upload_size=MAX_MIB
    )
    left, middle, right = st.columns(3)
    with left:
        known = [FOUND, *kept.ids(), *all_architectures(), *imported_architectures()]
        arch = st.selectbox(
            "Architecture",
            known,
            key="network_architecture",
            accept_new_options=True,
            help="After an imported architecture, -c10 means 10 classes: resnet18-imagenet-c10",
        )
    with middle:
        home = prepared.home()
        own = sorted(path.name for path in home.iterdir() if prepared.here(path.name) and path.name not in NAMES) if home.is_dir() else []
        dataset = st.selectbox("Data set", [UNMEASURED, *NAMES, *own], key="network_dataset", help="The one that it was trained on")
    with right:
        weights = st.selectbox(
            "Weights", list(WEIGHTS), key="network_weights", help="For a file that holds averaged weights beside the raw ones"
        )
    left, middle, right = st.columns(3)
    name = left.text_input("Name of the network", placeholder="named after its architecture", key="network_name")
    normalise = middle.text_input("Normalisation of its input", placeholder="the data set's own", key="network_normalise", help=NORMALISE)
    stated = right.number_input(
        "Reported accuracy (%)", 0.0, 100.0, None, key="network_accuracy", help="Compared with what is measured here"
    )
    # It names the file that the server has: while another one is still uploaded, that is the one before it.
    label = "Import" if dropped is None else f"Import {literal(plain(dropped.name))}"
    if st.button(label, icon=":material/upload:", disabled=dropped is None, key="network_import") and dropped is not None:
        asked = {"weights": WEIGHTS[weights], "normalise": normalise.strip() or None, "stated": None if stated is None else stated / 100}
        bring(dropped.name, dropped.getvalue(), None if arch == FOUND else arch, None if dataset == UNMEASURED else dataset, name, **asked)
    if note := st.session_state.pop(NOTE, ""):
        st.info(note, icon=":material/info:")


def literal(words: str) -> str:
    """The words so that Streamlit's markdown shows them as they are: my_net_2.pt has no italics."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", words)


def bring(file: str, content: bytes, arch: str | None, dataset: str | None, name: str, **asked) -> None:
    """Import what was dropped and show it; what is wrong with it is said in one sentence. `asked`: weights, normalise and stated of
    `import_network`."""
    from engine.kinds.nern.bringing import import_network
    from engine.nets.measuring import beside_stated

    try:
        with st.spinner("Reading and checking the file"), tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "dropped"
            path.write_bytes(content)
            made = import_network(
                services.store(), path, arch, slug(name) or None, dataset, str(services.host().device), name=file[-100:], **asked
            )
    except ExplorerError as error:
        st.error(str(error), icon=":material/error:")
        return
    differs = beside_stated(made.manifest)
    said = (made.manifest.config["note"], f"{differs[0].upper()}{differs[1:]}" if differs else "")
    st.session_state[NOTE] = " ".join(filter(None, said))
    state.remember(original=made.id, nern=None)
    st.rerun()
