"""What other programs leave in a mesh, put right before its distances are measured: stray and flat triangles, faces written
twice, faces turned the wrong way.

Whether faces are turned rightly is told by the winding number on both sides of them. Just outside it is a whole number, 0 or
more; just inside it is one more. That holds for solids, for several that overlap and for cavities; it fails for a part that is
inside out, for a face turned over, and for faces written both ways. What a file says is kept where it holds.

Shape suffixes: V vertices, F faces, C components, Q probes, 3 coordinates or corners.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import igl
import igl.embree
import numpy as np

FLAT = 1e-12  # area over the square of the longest edge: a triangle this thin has none
MERGE = 1e-7  # of the mesh's extent: vertices this near are one
STRAY_SHARE = 1e-3  # of the area, of all stray parts together
PROBES, REACH = 2000, 2e-3  # faces looked at, and how far from them, in extents
SOUND, DOUBTFUL = 0.03, 0.3  # errors of `unsound` up to which faces are kept as they are; above which they are said to be doubtful
RAYS = 20_000


@dataclass
class Mended:
    """A mesh put right; `notes` are sentences on what was done or stays doubtful."""

    vertices_V3: np.ndarray
    faces_F3: np.ndarray
    notes: list[str] = field(default_factory=list)


def mend(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> Mended:
    """The mesh without flat, stray and repeated triangles, its vertices merged, its faces turned outward. It may be empty."""
    found = merged(vertices_V3, faces_F3[~flat(vertices_V3, faces_F3)], exact=True)
    if not len(found.faces_F3):
        return found
    found = without_strays(found)
    near = merged(found.vertices_V3 / np.ptp(found.vertices_V3, axis=0).max(), found.faces_F3)  # beside a stray it may be minute
    return oriented(Mended(near.vertices_V3, near.faces_F3, found.notes)) if len(near.faces_F3) else near


def flat(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> np.ndarray:
    """Which triangles (F,) have no area to speak of for their size."""
    corners_F33 = vertices_V3[faces_F3]
    edges_F33 = corners_F33 - np.roll(corners_F33, 1, 1)
    longest_F = np.square(edges_F33).sum(-1).max(-1)
    return areas(vertices_V3, faces_F3) <= FLAT * longest_F


def areas(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> np.ndarray:
    """Area (F,) of each triangle."""
    a, b, c = vertices_V3[faces_F3].transpose(1, 0, 2)
    return np.linalg.norm(np.cross(b - a, c - a), axis=-1) / 2


def merged(vertices_V3: np.ndarray, faces_F3: np.ndarray, exact: bool = False) -> Mended:
    """Vertices in one place, or nearly, become one (STL repeats them for every triangle); unused ones go."""
    if not len(faces_F3):
        return Mended(vertices_V3[:0], faces_F3)
    used_V = np.zeros(len(vertices_V3), bool)
    used_V[faces_F3] = True
    faces_F3, vertices_V3 = (np.cumsum(used_V) - 1)[faces_F3], vertices_V3[used_V]
    if exact:
        keys_V3 = np.ascontiguousarray(vertices_V3 + 0.0).view(np.int64)
    else:
        keys_V3 = np.round((vertices_V3 - vertices_V3.min(0)) / (np.ptp(vertices_V3, axis=0).max() * MERGE)).astype(np.int64)
    order = np.lexsort(keys_V3.T)  # stable: of equal ones the first comes first
    new = np.ones(len(order), bool)
    new[1:] = (keys_V3[order[1:]] != keys_V3[order[:-1]]).any(1)
    first = order[new]
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))  # vertices keep the order of the file
    label_V = np.empty(len(order), np.int64)
    label_V[order] = rank[np.cumsum(new) - 1]
    faces_F3 = label_V[faces_F3]
    apart_F = (faces_F3 != np.roll(faces_F3, 1, 1)).all(1)
    return Mended(vertices_V3[np.sort(first)], np.ascontiguousarray(faces_F3[apart_F]))


def without_strays(mesh: Mended) -> Mended:
    """Small open parts that lie outside of the box of all others go: they enclose nothing, and would shrink the rest."""
    count, labels = igl.facet_components(mesh.faces_F3)
    if count == 1:
        return mesh
    label_F = np.asarray(labels)
    area_F = areas(mesh.vertices_V3, mesh.faces_F3)
    area_C = np.bincount(label_F, area_F, count)
    corners_F33 = mesh.vertices_V3[mesh.faces_F3]
    low_C3, high_C3 = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(low_C3, label_F, corners_F33.min(1))
    np.maximum.at(high_C3, label_F, corners_F33.max(1))
    order = np.argsort(-area_C, kind="stable")
    main_C = np.zeros(count, bool)
    main_C[order[: np.searchsorted(np.cumsum(area_C[order]), (1 - STRAY_SHARE) * area_C.sum()) + 1]] = True
    low_3, high_3 = low_C3[main_C].min(0), high_C3[main_C].max(0)
    margin = 0.1 * np.linalg.norm(high_3 - low_3)
    away_C = ((low_C3 > high_3 + margin) | (high_C3 < low_3 - margin)).any(1) & ~main_C & ~closed(mesh.faces_F3, label_F, count)
    stray_F = away_C[label_F]
    if not stray_F.any():
        return mesh
    kept = merged(mesh.vertices_V3, mesh.faces_F3[~stray_F], exact=True)
    left_out = int(stray_F.sum())
    kept.notes = [*mesh.notes, f"{number(left_out, 'stray triangle')} far from the rest {'was' if left_out == 1 else 'were'} left out."]
    return kept


def closed(faces_F3: np.ndarray, label_F: np.ndarray, count: int) -> np.ndarray:
    """Which components (C,) have no border: every edge is one of two faces or more."""
    edges_E2 = np.sort(np.concatenate([faces_F3[:, [0, 1]], faces_F3[:, [1, 2]], faces_F3[:, [2, 0]]]), axis=1)
    _, first, times = np.unique(edges_E2[:, 0] * (faces_F3.max() + 1) + edges_E2[:, 1], return_index=True, return_counts=True)
    closed_C = np.ones(count, bool)
    closed_C[label_F[first[times == 1] % len(faces_F3)]] = False
    return closed_C


def oriented(mesh: Mended) -> Mended:
    """The mesh with its faces turned outward and written once, where the file's own faces do not hold together."""
    vertices_V3, given_F3 = mesh.vertices_V3, mesh.faces_F3
    worst = unsound(vertices_V3, given_F3)
    if worst <= SOUND:
        return mesh
    best_F3, note = given_F3, ""
    _, first = np.unique(np.sort(given_F3, axis=1), axis=0, return_index=True)
    once_F3 = given_F3[np.sort(first)]
    repeats = len(given_F3) - len(once_F3)
    tries = [(given_F3[:, ::-1], "It was inside out: all faces were turned.")]
    if repeats:
        tries += [(once_F3, f"{number(repeats, 'repeated face')} {'was' if repeats == 1 else 'were'} read once.")]
    once = " and read once" if repeats else ""
    tries += [(turned(vertices_V3, once_F3), f"Faces were turned outward{once}: they did not agree on their outside.")]
    for faces_F3, says in tries:
        error = unsound(vertices_V3, faces_F3)
        if error < worst - 0.01:
            worst, best_F3, note = error, faces_F3, says
        if worst <= SOUND:
            break
    notes = [*mesh.notes, note] if note else [*mesh.notes]
    if worst > DOUBTFUL:
        notes.append("Its faces do not tell inside from outside well (holes, or sheets without thickness): look at the picture.")
    return Mended(vertices_V3, np.ascontiguousarray(best_F3), notes)


def turned(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> np.ndarray:
    """Each patch of faces turned so that its front is the side that rays reach (Takayama et al. 2014)."""
    flip_F, _ = igl.embree.reorient_facets_raycast(vertices_V3, faces_F3, rays_total=RAYS)
    return np.where(np.asarray(flip_F)[:, None], faces_F3[:, ::-1], faces_F3)


def unsound(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> float:
    """How far the winding numbers beside the faces are from what they are beside those of a solid: 0 none, 1 as for a sheet
    or faces written both ways, 2 inside out. The mean over faces drawn by area."""
    area_F = areas(vertices_V3, faces_F3)
    rng = np.random.default_rng(0x0917)
    faces_Q33 = vertices_V3[faces_F3[rng.choice(len(area_F), PROBES, p=area_F / area_F.sum())]]
    weights_Q3 = rng.dirichlet((2.0, 2.0, 2.0), PROBES)
    points_Q3 = np.einsum("qi,qij->qj", weights_Q3, faces_Q33)
    normals_Q3 = np.cross(faces_Q33[:, 1] - faces_Q33[:, 0], faces_Q33[:, 2] - faces_Q33[:, 0])
    normals_Q3 *= REACH * np.ptp(vertices_V3, axis=0).max() / np.linalg.norm(normals_Q3, axis=1, keepdims=True)
    sides = np.concatenate([points_Q3 + normals_Q3, points_Q3 - normals_Q3])
    winding_Q = np.asarray(igl.fast_winding_number(vertices_V3, np.ascontiguousarray(faces_F3), sides))
    outside_Q, inside_Q = winding_Q.reshape(2, -1)
    return float((off(outside_Q, 0) + off(inside_Q, 1)).mean())


def off(winding_Q: np.ndarray, least: int) -> np.ndarray:
    """The distance of each to the nearest whole number from `least` on, at most 1."""
    return np.minimum(abs(winding_Q - np.maximum(np.round(winding_Q), least)), 1)


def number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
