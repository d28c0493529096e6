"""The surface of one network as vertices [V, 3] and faces [F, 3]; `surface` is "outside" or "inside" where there is none."""

from __future__ import annotations

import numpy as np

from ...tasks.distances.meshing import Mesh
from .. import shapes as viewing
from ..host import Host
from ..questions import Answer, view


def answer(host: Host, question: dict) -> Answer:
    asked = view(question)
    found = viewing.surface(host, asked)
    outside = viewing.outside(host, asked)
    header = {
        "gamma": asked.gamma,
        "path": asked.path,
        "resolution": asked.resolution,
        "level": asked.level,
        "evaluated": found.evaluated,
        "outside": outside and outside.as_json(),
    }
    if not isinstance(found, Mesh):
        return {**header, "surface": found.side}, {}
    return {**header, "surface": "mesh"}, {"vertices": found.vertices_V3, "faces": found.faces_F3.astype(np.uint32)}
