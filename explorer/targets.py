"""What an LSO is pulled towards, as a person gives it: another network, a cloud of points. Each gives fields of the LsoConfig."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from engine.core.errors import ExplorerError
from explorer import services, state
from explorer.components.picker import picker

if TYPE_CHECKING:
    from engine.kinds.netspace.space import Space


def network(space: Space, label: str, default: str) -> dict:
    """A network by its id, of this space or another zoo or the workspace; `default` says in words which it is where none is given."""
    mine = [each.id for each in services.store().manifests("network") if each.id not in set(space.table["id"])]
    picked = state.get("target") or ""
    picker(
        "lso_target",
        label,
        space,
        picked,
        lambda id_: state.remember(target=id_ or None),
        first=[("", default), *((id_, id_) for id_ in mine)],
        free=True,
        help="An instance of the space, a network of the workspace, or another zoo's instance typed as ZOO/INSTANCE.",
    )
    return {"target": picked}


def cloud() -> dict:
    """An uploaded cloud of points, kept by its content; the target is "" before there is one."""
    from engine.jobs import clouds

    file = st.file_uploader(
        "Point cloud",
        type=[suffix[1:] for suffix in (*clouds.TEXTS, *clouds.MESH_SUFFIXES)],
        max_upload_size=clouds.MAX_BYTES >> 20,
        help="A text file with x y z on each line, or a mesh, whose surface is sampled.",
    )
    if file is not None:
        try:
            state.remember(cloud=clouds.save(services.store(), file.name, file.getvalue()))
        except ExplorerError as error:
            st.error(str(error))
    return {"target": state.get("cloud") or ""}
