"""NeRN in a real browser: pruning under the hand, bits, kernels that are linked, layers, panels, what can be taken away."""

from __future__ import annotations

import io
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from safetensors.numpy import load_file, save

from engine.__main__ import main
from engine.core.artifacts import Store
from engine.kinds.nern.coordinates import similarity
from tests.browser.hand import at_rest, grab, until

NERN, ORIGINAL = "nern-digits", "network-digits"
PICTURE = (
    "(canvas) => [...new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, "
    "canvas.height).data.buffer)].reduce((hash, pixel) => (hash * 31 + pixel) | 0, 0)"
)


def open_nern(page: Page, query: str = "") -> Page:
    page.goto(f"/nern?original={ORIGINAL}&nern={NERN}{query}")
    expect(page.get_by_test_id("nern-accuracy")).to_have_attribute("data-images", "360")
    expect(page.get_by_test_id("kernels-difference")).to_have_attribute("data-prune", re.compile(r"\d"))
    return page


def grids(page: Page) -> list[int]:
    return [page.get_by_test_id(f"kernels-{name}").evaluate(PICTURE) for name in ("original", "reconstructed", "difference")]


def share(text: str) -> float:
    return float(text.replace("\u202f%", "")) / 100


def in_url(page: Page, **values: str) -> None:
    page.wait_for_function(
        "(wanted) => Object.entries(wanted).every(([name, value]) => new URL(location).searchParams.get(name) === value)", arg=values
    )


def test_figures_at_rest_are_the_manifests(page):
    open_nern(page)
    metrics = Store().open(NERN).manifest.metrics
    for testid, name in (
        ("nern-accuracy", "reconstructed_accuracy"),
        ("nern-original", "original_accuracy"),
        ("nern-agreement", "agreement"),
        ("nern-ratio", "size_ratio"),
    ):
        expect(page.get_by_test_id(testid)).not_to_have_text("–")
        assert share(page.get_by_test_id(testid).inner_text()) == pytest.approx(metrics[name]["value"], abs=6e-4), name
    expect(page.get_by_test_id("nern-weight-error")).to_have_text(f"{metrics['weight_error']['value']:.3f}")


def test_without_its_images_the_stored_figures_are_shown_as_such(page):
    """Of the predictor as it is; of a pruned one nothing is known but its size. A NeRN before it leaves no figure behind."""
    open_nern(page)
    metrics = Store().open("nern-cifar10-resnet20-mini").manifest.metrics
    page.goto("/nern?nern=nern-cifar10-resnet20-mini")
    figure, stored = page.get_by_test_id("nern-accuracy"), f"{100 * metrics['reconstructed_accuracy']['value']:.1f}\u202f%"
    expect(figure).to_have_text(stored)
    expect(page.get_by_text("stored, of 10,000 test images")).to_be_visible()
    expect(page.get_by_test_id("nern-original")).to_have_text(f"{100 * metrics['original_accuracy']['value']:.1f}\u202f% stored")
    expect(page.get_by_text("95 % interval")).to_be_hidden()
    thumb = page.get_by_role("slider", name="pruning")
    thumb.focus()
    page.keyboard.press("PageUp")
    expect(figure).to_have_text("–")
    expect(page.get_by_test_id("nern-agreement")).to_have_text("–")
    expect(page.get_by_text("needs the images")).to_be_visible()
    page.keyboard.press("Home")
    expect(figure).to_have_text(stored)


def test_dragging_pruning_measures_all_the_way_and_asks_one_question_at_a_time(page):
    open_nern(page)
    before = grids(page)
    thumb = page.get_by_role("slider", name="pruning")
    figure = page.get_by_test_id("nern-accuracy")
    box = grab(thumb)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    seen = {figure.get_attribute("data-prune")}
    for step in (6, 14, 20):  # the hand is down all the while: each figure was shown before the next move
        for fine in range(4):
            page.mouse.move(x + 20 * step + 5 * fine, y)
        until(thumb, lambda: figure.get_attribute("data-prune") not in seen, "the figure did not follow the hand")
        seen.add(figure.get_attribute("data-prune"))
    for step in range(20, 30):
        page.mouse.move(x + 20 * step, y)
    page.mouse.up()
    prune = round(float(thumb.get_attribute("aria-valuenow")) * 0.95, 4)
    expect(page.get_by_test_id("nern-accuracy")).to_have_attribute("data-prune", f"{prune:g}")
    expect(page.get_by_test_id("nern-accuracy")).to_have_attribute("data-images", "360")
    assert float(page.get_by_test_id("nern-accuracy").get_attribute("data-value")) < 0.9 and prune > 0.3  # so much pruned, it has forgotten
    in_url(page, prune=f"{prune:g}")
    expect(page.get_by_test_id("kernels-difference")).to_have_attribute("data-prune", f"{prune:g}")
    after = grids(page)
    assert before[0] == after[0] and before[1] != after[1] and before[2] != after[2]  # the original stays
    stats = page.evaluate("window.__live")
    assert stats["inFlightMax"] == 1
    expect(page.get_by_test_id("prune-curve")).to_have_attribute("data-points", re.compile("[0-9]{2}"))
    plot = page.get_by_test_id("prune-curve").locator(".nsewdrag").first.bounding_box()
    page.mouse.click(plot["x"] + plot["width"] * (0.5 + 0.02) / 0.99, plot["y"] + plot["height"] / 2)  # the axis goes from -0.02 to 0.97
    page.wait_for_function("Math.abs(new URL(location).searchParams.get('prune') - 0.5) < 0.01")
    page.wait_for_function("Math.abs(document.querySelector('[data-testid=nern-accuracy]').dataset.prune - 0.5) < 0.01")
    page.get_by_role("slider", name="pruning").press("Home")
    expect(page.get_by_test_id("nern-accuracy")).to_have_attribute("data-prune", "0")
    expect(page.get_by_test_id("nern-agreement")).to_have_text("99.7\u202f%")


def test_a_drag_does_not_wait_until_all_images_were_asked(page):
    """As with a data set of ten thousand: here the server is told to answer live on 60 of the 360."""
    asked, held, holding = [], [], False

    def route(socket):
        server = socket.connect_to_server()

        def send(message):
            question = json.loads(message)
            if question["op"] == "nern":
                question.setdefault("images", 60)
                asked.append((question["prune"], question["images"]))
                if holding and question["images"] == 90:
                    return held.append(lambda: server.send(json.dumps(question)))
            server.send(json.dumps(question))

        socket.on_message(send)

    page.route_web_socket(re.compile("/api/live$"), route)
    open_nern(page)
    expect(page.get_by_text("on all 360 test images")).to_be_visible()
    assert asked[:11] == [(0, images) for images in range(60, 361, 30)]  # it grows to all of them, before the curve is filled
    holding = True
    thumb = page.get_by_role("slider", name="pruning")
    thumb.press("ArrowRight")
    until(thumb, lambda: held, "the rest was not asked about more images")
    old = asked[-1][0]
    asked.clear()
    thumb.press("PageUp")
    held.pop()()
    until(thumb, lambda: held, "the drag's figures did not come")
    assert asked[0][1] == 60 and asked[0][0] > old and all(prune != old for prune, _ in asked)
    expect(page.get_by_text("on 60 of 360 test images")).to_be_visible()
    holding = False
    held.pop()()
    expect(page.get_by_test_id("nern-accuracy")).to_have_attribute("data-images", "360")


def test_a_drag_does_not_wait_for_the_orders_of_all_kernels(page):
    """A large network's take a minute: they are said to be worked out, and come while the thumb has been answered long before."""
    held, ops = [], []

    def route(socket):
        server, asked = socket.connect_to_server(), set()
        ops.append(asked)

        def send(message):
            asked.add(json.loads(message)["op"])
            held.append(lambda: server.send(message)) if "nern_smoothness" in message else server.send(message)

        socket.on_message(send)

    page.route_web_socket(re.compile("/api/live$"), route)
    open_nern(page)
    expect(page.get_by_test_id("smoothness")).to_contain_text("Working out the orders of")
    thumb = page.get_by_role("slider", name="pruning")
    until(thumb, lambda: held, "the orders were not asked for")
    thumb.press("PageUp")
    expect(page.get_by_test_id("nern-accuracy")).not_to_have_attribute("data-prune", "0")
    page.get_by_label("layer", exact=True).select_option("blocks.2.second.conv")
    expect(page.get_by_test_id("kernels-original")).to_have_attribute("data-layer", "blocks.2.second.conv")
    assert len(ops) == 2 and not any(
        {"nern", "nern_smoothness"} <= asked for asked in ops
    )  # the thumb's questions had another way all the time
    held.pop()()
    expect(page.get_by_test_id("smoothness").locator("tbody tr").first).to_be_visible()
    expect(page.get_by_test_id("permutations")).to_have_attribute("data-layer", "blocks.2.second.conv")


def test_bits_are_chosen_and_the_size_falls(page):
    open_nern(page)
    sizes = []
    for bits in (16, 8, 4):
        page.get_by_role("radio", name=f"{bits} bits").click()
        expect(page.get_by_test_id("nern-accuracy")).to_have_attribute("data-bits", str(bits))
        sizes.append(share(page.get_by_test_id("nern-ratio").inner_text()))
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == 3
    in_url(page, bits="4")


def test_switching_layers_and_orders_shows_other_kernels_and_pointing_links_them(page):
    open_nern(page, "&layer=blocks.0.first.conv")
    first = grids(page)
    page.get_by_label("layer", exact=True).select_option("blocks.2.second.conv")
    for name in ("original", "reconstructed"):
        expect(page.get_by_test_id(f"kernels-{name}")).to_have_attribute("data-layer", "blocks.2.second.conv")
    assert all(a != b for a, b in zip(first, grids(page)))
    in_url(page, layer="blocks.2.second.conv")
    expect(page.get_by_test_id("importance-ranks")).to_have_attribute("data-layer", "blocks.2.second.conv")
    second = grids(page)
    page.get_by_label("order", exact=True).select_option("cross-filter")
    expect(page.get_by_test_id("kernels-original")).to_have_attribute("data-order", "cross-filter")
    assert all(a != b for a, b in zip(second, grids(page)))
    page.get_by_label("order", exact=True).select_option("none")
    expect(page.get_by_test_id("kernels-original")).to_have_attribute("data-order", "none")
    page.get_by_test_id("kernels-original").hover(position={"x": 3, "y": 3})
    readout = page.get_by_test_id("kernel-readout")
    expect(readout).to_contain_text("filter 0, channel 0")
    values = load_file(Store().open(ORIGINAL).path("network.safetensors"))["blocks.2.second.conv.weight"][0, 0]
    shown = [float(text.replace("\u2212", "-")) for text in readout.locator("pre").first.inner_text().split()]
    assert shown == pytest.approx(values.ravel().tolist(), abs=6e-4)
    assert all(a != b for a, b in zip(second, grids(page)))  # marked in all three
    page.keyboard.press("Tab")
    page.get_by_test_id("kernels-reconstructed").focus()
    page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("filter 0, channel 1")


def test_panels_below(page):
    open_nern(page)
    expect(page.get_by_test_id("importance-maps").locator("canvas")).to_have_count(18)
    page.get_by_label("images of class").select_option("4")
    expect(page.get_by_test_id("importance-maps").locator("em")).to_have_text(["4"] * 6)
    expect(page.get_by_test_id("smoothness").locator("tbody tr")).to_have_count(9)
    totals = [float(text) for text in page.get_by_test_id("smoothness").locator("tfoot tr").first.locator("td").all_inner_texts()[1:]]
    assert totals[0] > totals[1] > totals[2]  # none, in-filter, cross-filter
    expect(page.get_by_test_id("permutations").locator("canvas")).to_have_count(3)
    page.get_by_test_id("smoothness").get_by_text("blocks.1.second.conv").click()
    expect(page.get_by_test_id("permutations")).to_have_attribute("data-layer", "blocks.1.second.conv")
    page.get_by_label("base", exact=True).fill("1.2")
    plot = page.get_by_test_id("embedding-similarity")
    expect(plot).to_have_attribute("data-base", "1.2")
    levels = int(plot.get_attribute("data-levels"))
    drawn = plot.evaluate("(plot) => Array.from(plot.data[0].y)")
    assert drawn == pytest.approx(similarity(1.2, levels).tolist(), abs=1e-4)


def test_what_can_be_taken_away(page, tmp_path):
    open_nern(page, "&prune=0.1&bits=8")
    with page.expect_download() as download:
        page.get_by_role("button", name="safetensors").click()
    download.value.save_as(tmp_path / "network.safetensors")
    tensors = load_file(tmp_path / "network.safetensors")
    assert tensors.keys() == load_file(Store().open(ORIGINAL).path("network.safetensors")).keys()
    with page.expect_download() as download:
        page.locator('[data-save-kernels="png"]').click()
    assert Image.open(io.BytesIO(download.value.path().read_bytes())).width > 300
    with page.expect_download() as download:
        page.locator('[data-save-kernels="csv"]').click()
    assert download.value.path().read_text().startswith("filter,channel,place,original,reconstructed\n0,0,0,")


def test_a_dropped_checkpoint_is_refused_in_a_sentence_or_listed_and_used(page, server):
    """One visit: what is no network, a network of something else's names, then a good one, which is run at once."""
    page.goto("/nern")
    page.get_by_text("Import a network", exact=True).click()
    zone = page.locator('input[type="file"]')
    given, bring = Store().gallery / ORIGINAL / "network.safetensors", page.get_by_role("button", name=re.compile("^Import"))
    expect(bring).to_be_disabled()
    tensors = load_file(given)
    refused = {
        "pointer.pt": (b"version https://git-lfs.github.com/spec/v1\nsize 123\n", "pointer.pt is a Git LFS pointer"),
        "half.safetensors": (
            save({name: tensor for name, tensor in tensors.items() if name != "fc.bias"}),
            "half.safetensors fits none of the known architectures",
        ),
    }
    for name, (content, words) in refused.items():
        zone.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": content})
        page.get_by_role("button", name=f"Import {name}", exact=True).click()  # it is named after what the server has
        expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible(timeout=60_000)
    before = set(Store(server.workspace).folders())
    try:
        wrapped = save({f"module.{name}": tensor for name, tensor in tensors.items()})
        zone.set_input_files({"name": "theirs.safetensors", "mimeType": "application/octet-stream", "buffer": wrapped})
        expect(bring).to_have_accessible_name("Import theirs.safetensors")
        page.get_by_role("textbox", name="Name of the network").fill("Dropped here")
        page.get_by_role("textbox", name="Name of the network").press("Tab")
        at_rest(page)
        bring.click()
        in_url(page, original="dropped-here")
        expect(page.get_by_role("combobox", name="Original")).to_have_value(re.compile("theirs.safetensors"))
        expect(page.get_by_text("train nern-digits --original dropped-here")).to_be_visible()
        assert set(Store(server.workspace).folders()) - before == {"dropped-here"}
        page.goto("/nern?original=dropped-here")  # and a link leads to it
        expect(page.get_by_text("train nern-digits --original dropped-here")).to_be_visible()
    finally:
        shutil.rmtree(server.workspace / "dropped-here", ignore_errors=True)


def test_a_dropped_checkpoint_of_an_added_architecture_is_recognised(page, server, tmp_path):
    """Its architecture is data in the workspace: the file's names and shapes are enough."""
    (tmp_path / "their_net.py").write_text(
        "from torch import nn\n\n"
        "class TheirNet(nn.Sequential):\n"
        "    def __init__(self):\n"
        "        super().__init__(nn.Conv2d(1, 5, 5, padding=2), nn.ReLU(), nn.Conv2d(5, 7, 1), nn.Flatten(), nn.Linear(448, 10))\n"
    )
    add = ["architecture", "add", f"{tmp_path / 'their_net.py'}:TheirNet", "--input", "1x8x8", "--id", "their-net"]
    made = [server.workspace / name for name in ("their-net", "their-checkpoint")]
    tensors = {"0.weight": (5, 1, 5, 5), "0.bias": (5,), "2.weight": (7, 5, 1, 1), "2.bias": (7,), "4.weight": (10, 448), "4.bias": (10,)}
    content = save({name: np.full(shape, 0.1, "float32") for name, shape in tensors.items()})
    try:
        assert not main([*add, "--workspace", str(server.workspace)])
        page.goto("/nern")
        page.get_by_text("Import a network", exact=True).click()
        file = {"name": "their_s*.pt", "mimeType": "application/octet-stream", "buffer": content}
        page.locator('input[type="file"]').set_input_files(file)
        bring = page.get_by_role("button", name="Import their_s*.pt", exact=True)
        expect(bring).to_be_enabled()
        page.get_by_role("textbox", name="Name of the network").fill("Their checkpoint")
        page.get_by_role("textbox", name="Name of the network").press("Tab")
        at_rest(page)
        bring.click()
        in_url(page, original="their-checkpoint")
        assert Store(server.workspace).open("their-checkpoint").manifest.config["architecture"] == "their-net"
        expect(page.get_by_text("train nern-digits --original their-checkpoint")).to_be_visible()
    finally:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)
