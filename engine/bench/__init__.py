"""Speed as figures and ratios: `python -m engine bench [NAME ...]`.

A row is {"name", "value", "unit", "reference", "ratio"}; ratio = reference / ours, so that more is better. The reference
is the same work done the plain way, measured in the same run with the same threads and allocator (`measure.tune`); where
there is no plain way, it is the bar that the project set itself, and ratio says by how much it is met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module

from ..core.errors import InvalidValue, closest

ROWS = {  # name -> the file and function that measure it; heavy imports stay in those
    "drag_step_p95": "drag.step_p95",
    "drag_step_p95_four": "drag.step_p95_four",
    "aligned_drag_p95": "drag.aligned_p95",
    "plane_first": "drag.plane_first",
    "plane_441": "drag.plane",
    "film_100": "film.hundred",
    "zoo_stacked": "zoo.stacked",
    "accuracy_10k": "accuracy.ten_thousand",
    "tour_resnet20": "nern.tour_resnet20",
    "tour_262144": "nern.tour_262144",
    "tours_resnet18": "nern.tours_resnet18",
    "nern_step": "nern.nern_step",
    "nern_predict": "nern.nern_predict",
    "nern_drag_p95": "nern.drag_p95",
    "graph_answers": "graph.answers",
    "multi_step": "multi.step",
    "netspace_step": "netspace.step",
    "mesh_sparse_256": "mesh.sparse_256",
    "mesh_drag_p95": "mesh.drag_p95",
    "mesh_release_128": "mesh.release_128",
    "mesh_browser_updates_per_s": "mesh.browser_updates",
    "siren_stacked": "mesh.siren_stacked",
    "list_seconds": "startup.list_seconds",
    "lists": "lists.page",
    "first_page_seconds": "startup.first_page_seconds",
    "browser_update_p95": "browser.update_p95",
    "browser_updates_per_s": "browser.updates_per_s",
    "map": "map.page",
}


def run(names: Iterable[str] | None = None) -> list[dict]:
    """The rows of those names, or all. Raises InvalidValue for a name that is none, and what a row's own needs raise."""
    chosen = list(names or ROWS)
    for name in chosen:
        if name not in ROWS:
            raise InvalidValue(f"There is no bench row {name[:40]!r}.{closest(name, ROWS)}")
    return [row for name in chosen for row in measurement(name)()]


def measurement(name: str) -> Callable[[], list[dict]]:
    file, function = ROWS[name].split(".")
    return getattr(import_module(f"{__name__}.{file}"), function)


def row(name: str, value: float, unit: str, reference: float | None = None, higher_is_better: bool = False) -> dict:
    """A row. For rates, where more is better, the ratio is ours / reference."""
    ratio = None if reference is None else value / reference if higher_is_better else reference / value
    return {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "reference": reference and round(reference, 4),
        "ratio": ratio and round(ratio, 3),
    }
