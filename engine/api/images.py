"""The images that the networks of a space answer.

Legend: B images.
"""

from __future__ import annotations

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from ..core.errors import InvalidValue
from ..core.frames import frame, to_bytes
from ..datasets import SPLITS
from ..host.host import Host
from ..tasks.images.live import live_images
from .answers import binary, choice, whole


def images(host: Host, request: Request) -> Response:
    """The first `count` images of a split (by default those of a live answer), uint8 [B, rows, cols(, 3)], with labels."""
    found = host.space(request.path_params["id"])
    if found.dataset is None:
        raise InvalidValue(f"{found.id} holds {found.task.many}, which do not classify images: ask for /api/spaces/{found.id}/sheet.")
    split = choice(request, "split", SPLITS, "test")
    data, total = found.needed_images(), len(found.needed_images().labels[split])
    count = whole(request, "count", 1, total, live_images(data.images[split].shape))
    pixels_BCHW = data.images[split][:count].cpu().numpy()
    atlas = np.moveaxis(to_bytes(pixels_BCHW, data.low, data.high), 1, -1)
    atlas = atlas[..., 0] if atlas.shape[-1] == 1 else atlas
    header = {"split": split, "n": count, "total": total, "labels": data.labels[split][:count].tolist(), "classes": data.classes}
    return binary(frame(header, {"images": atlas}))


ROUTES = {"/api/spaces/{id}/images": images}
