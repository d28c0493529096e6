"""The commands about jobs: `jobs`, `worker`, `lso`. Heavy imports live inside."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import asdict, fields

from ..artifacts import Store
from ..config import LsoConfig
from ..errors import ExplorerError, InvalidValue


def jobs(options, emit) -> None:
    """`jobs [list | show ID | stop ID | resume ID | delete ID | keep ID [--name NAME] | estimate PRESET]`."""
    from . import views
    from .backends import backend
    from .queue import Queue

    store = Store(options.workspace)
    queue, action, id_ = Queue(store.workspace), options.action, options.job
    if action != "list" and not id_:
        raise InvalidValue(f"Which {'preset' if action == 'estimate' else 'job'}? python -m engine jobs {action} {'PRESET' if action == 'estimate' else 'ID'}.")
    if action == "list":
        rows = views.listed(store)
        return emit(options, {"jobs": rows, "workers": queue.workers()}, "\n".join(map(line, rows)) or "No job yet: `python -m engine lso SPACE INSTANCE`, or the Training page, makes one.")
    if action == "show":
        found = views.whole(store, id_, log=True)
        return emit(options, found, "\n".join([line(found), *(f"  {point}" for point in found["metrics"][-5:]), found["log"]]))
    if action == "delete":
        queue.delete(id_)
        return emit(options, {"deleted": id_}, f"{id_} is deleted; artifacts that it made stay.")
    if action == "estimate":
        from .estimate import estimate
        from .. import presets
        from ..commands import overridden
        from ..cost import in_words

        found, zoo_seconds = estimate(store, overridden(presets.config(id_), options.overrides), options.device)
        return emit(options, {**asdict(found), "zoo_seconds": zoo_seconds}, in_words(found, zoo_seconds))
    if action == "keep":
        from .work import keep

        artifact = keep(store, queue.job(id_).spec, queue.folder_of(id_), options.name, options.replace)
        return emit(options, {"id": artifact.id, "kind": "network", "metrics": artifact.manifest.metrics}, f"{artifact.id} is an instance of {artifact.manifest.config['space']} now.")
    found = queue.stop(id_) if action == "stop" else queue.resume(id_)
    if action == "resume" and not queue.workers():
        backend(store).start()
    emit(options, views.brief(queue, found), line(views.brief(queue, found)))


def line(row: dict) -> str:
    """A job in one line."""
    far = f"{row['step']}/{row['total']}" if row["total"] else ""
    left = f"{row['eta']:.0f} s left" if row["eta"] else ""
    return f"{row['id']:<12} {row['state']:<9} {far:>13} {left:>11}  {row['title']}{'  (' + row['reason'] + ')' if row['reason'] else ''}"


def worker(options) -> None:
    """Work until nothing was to do for a while."""
    from .worker import Worker

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    Worker(Store(options.workspace), options.idle, options.device).serve()


def lso(options, emit, overridden, progress) -> None:
    """Queue an LSO, start a worker where there is none, and follow it; with --here, do it in this process instead."""
    from . import specs, views
    from .backends import backend
    from .queue import Queue

    store = Store(options.workspace)
    config = overridden(LsoConfig(options.space, options.instance or "-"), without_start(options.overrides))
    config = specs.lso_config({**specs.plain(config), "a": options.instance or "", "seed": config.seed if options.seed is None else options.seed})
    job, _ = views.submit(store, specs.of_lso(config))
    queue = Queue(store.workspace)
    try:
        if not queue.workers():
            backend(store).start()
        on_step, last = progress(job.id, config.steps), 0
        while (found := queue.job(job.id)).live:
            queue.sweep()
            step = views.brief(queue, found)["step"]
            if step > last:
                last = step
                on_step(step, {})
            time.sleep(0.2)
    except KeyboardInterrupt:
        queue.stop(job.id)
        raise
    if found.state == "failed":
        raise ExplorerError(f"{job.id}: {found.reason}")
    result = views.whole(store, job.id)["result"]
    emit(options, {"job": job.id, "state": found.state, **result}, in_words(job.id, result))


def without_start(arguments: list[str]) -> list[str]:
    """Raises InvalidValue for fields that have their own place on the command line."""
    known = {f"--{field.name.replace('_', '-')}" for field in fields(LsoConfig)} - {"--space", "--a"}
    if wrong := [word for word in arguments if word.startswith("--") and word.partition("=")[0] not in known]:
        raise InvalidValue(f"lso does not know {wrong[0]}. It takes {', '.join(sorted(known))}.")
    return arguments


def in_words(job_id: str, result: dict) -> str:
    lines = [f"{job_id}: best at step {result['best_step']}, {result['quality']} on validation {result['validation']['after']:.3f}"]
    if "test" in result:
        before, after = result["test"]["before"], result["test"]["after"]
        lines.append(f"accuracy on {after['n']} test images: {100 * before['value']:.1f} % before, {100 * after['value']:.1f} % after")
    if "target" in result:
        lines.append(f"IoU to the target: {result['target']['before']:.3f} before, {result['target']['after']:.3f} after")
    return "\n".join([*lines, result["outside"]["words"], f"`python -m engine jobs keep {job_id}` makes it an instance of its space."])
