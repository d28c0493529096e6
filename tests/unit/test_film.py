"""Films of a walk: what is drawn is what the host measures, files are what they say they are, and nobody waits for one that is given up."""

from __future__ import annotations

import io
import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image

from engine.core.errors import InvalidValue, Stopped, UnknownId
from engine.film.files import FORMS
from engine.film.sheet import Sheet, dashed
from engine.film.walk import MOST, Walk, sweep
from engine.host.films import film
from engine.tasks.distances.meshing import Mesh, mesh
from engine.tasks.distances.raster import Camera, camera_of, picture
from tests.serving import get, port, question, tiny_host, tiny_store  # noqa: F401 - fixtures
from tests.tiny import SPACE

pytestmark = pytest.mark.usefixtures("one_thread")
SPACES = {"netspace-digits": "Accuracy", "netspace-chairs": "IoU", "netspace-digits-inr": "dB"}  # and what is measured there
LOOK = ((0.56, 0.66, 0.74), (1.0, 1.0, 1.0), (0.85, 0.87, 0.89))


def walk_in(host, space: str, gammas: tuple[float, ...] = (0.0, 0.25, 0.5, 0.5, 1.0), **more) -> Walk:
    ids = host.space(space).table["id"].tolist()
    return Walk(space, ids[0], ids[-1], gammas, rate=10, **more)


def words(svg: bytes) -> str:
    return " ".join(each.text or "" for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"))


@pytest.mark.parametrize("space", SPACES)
def test_a_walk_is_a_gif_an_mp4_and_a_filmstrip_that_say_what_they_show(host, space):
    walk = walk_in(host, space)
    gif = Image.open(io.BytesIO(film(host, walk, "gif")))
    shown, times = [], []
    for at in range(gif.n_frames):
        gif.seek(at)
        shown.append(np.asarray(gif.convert("RGB")))
        times.append(gif.info["duration"])
    assert sum(times) == 500 and gif.n_frames in (4, 5), "a thumb that stands still may be one longer frame"
    assert all((one != other).any() for one, other in zip(shown[:3], shown[1:]))
    assert tuple(shown[0][0, -1]) == (255, 255, 255), "the ground is the page's own colour"

    import av

    with av.open(io.BytesIO(film(host, walk, "mp4"))) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate) == ("h264", 10)
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(stream)]
    assert len(frames) == 5 and frames[0].shape == shown[0].shape
    assert np.abs(frames[0] - shown[0]).mean() < 6 < np.abs(frames[0] - 255 + shown[0]).mean()

    svg = film(host, replace(walk, theme="dark", played=False), "svg")
    said = words(svg)
    measured = ("measured for this film", "as it was dragged", "Decoded from the space", "gamma 0.00")
    for each in (space, walk.a, walk.b, SPACES[space], *measured):
        assert each in said
    assert Image.open(io.BytesIO(film(host, walk, "png"))).size[0] == int(ET.fromstring(svg).get("width", "0"))


def test_the_figures_are_the_hosts_own(host):
    walk = walk_in(host, "netspace-digits", (0.0, 0.3, 1.0), way="aligned-repaired")
    said = words(film(host, walk, "svg"))
    for path in ("embedding", "weights", "aligned-repaired"):
        for gamma in walk.gammas:
            step = host.step(walk.space, walk.a, walk.b, gamma, path)
            assert f"{100 * step.accuracy:.1f} % ({100 * step.low:.0f} to {100 * step.high:.0f})" in said
    assert "360 Digits" in said and "95 % Wilson" in said and "then REPAIR" in said
    moved = words(film(host, replace(walk, gammas=(0.0, 0.9, 1.0)), "svg"))
    assert moved != said


def test_a_surface_is_seen_from_the_pages_camera_and_cut_at_its_level(host):
    walk = walk_in(host, "netspace-chairs", (0.0, 1.0))
    drawn = {
        name: film(host, each, "png")
        for name, each in {
            "home": walk,
            "unreadable": replace(walk, camera="1_2_three"),
            "turned": replace(walk, camera="120_10_4_0_0_0"),
            "cut": replace(walk, levels=(0.1, 0.1)),
        }.items()
    }
    assert drawn["home"] == drawn["unreadable"] and len(set(drawn.values())) == 3


def ball(radius: float, x: float = 0.0) -> Mesh:
    found = mesh(lambda points_M3: (points_M3 - points_M3.new_tensor([x, 0, 0])).norm(dim=-1) - radius, 48)
    assert isinstance(found, Mesh)
    return found


def test_a_ball_is_a_disc_of_its_size_wherever_it_is_seen_from():
    distance = 4.0
    for azimuth, elevation in ((0, 0), (38, -30), (-120, -80)):  # from below there is no shadow
        pixels = picture(ball(0.5), Camera(azimuth, elevation, distance, 0, 0, 0), 200, *LOOK)
        seen = (pixels != 255).any(-1).sum()
        radius = math.tan(math.asin(0.5 / distance)) / math.tan(math.radians(15)) * 100
        assert seen == pytest.approx(math.pi * radius**2, rel=0.03)
    assert (picture(None, Camera(), 20, *LOOK) == 255).all()


def test_what_is_nearer_hides_what_is_farther():
    near, far = ball(0.2, 0.5), ball(0.35, -0.5)
    both = Mesh(np.concatenate([far.vertices_V3, near.vertices_V3]), np.concatenate([far.faces_F3, near.faces_F3 + len(far.vertices_V3)]))
    turned = Mesh(both.vertices_V3, both.faces_F3[::-1].copy())
    front = Camera(90, 0, 4, 0, 0, 0)  # from where x is large
    pictures = [picture(each, front, 120, *LOOK) for each in (both, turned, far)]
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1, "the order of triangles does not matter"
    assert (pictures[0] != pictures[2]).any(), "the near one is seen at all"
    alone = picture(near, front, 120, *LOOK)
    middle = slice(52, 68)
    assert np.abs(pictures[0][middle, middle].astype(int) - alone[middle, middle]).max() <= 1, "the near ball is in front"
    behind = picture(both, Camera(-90, 0, 4, 0, 0, 0), 120, *LOOK)
    assert np.abs(behind[middle, middle].astype(int) - alone[middle, middle]).max() > 1


def test_a_camera_is_read_as_the_page_writes_it():
    assert camera_of("38_22_4.1_0_-0.04_0") == Camera() == camera_of(None) == camera_of("nan_0_0_0_0_0") == camera_of("1_2")
    assert camera_of("500_-300_0_0_0_0") == Camera(180, -89, 0.6, 0, 0, 0)


def test_a_film_that_nobody_waits_for_is_not_finished(tiny_host):  # noqa: F811
    looks = []

    def stop() -> bool:
        looks.append(1)
        return len(looks) > 3

    for form in FORMS:
        looks.clear()
        with pytest.raises(Stopped):
            film(tiny_host, walk_in(tiny_host, SPACE, sweep(40)), form, stop)
        assert len(looks) == 4


def test_a_film_is_asked_for_by_address(port, question, tiny_host):  # noqa: F811
    asked = {"a": question["a"], "b": question["b"], "gammas": "0_0.5_1", "rate": 4, "theme": "dark"}
    for form, media in FORMS.items():
        status, content, headers = get(port, f"/api/spaces/{SPACE}/film?{urlencode({**asked, 'format': form})}")
        assert (status, headers["content-type"]) == (200, media)
        assert headers["content-disposition"].endswith(f'{SPACE}-{question["a"]}-{question["b"]}.{form}"')
    assert Image.open(io.BytesIO(get(port, f"/api/spaces/{SPACE}/film?{urlencode(asked)}")[1])).format == "GIF"
    wrong = ({"gammas": "0"}, {"gammas": "0_x"}, {"gammas": "0_2"}, {"gammas": "_".join(["0"] * (MOST + 1))}, {"rate": "900"},
             {"format": "avi"}, {"theme": "pink"}, {"way": "weights"}, {"levels": "0_0"}, {"levels": "0.1_0.1_0.1"})  # fmt: skip
    for each in wrong:
        status, content, _ = get(port, f"/api/spaces/{SPACE}/film?{urlencode({**asked, **each})}")
        assert status == 400 and b"Internal" not in content, each
    assert get(port, f"/api/spaces/{SPACE}/film?{urlencode({**asked, 'b': 'nobody'})}")[0] == 404
    assert get(port, f"/api/spaces/{SPACE}/film?a=x")[0] == 400


def test_what_cannot_be_a_film_is_refused(tiny_host):  # noqa: F811
    with pytest.raises(UnknownId):
        film(tiny_host, replace(walk_in(tiny_host, SPACE), a="nobody"), "gif")
    with pytest.raises(InvalidValue, match="gif, mp4"):
        film(tiny_host, walk_in(tiny_host, SPACE), "webm")
    for frames in (1, MOST + 1, True, 2.5):
        with pytest.raises(InvalidValue, match="2 to 300"):
            sweep(frames)


def test_letters_stay_letters_and_dashes_are_as_long_as_they_are_said():
    sheet = Sheet(40, 20, "#ffffff")
    sheet.text(2, 12, "a < b & c", 10, "#000000")
    assert words(sheet.svg()) == "a < b & c"
    pieces = dashed([(0, 0), (10, 0), (10, 10)], 3, 2)
    assert pieces == [[(0, 0), (3, 0)], [(5, 0), (8, 0)], [(10, 0), (10, 3)], [(10, 5), (10, 8)]]
    assert sum(math.dist(*pair) for piece in pieces for pair in zip(piece, piece[1:])) == pytest.approx(12)
