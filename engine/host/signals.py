"""The live socket's op about signals: the pictures of a path at gamma, of any number of pixels."""

from __future__ import annotations

import numpy as np
import torch

from ..core.errors import InvalidValue, UnknownId
from ..core.frames import to_bytes
from ..kinds.netspace.space import check_gamma
from ..tasks.signals.live import LEAST, check_pixels
from ..tasks.signals.networks import pictures, psnr
from ..tasks.signals.placing import data_of
from ..tasks.task import PATHS
from .columns import Columns, texts
from .host import Host, Loaded, row_of
from .pictures import grey

SPLIT = "test"  # whose images an LSO can be pulled towards


def signals(host: Host, space_id: str) -> Loaded:
    """The loaded space. Raises InvalidValue where its networks are no images."""
    loaded = host.loaded_space(space_id)
    if not loaded.space.task.pictures:
        raise InvalidValue(f"{space_id} holds {loaded.space.task.many}, which are not pictures: choose a space of signals.")
    return loaded


def signal(host: Host, question: dict) -> tuple[dict, dict[str, np.ndarray]]:
    """The picture at `gamma` between `a` and `b` along each of PATHS, uint8 [S, S] of `pixels` a side; `psnr` says how many dB each is from
    the images of a and b (as networks, on the data set's pixels). Raises UnknownId, InvalidValue."""
    for name in ("space", "a", "b"):
        if not isinstance(question.get(name), str):
            raise InvalidValue(f"{name} must be text; got {str(question.get(name))[:40]!r}.")
    loaded, gamma, pixels = signals(host, question["space"]), check_gamma(question.get("gamma")), check_pixels(question.get("pixels", 64))
    space, (a, b) = loaded.space, (row_of(loaded, question[name]) for name in ("a", "b"))
    height, width = loaded.once("shape", lambda: data_of(space).shape)

    def answer() -> tuple:
        made_NP = torch.stack([space.point(a, b, gamma, path) for path in PATHS])
        own_NB = pictures(made_NP, space.arch, height, width).flatten(1)
        ends_2B = pictures(space.parameters_NP[[a, b]], space.arch, height, width).flatten(1)
        outside = space.outside_between(a, b, gamma)
        return pictures(made_NP, space.arch, pixels, pixels).cpu().numpy(), [psnr(own_NB, end_B).tolist() for end_B in ends_2B], outside

    found_NSS, (to_a, to_b), outside = host.run(answer)
    header = {
        "gamma": gamma,
        "pixels": pixels,
        "psnr": {path: {"a": round(to_a[i], 2), "b": round(to_b[i], 2)} for i, path in enumerate(PATHS)},
        "outside": outside and outside.as_json(),
    }
    return header, {path: to_bytes(found_NSS[i], 0.0, 1.0) for i, path in enumerate(PATHS)}


def png(host: Host, space_id: str, a: str, b: str, gamma: float, path: str, pixels: int) -> bytes:
    """The picture of a network as a PNG file, grey, of 8 to 4 096 pixels a side. Raises UnknownId, InvalidValue."""
    import io

    from PIL import Image

    if isinstance(pixels, bool) or not isinstance(pixels, int) or not LEAST <= pixels <= 4096:
        raise InvalidValue(f"A picture has {LEAST} to 4 096 pixels a side; got {str(pixels)[:40]!r}.")
    loaded = signals(host, space_id)
    parameters_P = host.run(loaded.space.point, row_of(loaded, a), row_of(loaded, b), gamma, path)
    picture_SS = host.run_long(pictures, parameters_P[None], loaded.space.arch, pixels, pixels)[0]
    file = io.BytesIO()
    Image.fromarray(to_bytes(picture_SS.cpu().numpy(), 0.0, 1.0), "L").save(file, "png")
    return file.getvalue()


def images(host: Host, space_id: str) -> Columns:
    """The images that an LSO in a space of signals can be pulled towards, as a search finds them: `id` as its target spells it ("test/3")
    and what each `shows`. Raises UnknownId, InvalidValue."""
    loaded = signals(host, space_id)

    def made() -> Columns:
        data = data_of(loaded.space)
        labels = data.labels[SPLIT].tolist() if SPLIT in data.labels else []  # none where the networks themselves are the pictures
        shown = [data.classes[label] for label in labels]
        ids = [f"{SPLIT}/{at}" for at in range(len(shown))]
        names = [f"{id_} · {each}" for id_, each in zip(ids, shown)]
        return Columns({"id": texts(ids), "name": texts(names), "shows": texts(shown)}, len(ids), 0, "")

    return loaded.once("images", made)


def image_pictures(host: Host, space_id: str, ids: list[str]) -> tuple[dict, np.ndarray]:
    """Those images themselves, RGBA uint8 [M, H, W, 4]. Raises UnknownId, InvalidValue."""
    rows = [images(host, space_id).row_of(each) for each in ids]
    if None in rows:
        raise UnknownId(f"There is no image {ids[rows.index(None)][:60]!r}: they are {SPLIT}/0, {SPLIT}/1 and so on.")
    return {}, grey(data_of(signals(host, space_id).space).images[SPLIT][rows].cpu().numpy())
