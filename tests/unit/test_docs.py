"""Every number of README and docs has a source, and is what its source says. Breaches are planted: a wrong figure, one that rests on
nothing, a manifest that moved, a source that is gone."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.docs.fill import HEAD, corrected, filled, outdated, pages, write
from engine.docs.numbers import unsourced
from engine.docs.sources import NoSource, Sources

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "docs" / "templates").glob("*.md"))
WRITTEN = {path.name for path in TEMPLATES}
PAGES = [ROOT / "README.md", *(path for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in WRITTEN)]
README_BYTES = 12 * 1024


@pytest.fixture
def copy(tmp_path) -> Path:
    """README, docs, manifests, records, tables and the code whose constants are quoted, in a folder of their own."""
    for name in ("docs", "engine", "explorer", ".streamlit", "assets/records", "assets/tables", "assets/pictures"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "README.md", tmp_path / "README.md")
    for path in (ROOT / "assets" / "gallery").rglob("*"):
        if path.name == "manifest.json" or path.name == "parameters.safetensors":
            (tmp_path / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path.relative_to(ROOT)).symlink_to(path)
    return tmp_path


def test_every_page_says_what_its_sources_say():
    assert not outdated(ROOT), "run python -m engine docs"


def test_the_command_says_so(capsys):
    assert main(["docs", "--check"]) == 0
    assert "up to date" in capsys.readouterr().out


@pytest.mark.parametrize("page", [*PAGES, *TEMPLATES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_number_has_a_source(page):
    assert not unsourced(page.read_text("utf-8"))


def test_the_readme_is_short():
    assert (ROOT / "README.md").stat().st_size <= README_BYTES


@pytest.mark.parametrize("page", [*PAGES, *(ROOT / "docs" / name for name in sorted(WRITTEN))], ids=lambda path: path.name)
def test_every_link_and_picture_of_a_page_is_there(page):
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        assert target.startswith(("http://", "https://")) or (page.parent / target).exists(), target


@pytest.mark.parametrize(
    "sentence", ("It reaches 0.93 on test images.", "It takes 30 s.", "Half of 1 077 images.", "a gap of 4.7 %", "| a | 12 |")
)
def test_a_number_without_a_source_is_found(sentence):
    assert unsourced(f"# A page\n\n{sentence}\n")


@pytest.mark.parametrize(
    "sentence",
    (
        "ResNet20 on CIFAR-10, Table 5, eqs. 7 to 12 and figure 3",
        "Python 3.11 on 127.0.0.1:8501 since 2026-11-25",
        "`--gamma 0.6`",
        "0.047<!-- netspace-digits gap_mean --> and {{netspace-digits gap_mean}}",
        "1. First",
        "[a link](page-2.md)",
        "3×3 kernels",
    ),
)
def test_what_needs_no_source_is_let_be(sentence):
    assert not unsourced(f"{sentence}\n")


def test_a_wrong_figure_is_set_right():
    """As it was written: decimals, per cent, thousands."""
    sources = Sources(ROOT)
    value = sources.value("netspace-digits gap_mean")
    gap = "<!-- netspace-digits gap_mean -->"
    text = f"9.99{gap} 9.9 %{gap} 9 999<!-- shape zoo-digits parameters.safetensors parameters 1 -->"
    right = corrected(text, sources)
    assert right.startswith(f"{value:.2f}<!--") and f"{100 * value:.1f} %<!--" in right and "3 350<!--" in right


@pytest.mark.parametrize(
    "reference",
    (
        "netspace-digits no_such_metric",
        "no-such-artifact gap_mean",
        "const engine/core/limits.py NOTHING",
        "const engine/gone.py X",
        "bench no_row value",
        "table nern-table5 sideways reconstructed_accuracy",
        "paper nern-table-5 nothing.accuracy",
        "shape zoo-digits parameters.safetensors gone 0",
        "netspace-cifar10-resnet8-mini gap_mean_above_0.8",
    ),
)
def test_a_source_that_is_gone_is_an_error(reference):
    with pytest.raises(NoSource):
        Sources(ROOT).value(reference)
    with pytest.raises(NoSource):
        filled(f"{{{{{reference}}}}}", Sources(ROOT))


def test_a_manifest_that_moved_is_noticed_and_written(copy):
    assert not outdated(copy)
    path = copy / "assets" / "gallery" / "netspace-digits" / "manifest.json"
    said = json.loads(path.read_text("utf-8"))
    said["metrics"]["gap_mean"]["value"] += 0.1
    path.unlink()
    path.write_text(json.dumps(said), "utf-8")
    assert copy / "docs" / "results.md" in outdated(copy)
    write(copy)
    assert not outdated(copy) and f"{said['metrics']['gap_mean']['value']:.3f}" in (copy / "docs" / "results.md").read_text("utf-8")


def test_a_generated_page_that_was_edited_is_noticed(copy):
    page = copy / "docs" / "results.md"
    page.write_text(page.read_text("utf-8").replace("0.9", "0.8", 1), "utf-8")
    assert outdated(copy) == [page]


def test_records_of_other_seeds_and_switches_join_by_themselves(copy):
    """Another seed is one of a range; another config never is."""
    first = json.loads((copy / "assets/gallery/netspace-digits/manifest.json").read_text("utf-8"))
    for name, change in (
        ("extra-seed7", {"seed": 7, "zoo": "zoo-digits-seed7"}),
        ("extra-other", {"seed": 8, "embedding": 128}),
        ("plain", {"performance": 0.0, "balance": False}),
    ):
        folder = copy / "assets" / "records" / name
        folder.mkdir()
        said = first | {"id": name, "config": first["config"] | change}
        (folder / "manifest.json").write_text(json.dumps(said), "utf-8")
    sources = Sources(copy)
    seeds = [each["id"] for each in sources.seeds("netspace-digits")]
    assert seeds[0] == "netspace-digits" and "extra-seed7" in seeds and not {"extra-other", "plain"} & set(seeds)
    assert sources.manifest("netspace-digits?performance=0,balance=false")["id"] == "plain" and not sources.has(
        "netspace-digits?embedding=7"
    )


def test_generated_pages_say_that_they_are():
    for path, text in pages(ROOT).items():
        assert (path.name in WRITTEN) == text.startswith(HEAD.split("{")[0])
