"""The commands about jobs: `jobs`, `worker`, `lso`."""

from __future__ import annotations

import logging
import sys
from dataclasses import asdict, fields

from .. import library
from ..core.config import plain
from ..core.errors import InvalidValue
from ..learn.config import LsoConfig
from .command import REPLACE, Command, Options, device_of, emit, nothing_more, overridden, progress, store_of


def jobs(options: Options) -> None:
    """`jobs [list | show ID | stop ID | resume ID | delete ID | keep ID [--name NAME] | estimate PRESET]`."""
    from ..jobs import views
    from ..jobs.backends import backend
    from ..jobs.queue import Queue

    store = store_of(options)
    queue, action, id_ = Queue(store.workspace), options.action, options.job
    if action != "estimate":
        nothing_more(options)
    if action != "list" and not id_:
        raise InvalidValue(
            f"Which {'preset' if action == 'estimate' else 'job'}? python -m engine jobs {action} "
            f"{'PRESET' if action == 'estimate' else 'ID'}."
        )
    if action == "list":
        rows = views.listed(store)
        return emit(
            options,
            {"jobs": rows, "workers": queue.workers()},
            "\n".join(map(line, rows)) or "No jobs yet: `python -m engine lso SPACE INSTANCE`, or the Training page, starts one.",
        )
    if action == "show":
        found = views.whole(store, id_, log=True)
        return emit(options, found, "\n".join([line(found), *(f"  {point}" for point in found["metrics"][-5:]), found["log"]]))
    if action == "delete":
        queue.delete(id_)
        return emit(options, {"deleted": id_}, f"{id_} is deleted; the artifacts it made are kept.")
    if action == "estimate":
        from .. import presets
        from ..learn.cost import in_words
        from ..make import estimate

        found, first = estimate(store, overridden(presets.config(id_), options.overrides), device_of(options))
        return emit(options, {**asdict(found), "first_seconds": first}, in_words(found, first))
    if action == "keep":
        from ..jobs.work import keep

        artifact = keep(store, queue.job(id_).spec, queue.folder_of(id_), options.name, options.replace)
        return emit(
            options,
            {"id": artifact.id, "kind": "network", "metrics": artifact.manifest.metrics},
            f"{artifact.id} is now an instance of {artifact.manifest.config['space']}.",
        )
    found = queue.stop(id_) if action == "stop" else queue.resume(id_)
    if action == "resume" and not queue.workers():
        backend(store).start()
    emit(options, views.brief(queue, found), line(views.brief(queue, found)))


def line(row: dict) -> str:
    """A job in one line."""
    far = f"{row['step']}/{row['total']}" if row["total"] else ""
    left = f"{row['eta']:.0f} s left" if row["eta"] else ""
    return f"{row['id']:<12} {row['state']:<9} {far:>13} {left:>11}  {row['title']}{'  (' + row['reason'] + ')' if row['reason'] else ''}"


def worker(options: Options) -> None:
    """Work until there has been nothing to do for a while."""
    from ..jobs.worker import Worker

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    Worker(store_of(options), options.idle, options.device, options.ray).serve()


def lso(options: Options) -> None:
    """Queue an LSO, start a worker where there is none, and follow it."""
    from ..tasks import task_of

    space = library.space(options.space, options.workspace, options.device)
    given = without_start(options.overrides)
    placed = any(word.partition("=")[0] == "--xy" for word in given)  # it starts at a place of the map, not at an instance
    config = overridden(LsoConfig(options.space, xy=(0.0, 0.0)) if placed else LsoConfig(options.space, options.instance or "-"), given)
    fields = {**plain(config), "seed": config.seed if options.seed is None else options.seed}
    job = space.launch(options.instance or "", **{name: value for name, value in fields.items() if name not in ("space", "a")})
    on_step = progress(job.id, config.steps)
    result = job.follow(lambda step: on_step(step, {}))
    emit(options, {"job": job.id, "state": job.state, **result}, in_words(job.id, result, task_of(space.manifest.task).likeness))


def without_start(arguments: list[str]) -> list[str]:
    """Raises InvalidValue for fields that have their own place on the command line."""
    known = {f"--{field.name.replace('_', '-')}" for field in fields(LsoConfig)} - {"--space", "--a"}
    if wrong := [word for word in arguments if word.startswith("--") and word.partition("=")[0] not in known]:
        raise InvalidValue(f"lso does not take {wrong[0]}. It takes {', '.join(sorted(known))}.")
    return arguments


def in_words(job_id: str, result: dict, likeness: str = "IoU") -> str:
    lines = [f"{job_id}: best at step {result['best_step']}, {result['quality']} on validation {result['validation']['after']:.3f}"]
    if "test" in result:
        before, after = result["test"]["before"], result["test"]["after"]
        lines.append(f"accuracy on {after['n']} test images: {100 * before['value']:.1f} % before, {100 * after['value']:.1f} % after")
    if "target" in result:
        lines.append(f"{likeness} to the target: {result['target']['before']:.3f} before, {result['target']['after']:.3f} after")
    return "\n".join([*lines, result["outside"]["words"], f"`python -m engine jobs keep {job_id}` makes it an instance of its space."])


ACTIONS = ("list", "show", "stop", "resume", "delete", "keep", "estimate")
COMMANDS = (
    Command(
        "lso",
        "improve a network by gradient descent on its embedding, as a job; --FIELD VALUE changes its config",
        lso,
        {
            "space": {"help": "space id"},
            "instance": {"help": "instance id to start from (or --xy X Y, a place on the map)", "nargs": "?"},
        },
        fields=True,
    ),
    Command(
        "jobs",
        "list the jobs; show, stop, resume, delete or keep ID; estimate PRESET",
        jobs,
        {
            "action": {"choices": ACTIONS, "nargs": "?", "default": "list", "help": "default: list"},
            "job": {"nargs": "?", "help": "job id, or the preset to estimate"},
            "--name": {"help": "name of the instance that keep makes"},
            "--replace": REPLACE,
        },
        fields=True,
    ),
    Command(
        "worker",
        "run the queued jobs; exits after a while without any",
        worker,
        {
            "--idle": {"type": float, "default": 1800.0, "help": "seconds without a job before it exits (default: 1800)"},
            "--ray": {"action": "store_true", "help": "run as a job on a Ray cluster, where a zoo's stacks train as Ray tasks"},
        },
    ),
)
