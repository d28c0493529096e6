"""What a step is answered is the task's to say: the host knows none of them."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.core.errors import InvalidValue
from engine.host import ops
from engine.tasks import all_tasks, task_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("task", "op"), (("distances", "mesh"), ("signals", "signal")))
def test_networks_without_accuracies_say_what_to_ask_instead(task, op):
    assert op in ops.names()
    with pytest.raises(InvalidValue, match=f'op "{op}"'):
        task_of(task).live(None, SimpleNamespace(space=SimpleNamespace(id="s")), {})


def comparisons(source: str, tasks: set[str]) -> list[int]:
    """Lines that compare something with the id of a task."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Compare)
        for each in (node.left, *node.comparators)
        if isinstance(each, ast.Constant) and each.value in tasks
    ]


def test_host_api_and_jobs_ask_the_task():
    """No comparison with a task's id: what differs between tasks is theirs to say."""
    tasks = set(all_tasks())
    assert comparisons("if space.task.id == 'distances':\n    pass", tasks) == [1]
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for room in ("host", "api", "jobs", "cli", "bench", "papers", "kinds", "library")
        for path in (ROOT / "engine" / room).rglob("*.py")
        if (lines := comparisons(path.read_text("utf-8"), tasks))
    }
    assert found == {}
