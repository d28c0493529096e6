"""The explorer behind reverse proxies: below a path of its own, under a public name, over https."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import FLAGS, PATIENCE, Server, find_chromium, start, stop
from tests.browser.test_interpolation import drag, live, settled, slider
from tests.proxy import Proxy, certificate, proxying

NAME, PREFIX = "explorer.lab.example", "/user/ada/proxy/8501"


@pytest.fixture(scope="module")
def behind(tmp_path_factory) -> Iterator[Server]:
    """An explorer that is told its public name, and the path that one of its proxies leaves on."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EXPLORER_ALLOWED_HOSTS", NAME)
        environment.setenv("EXPLORER_BASE_PATH", PREFIX)
        running = start(tmp_path_factory.mktemp("behind"))
    yield running
    stop(running)


@pytest.fixture(scope="module")
def outside(browser: Browser) -> Iterator[Browser]:
    """A browser for which the public name leads to this machine."""
    flags = ["--ignore-certificate-errors", f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
    chromium = browser.browser_type.launch(executable_path=find_chromium(), args=[*FLAGS, *flags])  # one Playwright a process
    yield chromium
    chromium.close()


@pytest.fixture(params=["stripped", "left on", "public name, https, Host rewritten"])
def address(request, behind, tmp_path) -> Iterator[str]:
    """Where a proxy serves the explorer; nothing may be asked for beside it."""
    port = int(re.search(r":(\d+)", behind.url)[1])
    public = request.param.startswith("public")
    kind = {"strips": request.param != "left on", "keeps_host": not public, "certificate": certificate(tmp_path, NAME) if public else None}
    with proxying(Proxy(port, PREFIX, **kind)) as proxy:
        yield f"{proxy.scheme}://{NAME if request.param != 'stripped' else '127.0.0.1'}:{proxy.port}{PREFIX}"
    assert not proxy.outside, f"asked for beside the prefix: {proxy.outside}"


@pytest.fixture
def page(outside) -> Iterator[Page]:
    context = outside.new_context(viewport={"width": 1280, "height": 900}, ignore_https_errors=True)
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    errors, refused = [], []
    tab.on("pageerror", lambda error: errors.append(str(error)))


    def answered(response) -> None:
        if response.status >= 400 and "/_stcore/" not in response.url:  # Streamlit looks for its base there
            refused.append(f"{response.status} {response.url}")

    tab.on("response", answered)
    yield tab
    context.close()
    assert not errors and not refused, (errors, refused)


def test_a_page_behind_a_proxy_drags_gamma_loads_all_it_shows_and_leads_on(page, address, host):
    ranked = host.space("netspace-digits").table.sort_values("test_accuracy", kind="stable")["id"].tolist()
    there = f"{address}/interpolation/?space=netspace-digits&a={ranked[3]}&b={ranked[-1]}&gamma=0.5"  # with a slash too many
    page.goto(there, wait_until="commit")
    settled(page, 0.5)
    expect(page.locator('.ip[data-curve="done"]')).to_be_visible()
    expect(page.get_by_test_id("test-images").locator("canvas").last).to_be_visible()
    drag(page, sweeps=1, moves=20)
    expect(slider(page)).to_have_attribute("aria-valuenow", "0.3")
    settled(page, 0.3)
    expect(page).to_have_url(re.compile(rf"{re.escape(PREFIX)}/interpolation\?.*gamma=0\.3"))
    assert page.evaluate("window.__live.paints.length") > 3, "it did not follow the thumb"
    with page.expect_download() as download:
        page.get_by_test_id("take-folder").click()
    assert download.value.suggested_filename.endswith(".zip") and download.value.path().stat().st_size > 1000

    page.locator(".st-key-bar").get_by_role("link", name="Map").click()
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-state", "ready")  # by the live socket
    expect(page).to_have_url(re.compile(rf"{re.escape(PREFIX)}/latent-map\?"))
    page.locator(".lm a", has_text="Interpolat").click()
    expect(live(page)).to_be_visible()
    expect(page).to_have_url(re.compile(rf"{re.escape(PREFIX)}/interpolation\?"))
