"""Pictures of meshes, drawn off screen: `python -m engine.tasks.distances.draw PyVista|matplotlib MESHES OUT SIDE`, for sheet.py.

MESHES is a safetensors file (`count` of the shapes' length; v0, f0, v1, ... of those that have a surface), OUT an .npy file
of uint8 [N, S, S, 4], red, green, blue and alpha.

Legend: N shapes, S side of a picture, V vertices, F faces, 3 coordinates.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

EYE = np.array([0.62, 0.42, 0.78])  # where the camera stands, seen from the middle
REACH = 1.02  # half of the height that is shown, in units of the cube
COLOUR = (0.56, 0.66, 0.74)
FINER = 3  # drawn larger and averaged: smooth edges


def main(renderer: str, source: str, out: str, side: str) -> None:
    from safetensors.numpy import load_file

    tensors = load_file(source)
    count, pixels = len(tensors["count"]), int(side)
    pictures_NSS4 = np.zeros((count, pixels, pixels, 4), np.uint8)
    picture = {"PyVista": pyvista, "matplotlib": matplotlib}[renderer](pixels)
    for i in range(count):
        if f"v{i}" in tensors:
            pictures_NSS4[i] = picture(tensors[f"v{i}"], tensors[f"f{i}"])
    np.save(out, pictures_NSS4, allow_pickle=False)


def pyvista(side: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Draws with VTK; one window for all pictures."""
    import pyvista as pv
    from PIL import Image

    plotter = pv.Plotter(off_screen=True, window_size=[FINER * side, FINER * side], lighting="none")
    for place, strength in (((1.2, 2.4, 1.6), 0.75), ((-2.0, 0.6, 1.2), 0.3), ((0.6, 0.4, 2.0), 0.25)):
        plotter.add_light(pv.Light(position=place, focal_point=(0, 0, 0), intensity=strength))
    plotter.camera.parallel_projection = True
    plotter.camera.position, plotter.camera.focal_point, plotter.camera.up = 4 * EYE, (0, 0, 0), (0, 1, 0)
    plotter.camera.parallel_scale = REACH

    def picture(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> np.ndarray:
        plotter.add_mesh(
            pv.PolyData.from_regular_faces(vertices_V3, faces_F3),
            color=COLOUR,
            ambient=0.22,
            diffuse=0.8,
            specular=0.12,
            name="shape",
            reset_camera=False,
        )
        shown = plotter.screenshot(transparent_background=True, return_img=True)
        assert shown is not None
        return np.asarray(Image.fromarray(shown).resize((side, side), Image.Resampling.BOX))

    return picture


def matplotlib(side: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Draws the triangles as polygons, far ones first."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    forward = EYE / np.linalg.norm(EYE)
    right = np.cross((0, 1, 0), forward)
    right /= np.linalg.norm(right)
    view_33 = np.stack([right, np.cross(forward, right), forward])

    def picture(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> np.ndarray:
        corners_F33 = (vertices_V3 @ view_33.T)[faces_F3]
        normal_F3 = np.cross(corners_F33[:, 1] - corners_F33[:, 0], corners_F33[:, 2] - corners_F33[:, 0])
        normal_F3 /= np.maximum(np.linalg.norm(normal_F3, axis=-1, keepdims=True), 1e-12)
        order_F = np.argsort(corners_F33[:, :, 2].mean(-1))
        order_F = order_F[normal_F3[order_F, 2] > 0]
        shade_F = 0.35 + 0.65 * np.clip(normal_F3 @ (np.array([0.25, 0.75, 0.6])), 0, 1)
        figure = Figure(figsize=(1, 1), dpi=side)
        canvas = FigureCanvasAgg(figure)
        figure.patch.set_alpha(0)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")
        axes.axis("off")
        colours_F3 = np.clip(shade_F[order_F, None] * np.array(COLOUR) * 1.1, 0, 1)
        flat = list(corners_F33[order_F][:, :, :2])
        axes.add_collection(PolyCollection(flat, facecolors=colours_F3, edgecolors=colours_F3, linewidths=0.3))
        canvas.draw()
        return np.asarray(canvas.buffer_rgba()).copy()

    return picture


if __name__ == "__main__":
    main(*sys.argv[1:])
