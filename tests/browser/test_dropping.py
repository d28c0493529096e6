"""A checkpoint dropped on the latent map."""

from __future__ import annotations

import shutil

from playwright.sync_api import expect

from tests.browser.test_latent_map import SPACE, WAIT, ids, open_map, wait_in_url


def test_a_dropped_checkpoint_is_placed_shown_and_kept(page, server):
    """What is no checkpoint is refused in a sentence; a network is placed, looked at, and an instance only once it is kept."""
    open_map(page)
    known = ids(page)
    content = page.request.get(f"/api/spaces/{SPACE}/network?a={known[0]}&b={known[0]}&gamma=0").body()
    zone, selected = page.locator('input[type="file"]'), page.get_by_test_id("selected-instance")
    try:
        zone.set_input_files({"name": "words.pt", "mimeType": "application/octet-stream", "buffer": b"these are words"})
        expect(page.get_by_role("alert").filter(has_text="words.pt is a text")).to_be_visible()
        page.get_by_role("button", name="Drop another file").click()
        zone.set_input_files({"name": "dropped-net.safetensors", "mimeType": "application/octet-stream", "buffer": content})
        expect(selected).to_contain_text("dropped-net.safetensors (not kept)", timeout=4 * WAIT)
        expect(page.get_by_text("agreement by the encoder")).to_contain_text("with inversion")
        expect(page.get_by_text("gap 0.")).to_contain_text("the zoo:")  # how far outside it lies
        assert ids(page) == known
        page.get_by_role("button", name="Keep it").click()
        wait_in_url(page, instance="dropped-net")
        expect(selected).to_contain_text("dropped-net")
        expect(selected).not_to_contain_text("not kept")
        assert ids(page) == [*known, "dropped-net"]
    finally:
        shutil.rmtree(server.workspace / "dropped-net", ignore_errors=True)
