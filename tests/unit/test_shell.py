"""Starting the app: what a person is told who asks for something that cannot be."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def explorer(*arguments: str, **env: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "explorer", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, timeout=120)


def test_a_used_port_is_one_line_and_exit_code_2(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = explorer("--port", str(port), "--workspace", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1 and f"Port {port} is in use" in ended.stderr and "--port" in ended.stderr


@pytest.mark.parametrize("arguments", [["--port", "x"], ["--port", "70000"], ["--host", "256.1.1.1"], ["--bogus"]])
def test_a_wrong_use_is_one_line_and_exit_code_2(arguments):
    ended = explorer(*arguments)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1 and "Traceback" not in ended.stderr


def test_both_themes_name_the_same_tokens():
    from explorer import theme

    light, dark = theme.tokens("light"), theme.tokens("dark")
    assert light.keys() == dark.keys()
    assert light["primaryColor"] != dark["primaryColor"] and len(light["chartSequentialColors"]) == 10


def test_a_run_of_a_page_leaves_the_path_of_imports_alone():
    """Streamlit changes it around each run, under the feet of an import in another thread, unless the folder is there already."""
    script = (
        "import sys; from explorer import app; from streamlit.runtime.scriptrunner.exec_code import modified_sys_path as run\n"
        "{create}before = list(sys.path)\nwith run(app.__file__): print(sys.path == before, sys.path[0].endswith('explorer'))"
    )
    said = [
        subprocess.run([sys.executable, "-c", script.format(create=create)], cwd=ROOT, capture_output=True, text=True, timeout=120).stdout
        for create in ("app.create()\n", "")
    ]
    assert [each.split() for each in said] == [["True", "False"], ["False", "True"]]
