"""A space as a card: what kind of networks, how many, and the quality that its manifest holds. Strings of HTML; no st.*."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from engine.core.artifacts import Manifest
from engine.core.errors import CorruptArtifact, InvalidValue
from engine.kinds.configs import read_config

if TYPE_CHECKING:
    from explorer.screens import Screens


@dataclass(frozen=True)
class Figure:
    """A metric of a space's manifest on its card: what it is called, how it is written ("percent", "number"), what its n counts, and a
    sentence about it."""

    metric: str
    label: str
    form: str
    unit: str
    hint: str


@dataclass(frozen=True)
class Contrast:
    """Metrics as bars under each other, each with what it is of: the space's way between two networks, and that of the weights."""

    title: str
    unit: str
    form: str
    bars: tuple[tuple[str, str], ...]


def percent(value: float) -> str:
    """A fraction as a percentage with one decimal; the space does not break."""
    return f"{100 * value:.1f}\u202f%"


def figure(value: float, form: str) -> str:
    return percent(value) if form == "percent" else f"{value:.3f}"


def measured(metric: object) -> dict | None:
    """The metric if it has the promised form, {"value", "split", "n"} with a number; else None."""
    if isinstance(metric, dict) and isinstance(metric.get("value"), int | float) and not isinstance(metric["value"], bool):
        return metric
    return None


def counted(metric: dict, unit: str) -> str:
    """How many it rests on: '48 networks'."""
    return escape(f"{metric['n']} {unit}") if "n" in metric else ""


def kind_of(space: Manifest, zoo: Manifest | None) -> str:
    """'432 networks · lenetlike-digits · digits' from the zoo's config, as far as it is available and can be read."""
    made, parts = config_of(space), []
    if zoo and (of_zoo := config_of(zoo)):
        archs = [*of_zoo.arch_ids] if len(of_zoo.arch_ids) == 1 else [f"{len(of_zoo.arch_ids)} architectures"]
        unseen = [f"{made.unseen} of them never seen"] if made and made.unseen else []
        parts = [f"{of_zoo.instances} networks", *archs, *unseen, *filter(None, [of_zoo.dataset])]
    return " · ".join([*parts, *([f"embedding of {made.embedding}"] if made else [])])


def config_of(manifest: Manifest) -> Any:
    """The config that made an artifact; None where it cannot be read."""
    try:
        return read_config(manifest)
    except (CorruptArtifact, InvalidValue):
        return None


def card(space: Manifest, zoo: Manifest | None, screens: Screens) -> str:
    """The card's inner HTML, every string of the manifest escaped; `screens` of its task say which of its metrics."""
    kind = f'<div class="kind">{escape(kind_of(space, zoo))}</div>'
    rows = [kind, figures(space, screens), contrast(space, screens), basis(space, screens)]
    if not any(rows[1:]):
        rows.append(f'<div class="kind">Not measured yet: <code>python -m engine evaluate {escape(space.id)}</code></div>')
    return f'<div class="space-card">{"".join(rows)}</div>'


def figures(space: Manifest, screens: Screens) -> str:
    """Those of the task's metrics that the manifest has, each with how many it rests on."""
    cells = "".join(
        f'<div title="{escape(each.hint)}"><b data-metric="{each.metric}">{figure(metric["value"], each.form)}</b>'
        f"<span>{each.label}</span><small>{counted(metric, each.unit)}</small></div>"
        for each in screens.figures
        if (metric := measured(space.metrics.get(each.metric)))
    )
    return f'<div class="figures">{cells}</div>' if cells else ""


def contrast(space: Manifest, screens: Screens) -> str:
    """The contrast that matters: how good what lies on the way between two networks is, by either road."""
    for each in screens.contrasts:
        found = [(name, label, metric) for name, label in each.bars if (metric := measured(space.metrics.get(name)))]
        if found:
            bars = "".join(
                f'<div class="bar"><span>{label}</span><i><u class="{name}" '
                f'style="width:{100 * min(max(metric["value"], 0), 1):.1f}%"></u></i>'
                f'<b data-metric="{name}">{figure(metric["value"], each.form)}</b></div>'
                for name, label, metric in found
            )
            return f'<div class="paths"><span>{each.title} <small>{counted(found[0][2], each.unit)}</small></span>{bars}</div>'
    return ""


def basis(space: Manifest, screens: Screens) -> str:
    """What all of it was measured on, and what the space took to make."""
    shown = [*(each.metric for each in screens.figures), *(name for each in screens.contrasts for name, _ in each.bars)]
    splits = dict.fromkeys(str(metric["split"]) for name in shown if (metric := measured(space.metrics.get(name))) and "split" in metric)
    parts = [f"Measured on {', '.join(splits)}"] if splits else []
    busy, took = (measured(space.metrics.get(name)) for name in ("cpu_seconds", "seconds"))
    if busy and "CPU" in str(space.provenance.get("device")):
        parts.append(f"zoo and space made in {busy['value'] / 60:.1f} min of processor time")
    elif took:
        parts.append(f"zoo and space made in {took['value'] / 60:.1f} min")
    if isinstance(trimmed := space.provenance.get("trimmed"), str):
        parts.append(trimmed)
    return f'<small class="basis">{escape(" · ".join(parts))}</small>' if parts else ""


def trust(space: Manifest, probes: bool) -> str:
    """What a space of shapes can be trusted with, by its manifest: Markdown. `probes`: whether its encoder asks networks at points."""
    found = {
        name: metric["value"]
        for name in ("predicted_iou_mean", "predicted_iou_min", "heldout_iou_mean", "heldout_encoded_iou_mean", "nearest_iou_mean")
        if (metric := measured(space.metrics.get(name)))
    }
    if len(found) < 5:
        return ""
    n = {name: space.metrics[name].get("n", "?") for name in found}
    seen = (
        f"Shapes it was trained on: mean IoU {found['predicted_iou_mean']:.3f}, worst {found['predicted_iou_min']:.3f} "
        f"({n['predicted_iou_mean']})."
    )
    held = (
        f"Held-out shapes ({n['heldout_iou_mean']}): {found['heldout_encoded_iou_mean']:.3f} by the encoder alone, "
        f"{found['heldout_iou_mean']:.3f} with inversion; the nearest shape it was trained on {found['nearest_iou_mean']:.3f}."
    )
    if found["heldout_iou_mean"] < found["nearest_iou_mean"] or not probes:
        return (
            "**This is a space of seen shapes**, as the paper's: its encoder reads the weights of networks that it was trained on, and "
            f"fails on others. {seen} {held}"
        )
    return (
        "**This space places shapes that it has never seen**, as far as they are like those that it was trained on: its encoder asks a "
        f"network at learned points instead of reading its weights (ours, beyond the paper). {seen} {held}"
    )
