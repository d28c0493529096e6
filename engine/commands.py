"""What each command does. Heavy imports live inside, so that `list` stays fast."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import replace

from . import presets
from .artifacts import Store
from .core.outputs import output_path, write_output
from .core.suffixes import form_of
from .errors import ExplorerError, InvalidValue
from .nern.commands import do_import, do_reconstruct, do_send, do_sweep  # noqa: F401 - commands by their names
from .papers.commands import do_papers, do_record  # noqa: F401


class WrongUse(ExplorerError):
    """A command line that does not parse."""


def store_of(options) -> Store:
    return Store(options.workspace)


def emit(options, value: dict, text: str) -> None:
    print(json.dumps(value, allow_nan=False) if options.json else text)


def do_list(options) -> None:
    store = store_of(options)
    rows = [{"id": m.id, "kind": m.kind, "title": m.title, "metrics": m.metrics} for m in store.manifests()]
    lines = [f"{row['id']:<28} {row['kind']:<9} {row['title']}" for row in rows]
    lines += [f"{id_:<28} broken    {reason}" for id_, reason in store.broken().items()]
    for id_, reason in store.broken().items():
        print(f"{id_}: {reason}", file=sys.stderr)
    emit(options, {"artifacts": rows}, "\n".join(lines) or "Nothing here yet. `python -m engine train netspace-digits` makes a space.")


def do_show(options) -> None:
    manifest = store_of(options).open(options.id).manifest
    head = f"{manifest.id} ({manifest.kind}): {manifest.title}\npreset {manifest.preset}, made {manifest.created} by: {manifest.provenance.get('command')}"
    emit(options, {"id": manifest.id, "kind": manifest.kind, "metrics": manifest.metrics}, "\n".join([head, *metric_lines(manifest.metrics)]))


def metric_lines(metrics: dict, stored: dict | None = None) -> list[str]:
    """One line a metric; with `stored`, what the manifest says beside it."""
    lines = []
    for name, entry in metrics.items():
        spread = f" ± {entry['spread']:.4f}" if entry.get("spread") is not None else ""
        beside = "" if stored is None else f"   stored {stored[name]['value']}" if name in stored else "   not stored"
        value = entry["value"] if entry["value"] is not None else f"undefined: {entry.get('reason', 'nothing to measure')}"
        lines.append(f"  {name:<28} {value}{spread}  (n {entry.get('n')}, {entry.get('split', '')}){beside}")
    return lines


def do_train(options) -> None:
    from .host import device_of
    from .make import train

    config = overridden(presets.config(options.preset), options.overrides)
    if options.seed is not None:
        config = replace(config, seed=options.seed)
    artifact = train(store_of(options), options.preset, config, str(device_of(options.device)), progress, options.id, options.replace)
    manifest = artifact.manifest
    emit(options, {"id": manifest.id, "kind": manifest.kind, "metrics": manifest.metrics}, "\n".join([f"{artifact.folder}", *metric_lines(manifest.metrics)]))


def overridden(config, arguments: list[str]):
    """A preset's config with the fields that the command line changes (tyro reads them). Raises WrongUse."""
    if not arguments:
        return config
    import tyro

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            return tyro.cli(type(config), default=config, args=arguments)
    except SystemExit as error:
        words = " ".join("".join(" " if ord(c) >= 0x2500 and ord(c) < 0x2600 else c for c in said.getvalue()).split())
        raise WrongUse(words or f"cannot read {' '.join(arguments)}") from error


def progress(title: str, total: int):
    """A progress bar with an ETA on standard error, fed by a run's `on_step`."""
    from tqdm import tqdm

    bar = tqdm(total=total, desc=title, unit="step", file=sys.stderr, mininterval=1.0, dynamic_ncols=True)

    def on_step(step: int, metrics: dict[str, float]) -> None:
        if not bar.n:
            bar.initial = bar.n = step - 1  # steps before the checkpoint took no time of this run's
        bar.update(step - bar.n)
        if looked := {name: f"{value:.3f}" for name, value in metrics.items() if name.startswith("val_")}:
            bar.set_postfix(looked)
        if step == total:
            bar.close()

    return on_step


def do_evaluate(options) -> None:
    from .host import device_of
    from .make import reevaluate
    from .nets.measuring import beside_stated

    artifact = store_of(options).open(options.id)
    metrics = reevaluate(store_of(options), artifact, str(device_of(options.device)), options.seed)
    if note := beside_stated(replace(artifact.manifest, metrics=metrics)):
        print(f"{artifact.id}: {note}", file=sys.stderr)
    emit(options, {"id": artifact.id, "kind": artifact.manifest.kind, "metrics": metrics}, "\n".join([artifact.id, *metric_lines(metrics, artifact.manifest.metrics)]))


def do_interpolate(options) -> None:
    from .host import Host

    step = Host(store_of(options), options.device).step(options.id, options.a, options.b, options.gamma, path=options.path, images="all")
    value = {
        "id": options.id,
        "a": options.a,
        "b": options.b,
        "gamma": options.gamma,
        "path": options.path,
        "accuracy": {"value": step.right / step.n, "right": step.right, "n": step.n, "split": step.split, "low": step.low, "high": step.high},
    }
    emit(options, value, f"{100 * step.right / step.n:.1f} % of {step.n} {step.split} images right (95 % interval {100 * step.low:.1f} to {100 * step.high:.1f} %) at gamma {options.gamma} on the {options.path} path")


def do_export(options) -> None:
    from .export import FORMS, artifact_bytes, network_bytes
    from .host import Host

    between = "-".join(filter(None, (options.a, options.b)))
    path = output_path(options.output or f"{options.id}{f'-{between}-{options.gamma:g}' if between else ''}.safetensors")
    form_of(path, FORMS, "A network")
    store = store_of(options)
    kind = store.open(options.id).manifest.kind
    if kind in ("zoo", "nern"):
        raise WrongUse(f"{options.id} is a {kind}. " + (f"First make a network of an instance: python -m engine send {options.id} INSTANCE." if kind == "zoo" else f"Its network is written by python -m engine reconstruct {options.id}."))
    if kind == "network":
        if options.a:
            raise WrongUse(f"{options.id} is one network, and {options.a!r} none of its instances. Leave that out.")
        data = artifact_bytes(store, options.id)
    elif not options.a:
        raise WrongUse(f"Which network of {options.id}? python -m engine export {options.id} A B --gamma G.")
    else:
        data = network_bytes(Host(store, options.device), options.id, options.a, options.b or options.a, options.gamma, options.path)
    write_output(path, data)
    emit(options, {"file": str(path), "bytes": len(data)}, f"{path} ({len(data)} bytes)")


def do_mesh(options) -> None:
    from .export import mesh_bytes
    from .host import Host
    from .shapes.measures import FORMATS
    from .shapes.viewing import View

    gamma = options.gamma if options.gamma is not None else 0.5 if options.b else 0.0
    view = View(options.id, options.a, options.b or options.a, gamma, options.path, options.resolution, options.level)
    path = output_path(options.output or f"{'-'.join(filter(None, (options.id, options.a, options.b)))}-{gamma:g}.glb")
    form = form_of(path, FORMATS, "A mesh")
    data = mesh_bytes(Host(store_of(options), options.device), view, form)
    write_output(path, data)
    emit(options, {"file": str(path), "bytes": len(data)}, f"{path} ({len(data)} bytes)")


def do_place(options) -> None:
    from dataclasses import asdict

    from .host import device_of
    from .netspace.placing import place_what
    from .netspace.space import load_space
    from .shapes.pose import Pose

    space = load_space(store_of(options), options.id, str(device_of(options.device)))
    found, fit = place_what(space, options.what, options.steps, options.seed or 0, progress, Pose(options.up, options.turn), options.activation, options.omega)
    said = {key: value for key, value in asdict(found).items() if not key.endswith("_E")} | {"outside": found.outside.said()}
    (xy,), _ = space.place_on_map(found.embedding_E[None])
    value = {"id": options.id, "what": options.what, **said, "x2": float(xy[0]), "y2": float(xy[1]), "fit": fit}
    lines = [
        f"{options.what} in {options.id}, at ({xy[0]:.2f}, {xy[1]:.2f}) on the map; IoU with the shape of the network itself:",
        f"  {'nearest known shape' if found.encoded == 'nearest' else 'by the encoder alone':<28} {found.encoded_iou:.4f}",
        f"  {f'and {found.steps} steps of inversion':<28} {found.iou:.4f}",
        f"  {found.nearest:<28} {found.nearest_iou:.4f}  (the most alike of those trained on)",
        found.outside.words,
    ]
    if fit:
        lines.insert(1, f"  {'fitted to the file':<28} {fit['iou']:.4f}  ({fit['steps']} steps, {fit['seconds']:.1f} s)")
        lines[2:2] = [f"  {note}" for note in fit["notes"]]
    emit(options, value, "\n".join(lines))


def do_trim(options) -> None:
    from .trim import halve, trim

    store = store_of(options)
    if store.open(options.id).manifest.kind == "network":
        made = halve(store, options.id)
    elif options.train is None:
        raise InvalidValue(f"How many training instances of {options.id} are to stay? Say --train N.")
    else:
        made = trim(store, options.id, options.train, options.val)
    emit(options, {"trimmed": [each.id for each in made]}, "\n".join(str(each.folder) for each in made))


def do_artifacts(options) -> None:
    store = store_of(options)
    if options.action == "restore":
        if not options.id:
            raise InvalidValue("Which artifact? python -m engine artifacts restore ID; `python -m engine artifacts` lists what can be restored.")
        manifest = store.restore(options.id).manifest
        return emit(options, {"id": manifest.id, "kind": manifest.kind, "created": manifest.created}, f"{manifest.id} is the one of {manifest.created} again; what it replaced is kept aside now.")
    kept = store.kept_aside()
    rows = [{"id": m.id, "kind": m.kind, "title": m.title, "created": m.created} for m in kept]
    lines = [f"{row['id']:<28} {row['kind']:<9} {row['created']}  {row['title']}" for row in rows]
    emit(options, {"kept": rows}, "\n".join(lines) or "Nothing is kept aside: what --replace replaces would be, the last one of each id.")


def do_verify(options) -> None:
    store = store_of(options)
    ids = [options.id] if options.id else list(store.folders())
    problems = {id_: store.verify(id_) for id_ in ids if id_ not in store.broken()} | {id_: [reason] for id_, reason in store.broken().items() if id_ in ids}
    if any(problems.values()):
        raise ExplorerError(" ".join(line for lines in problems.values() for line in lines))
    emit(options, {"verified": ids}, "\n".join(f"{id_}: whole" for id_ in ids) or "There is nothing to verify.")


def do_data(options) -> None:
    from .datasets.commands import data

    data(options, emit)


def do_bench(options) -> None:
    from .bench import run

    rows = run(options.name or None)
    lines = [f"{row['name']:<28} {row['value']:>10.3f} {row['unit']:<8}" + (f" reference {row['reference']:.3f}, ratio {row['ratio']:.2f}" if row["ratio"] else "") for row in rows]
    emit(options, {"rows": rows}, "\n".join(lines))


def do_soak(options) -> None:
    from .soak import Plan, run, told

    report = run(Plan(minutes=options.minutes, sockets=options.sockets, sessions=options.sessions))
    emit(options, report, told(report))
    if not report["ok"]:
        raise SystemExit(1)


def do_lso(options) -> None:
    from .jobs.commands import lso

    lso(options, emit, overridden, progress)


def do_jobs(options) -> None:
    from .jobs.commands import jobs

    jobs(options, emit)


def do_worker(options) -> None:
    from .jobs.commands import worker

    worker(options)


def do_serve(options) -> None:
    from .api import serve
    from .host import Host
    from .jobs.backends import keeper

    keeper(store_of(options))  # jobs that wait get a worker, dead workers are noticed
    serve(Host(store_of(options), options.device), options.host, options.port)
