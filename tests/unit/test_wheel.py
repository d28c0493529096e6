"""The wheel, installed into an empty environment and used from another folder, serves what ships.

The environment sees the packages of this one, but not the source tree: nothing is downloaded.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import pytest

from engine import __version__

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """Start a program of the environment from a folder of its own."""
    environment, elsewhere = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", "--no-compile", str(wheel)], check=True)
    (packages,) = environment.glob("lib/python3*/site-packages")
    (packages / "present.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("EXPLORER_", "PYTHON"))}

    def start(program: str, *arguments: str) -> subprocess.Popen:
        command = [str(environment / "bin" / program), *arguments]
        return subprocess.Popen(command, cwd=elsewhere, env=variables, stdout=subprocess.PIPE, text=True)

    return start


def output(process: subprocess.Popen) -> str:
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return said


def test_the_gallery_is_listed_from_another_folder(run):
    listed = json.loads(output(run("python", "-m", "engine", "list", "--json")))["artifacts"]
    assert {row["id"] for row in listed} == {path.parent.name for path in (ROOT / "assets/gallery").glob("*/manifest.json")}


def test_it_is_the_installed_code_that_runs(run):
    said = output(run("python", "-c", "import engine, explorer; print(engine.__file__, explorer.__file__)"))
    assert str(ROOT) not in said and said.count("site-packages") == 2


def test_every_file_of_the_packages_and_of_the_gallery_is_in_the_wheel(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    listed = subprocess.run(["git", "ls-files", "engine", "explorer"], cwd=ROOT, capture_output=True, text=True, check=True)
    beside = ["pages", "assets/gallery", "assets/records", "assets/tables", "assets/theme", ".streamlit"]
    more = subprocess.run(["git", "ls-files", *beside], cwd=ROOT, capture_output=True, text=True, check=True)
    wanted = {*listed.stdout.split(), *(f"engine/shipped/{path}" for path in more.stdout.split())}
    assert {path for path in wanted if (ROOT / path.removeprefix("engine/shipped/")).is_file()} <= inside
    assert not [path for path in inside if path.startswith(("tests", "assets", "pages", "docs"))]


def test_the_app_is_served_and_its_screens_run(run):
    process = run("network-space-explorer", "--port", "0", "--workspace", "mine")
    try:
        url = re.search(r"http://[\w.:]+", process.stdout.readline())[0] + "/"
        for path, expected in (("", "window.__streamlit"), ("latent-map", "window.__streamlit"), ("api/artifacts", "netspace-digits")):
            with urllib.request.urlopen(url + path, timeout=60) as answer:
                assert answer.status == 200 and expected in answer.read().decode()
    finally:
        process.terminate()
        process.communicate(timeout=60)
    screen = (
        "import explorer.app as app; from streamlit.testing.v1 import AppTest; from explorer import theme;"
        "found = AppTest.from_file(app.__file__, default_timeout=100).run();"
        "print(len(found.exception), len(found.error), len(found.main.children), 'accent' in theme.variables())"
    )
    exceptions, errors, shown, themed = output(run("python", "-c", screen)).split()[-4:]
    assert (exceptions, errors, themed) == ("0", "0", "True") and int(shown) > 1


def requirements(name: str) -> dict[str, str]:
    """package -> version that a requirements file pins."""
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines())
    return dict(line.split("==") for line in lines if line and not line.startswith("-"))


def test_the_wheel_needs_what_is_pinned_and_no_older():
    assert dict(each.split(">=") for each in PYPROJECT["project"]["dependencies"]) == requirements("requirements.txt")
    assert PYPROJECT["build-system"]["requires"] == [f"hatchling=={requirements('requirements-test.txt')['hatchling']}"]


def test_the_version_has_one_home(wheel):
    assert wheel.name.startswith(f"network_space_explorer-{__version__}-")
    listed = subprocess.run(["git", "grep", "-lF", f'"{__version__}"', "--", "*.py", "*.toml"], cwd=ROOT, capture_output=True, text=True)
    assert listed.stdout.split() == ["engine/core/version.py"]
