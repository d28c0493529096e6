"""A space of classifiers in a real browser, without its images and then with them: what can be seen, what is said, the way to more."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from engine.datasets import fetching
from tests.archives import cifar10, file_server
from tests.browser.conftest import PATIENCE, Server, start, stop
from tests.tiny_cifar import SPACE, TEST_IMAGES, write_tiny_cifar

A, B = "cifar10-lenetlike-0000", "cifar10-lenetlike-0002"
LINE = f"space={SPACE}&a={A}&b={B}"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("cifar")
    store, archive = write_tiny_cifar(root)
    other, *_ = cifar10(root / "other.tar.gz")
    with (
        file_server({f"/{fetching.ARCHIVES['cifar10'].url.rpartition('/')[2]}": other.read_bytes()}) as mirror,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("EXPLORER_DATA_URL", mirror.url)
        patch.setenv("EXPLORER_DATA", str(root / "later"))
        running = start(store.workspace)
        yield running, archive, mirror
        stop(running)


@pytest.fixture
def server(place) -> Iterator[Server]:
    return place[0]


def drag(page: Page, gamma: float) -> None:
    """The thumb to `gamma`, by the keyboard: Home, then steps of a hundredth."""
    slider = page.get_by_role("slider", name="gamma")
    slider.focus()
    slider.press("Home")
    expect(page.get_by_test_id("live-accuracy")).to_have_attribute("data-gamma", "0")
    while float(slider.get_attribute("aria-valuenow")) < gamma:
        slider.press("PageUp")


def picture(page: Page) -> str:
    return page.get_by_test_id("prep-predicted").evaluate("canvas => canvas.toDataURL()")


def test_without_its_images_it_is_seen_and_not_measured(page: Page, place):
    page.goto(f"/interpolation?{LINE}&gamma=0.5")
    panel = page.locator(".st-key-data_cifar10")
    expect(panel).to_contain_text("Live accuracies need CIFAR-10")
    expect(panel).to_contain_text("python -m engine data get cifar10")
    live = page.get_by_test_id("live-accuracy")
    expect(live).to_have_text("not measured")
    expect(page.locator('[data-ip="figure-a"]')).to_contain_text("stored")
    before = picture(page)
    drag(page, 0.2)
    expect(live).to_have_attribute("data-images", "0")
    expect(live).not_to_have_attribute("data-gamma", "0")
    page.wait_for_function("old => document.querySelector('[data-testid=prep-predicted]').toDataURL() !== old", arg=before)
    expect(page.get_by_test_id("live-error")).to_have_text("")
    expect(page.get_by_test_id("path-curve")).to_be_hidden()

    page.goto(f"/latent-map?{LINE}")
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-line", "21")
    expect(page.get_by_test_id("line-words")).to_contain_text("not measured")
    page.goto(f"/preps?space={SPACE}&instance={A}")
    expect(page.get_by_text("as it was trained, and as the space predicts it").first).to_be_visible()
    page.goto(f"/lso?space={SPACE}")
    expect(page.get_by_text("LSO of a classifier needs CIFAR-10")).to_be_visible()
    expect(page.get_by_role("button", name="Launch")).to_be_disabled()
    page.goto("/")
    expect(page.locator(f".st-key-space_{SPACE}")).to_contain_text("CIFAR-10 is not on this machine")


def test_a_download_that_is_another_file_is_told_and_a_folder_brings_the_images(page: Page, place):
    _, archive, mirror = place
    page.goto(f"/interpolation?{LINE}&gamma=0.5")
    page.locator(".st-key-data_cifar10").get_by_role("button", name="Download").click()
    panel = page.locator(".st-key-data_cifar10")
    expect(panel).to_contain_text("another file than the known archive of cifar10")
    assert len(mirror.asked) >= 2
    path = page.get_by_label("Or a folder or archive on the server's machine")
    path.fill("/nowhere/at/all")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(panel).to_contain_text("There is no folder or archive")
    path.fill(str(archive))
    page.get_by_role("button", name="Add", exact=True).click()
    live = page.get_by_test_id("live-accuracy")
    expect(live).to_have_text(re.compile(r"\d\s%"), timeout=2 * PATIENCE)
    expect(live).to_have_attribute("data-images", str(TEST_IMAGES))
    expect(panel).to_have_count(0)
    page.get_by_text("How it is measured").first.click()
    expect(page.get_by_text("CIFAR-10 (JPEG) test images").first).to_be_visible()
    expect(page.get_by_test_id("test-images").locator("canvas").first).to_be_visible()
    expect(page.locator('[data-ip="figure-a"]')).not_to_contain_text("stored")
    page.goto(f"/latent-map?{LINE}")
    expect(page.get_by_test_id("line-words")).to_contain_text(f"each on {TEST_IMAGES} test images")
