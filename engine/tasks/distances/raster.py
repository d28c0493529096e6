"""Meshes as pictures without a graphics card: the look of the page's own (explorer/components/mesh_view.js), a triangle at a time.

Legend: V vertices, F faces, S pixels a side, 3 coordinates or colours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np

from .meshing import Mesh

FIELD = math.radians(30)  # of view
COLOURS = {"embedding": (0.56, 0.66, 0.74)}  # of a shape in the first view; of those beside it:
BESIDE = (0.66, 0.66, 0.655)
KEY, FILL = (0.35, 0.8, 0.5), (-0.8, 0.15, 0.45)  # where light comes from
LIMITS = ((-180, 180), (-89, 89), (0.6, 20), (-2, 2), (-2, 2), (-2, 2))


@dataclass(frozen=True)
class Camera:
    """Where one looks from: degrees, lengths in units of the cube [-1, 1]^3 (explorer/components/camera.js)."""

    azimuth: float = 38
    elevation: float = 22
    distance: float = 4.1
    x: float = 0
    y: float = -0.04
    z: float = 0

    def axes(self) -> np.ndarray:
        """Rows right, up, towards the eye [3, 3]."""
        azimuth, elevation = math.radians(self.azimuth), math.radians(self.elevation)
        back = np.array(
            [math.cos(elevation) * math.sin(azimuth), math.sin(elevation), math.cos(elevation) * math.cos(azimuth)]
        )
        right = np.array([back[2], 0, -back[0]]) / math.hypot(back[0], back[2])
        return np.stack([right, np.cross(back, right), back])


def camera_of(text: str | None) -> Camera:
    """The camera as the page's address has it, "38_22_4.1_0_-0.04_0"; anything else is the first one."""
    try:
        values = [float(part) for part in (text or "").split("_")]
    except ValueError:
        values = []
    if len(values) != len(LIMITS) or not np.isfinite(values).all():
        return Camera()
    return Camera(*(min(high, max(low, value)) for value, (low, high) in zip(values, LIMITS)))


def picture(mesh: Mesh | None, camera: Camera, side: int, colour: tuple[float, float, float], back: tuple, shadow: tuple) -> np.ndarray:
    """A mesh as the camera sees it, uint8 [S, S, 3] on a ground of colour `back` with a shadow of colour `shadow` (0 to 1 each); drawn
    twice as large and averaged."""
    from PIL import Image

    large = 2 * side
    pixels_SS3 = np.empty((large, large, 3), np.uint8)
    pixels_SS3[:] = _bytes(np.array(back, np.float32))
    if mesh is not None and len(mesh.faces_F3):
        vertices_V3, faces_F3 = mesh.vertices_V3.astype(np.float32), mesh.faces_F3.astype(np.int32)
        turn = camera.axes().astype(np.float32)
        ground = vertices_V3[:, 1].min()
        depth_SS = np.zeros((large, large), np.float32)
        if camera.elevation > 1:
            flat_V3 = vertices_V3.copy()
            flat_V3[:, 0] -= 0.22 * (vertices_V3[:, 1] - ground)
            flat_V3[:, 2] -= 0.12 * (vertices_V3[:, 1] - ground)
            flat_V3[:, 1] = ground
            dark_13 = _bytes(np.array([shadow], np.float32))
            _fill(_seen(flat_V3, turn, camera, large), faces_F3, dark_13, pixels_SS3, depth_SS, False)
        colours_F3 = _bytes(_lit(vertices_V3, faces_F3, turn, camera, np.array(colour, np.float32)))
        _fill(_seen(vertices_V3, turn, camera, large), faces_F3, colours_F3, pixels_SS3, depth_SS, True)
    return np.asarray(Image.fromarray(pixels_SS3).reduce(2))


def _bytes(colours: np.ndarray) -> np.ndarray:
    return (np.clip(colours, 0, 1) * 255 + 0.5).astype(np.uint8)


def _seen(vertices_V3: np.ndarray, turn: np.ndarray, camera: Camera, side: int) -> np.ndarray:
    """Where vertices lie in the picture: x and y in pixels, and one over their distance from the eye (0: behind it)."""
    eye_V3 = (vertices_V3 - np.array([camera.x, camera.y, camera.z], np.float32)) @ turn.T
    away_V = camera.distance - eye_V3[:, 2]
    near_V = np.where(away_V > 0.1, 1 / np.maximum(away_V, 0.1), 0)
    scale_V = near_V / math.tan(FIELD / 2)
    return np.stack([(eye_V3[:, 0] * scale_V + 1) * side / 2, (1 - eye_V3[:, 1] * scale_V) * side / 2, near_V], 1).astype(np.float32)


def _lit(vertices_V3: np.ndarray, faces_F3: np.ndarray, turn: np.ndarray, camera: Camera, colour: np.ndarray) -> np.ndarray:
    """Each face's colour [F, 3], as the page's shader has it; one seen from behind is browner."""
    a, b, c = (vertices_V3[faces_F3[:, corner]] for corner in range(3))
    normal_F3 = np.cross(b - a, c - a)
    normal_F3 /= np.maximum(np.linalg.norm(normal_F3, axis=1, keepdims=True), 1e-12)
    eye = np.array([camera.x, camera.y, camera.z], np.float32) + camera.distance * turn[2]
    front_F1 = ((eye - (a + b + c) / 3) * normal_F3).sum(1, keepdims=True) > 0
    normal_F3 = np.where(front_F1, normal_F3, -normal_F3)
    key_F1, fill_F1 = (
        np.maximum(0, normal_F3 @ np.array(light, np.float32) / float(np.linalg.norm(light)))[:, None] for light in (KEY, FILL)
    )
    rim_F1 = (1 - np.maximum(0, normal_F3 @ turn[2])[:, None]) ** 3
    base_F3 = np.where(front_F1, colour, colour * np.array([0.62, 0.5, 0.46], np.float32))
    lit_F3 = base_F3 * (0.34 + 0.12 * normal_F3[:, 1:2] + 0.66 * key_F1 + 0.2 * fill_F1) + 0.07 * rim_F1
    return (np.clip(lit_F3, 0, 1) ** 0.94).astype(np.float32)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _fill(seen_V3, faces_F3, colours_F3, pixels_SS3, depth_SS, deep):
    """Paint triangles in their colours; where `deep`, the nearest of those over a pixel's middle, else all in one colour."""
    side = pixels_SS3.shape[0]
    for face in range(faces_F3.shape[0]):
        a, b, c = faces_F3[face, 0], faces_F3[face, 1], faces_F3[face, 2]
        xa, ya, za = seen_V3[a, 0], seen_V3[a, 1], seen_V3[a, 2]
        xb, yb, zb = seen_V3[b, 0], seen_V3[b, 1], seen_V3[b, 2]
        xc, yc, zc = seen_V3[c, 0], seen_V3[c, 1], seen_V3[c, 2]
        area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if za <= 0 or zb <= 0 or zc <= 0 or area == 0 or (area > 0 and not deep):  # a shadow has two sides, alike
            continue
        paint = face if deep else 0
        red, green, blue = colours_F3[paint, 0], colours_F3[paint, 1], colours_F3[paint, 2]
        left, right = max(0, int(min(xa, xb, xc) - 0.5)), min(side - 1, int(max(xa, xb, xc) + 0.5))
        top, bottom = max(0, int(min(ya, yb, yc) - 0.5)), min(side - 1, int(max(ya, yb, yc) + 0.5))
        across_u, across_v = (yb - yc) / area, (yc - ya) / area  # how the shares of a and b change from pixel to pixel
        x = left + np.float32(0.5)
        for row in range(top, bottom + 1):
            y = row + np.float32(0.5)
            u = ((xb - x) * (yc - y) - (xc - x) * (yb - y)) / area
            v = ((xc - x) * (ya - y) - (xa - x) * (yc - y)) / area
            for col in range(left, right + 1):
                if u >= 0 and v >= 0 and u + v <= 1:
                    if deep:
                        near = zc + u * (za - zc) + v * (zb - zc)  # one over the distance is straight in the picture
                        if near > depth_SS[row, col]:
                            depth_SS[row, col] = near
                            pixels_SS3[row, col, 0], pixels_SS3[row, col, 1], pixels_SS3[row, col, 2] = red, green, blue
                    else:
                        pixels_SS3[row, col, 0], pixels_SS3[row, col, 1], pixels_SS3[row, col, 2] = red, green, blue
                u += across_u
                v += across_v
