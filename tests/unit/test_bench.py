"""Rows of `python -m engine bench` that work on the spaces that ship: they can be measured, whatever was trimmed of those. No figure is
looked at; how fast they are is not a test's business."""

from __future__ import annotations

import pytest

from engine.bench import drag, mesh, multi, nern, run


@pytest.mark.parametrize("name", ("multi_step", "drag_step_p95", "mesh_drag_p95", "nern_drag_p95"))
def test_a_row_on_what_ships_can_be_measured(name, monkeypatch):
    monkeypatch.setattr(multi, "REPEATS", 1)
    for file in (drag, mesh, nern):
        monkeypatch.setattr(file, "STEPS", 4)
        monkeypatch.setattr(file, "WARM_UP", 1)
    rows = run([name])
    assert rows and all(row["name"].startswith(name) and row["value"] > 0 and row["ratio"] > 0 for row in rows)
