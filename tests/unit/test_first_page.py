"""The first page is served without torch and pandas, which take seconds to load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRST = """
import sys
from streamlit.testing.v1 import AppTest
from explorer import __main__ as main, app, services
import uvicorn
from engine.api.guard import allowed_hosts, base_path
from engine.api.listening import listen
from engine.api.wire import answer_headers, configuration
from engine.jobs.backends import keeper, retire
served = app.create()
heavy = lambda: [name for name in ("torch", "pandas") if name in sys.modules]
assert not heavy(), f"the server needs {heavy()}"
services.begin_warming = lambda: None  # which loads them in the background
page = AppTest.from_file("explorer/app.py", default_timeout=60).run()
assert not page.exception and not page.error, (page.exception, page.error)
words = str([each.proto for each in page.get("html")])
assert "waiting-images" in words and "space-card" in words, words[:300]
assert not heavy(), f"Home needs {heavy()}"
import explorer.controls
assert heavy() == ["torch", "pandas"], "what pages need beside it"
"""


def test_home_is_served_before_torch_and_pandas_are_loaded(tmp_path):
    found = subprocess.run([sys.executable, "-c", FIRST], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stderr[-2000:]
