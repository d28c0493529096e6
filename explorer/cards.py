"""A space as a card: what kind of networks, how many, and the quality that its manifest holds. Strings of HTML; draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from engine.core.artifacts import Manifest
from engine.core.errors import CorruptArtifact, InvalidValue
from engine.kinds.configs import read_config
from explorer.captions import Caption

if TYPE_CHECKING:
    from explorer.screens import Screens


@dataclass(frozen=True)
class Figure:
    """A metric of a space's manifest on its card: what it is called, how it is written ("percent", "decibels"), what its n counts, and a
    sentence about it."""

    metric: str
    label: str
    form: str
    unit: str
    hint: str


def percent(value: float) -> str:
    """A fraction as a percentage with one decimal; the space does not break."""
    return f"{100 * value:.1f}\u202f%"


def figure(value: float, form: str) -> str:
    return percent(value) if form == "percent" else f"{value:.1f}\u202fdB"


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
        parts = [f"{of_zoo.instances:,} networks", *archs, *unseen, *filter(None, [of_zoo.dataset])]
    return " · ".join(parts)


def config_of(manifest: Manifest) -> Any:
    """The config that made an artifact; None where it cannot be read."""
    try:
        return read_config(manifest)
    except (CorruptArtifact, InvalidValue):
        return None


def card(space: Manifest, zoo: Manifest | None, screens: Screens, picture: str = "", shown: int | None = None) -> str:
    """The card's inner HTML, every string of the manifest escaped; `screens` of its task say which of its metrics, `picture` is the
    address of one, `shown` how many networks its map has."""
    drawn = f'<img src="{escape(picture)}" alt="">' if picture else ""
    rows = [drawn, f'<div class="kind">{escape(kind_of(space, zoo))}</div>', kept_words(space, zoo, shown), figures(space, screens)]
    if not rows[-1]:
        rows.append(f'<div class="kind">Not measured yet: <code>python -m engine evaluate {escape(space.id)}</code></div>')
    return f'<div class="space-card">{"".join(rows)}</div>'


def kept_words(space: Manifest, zoo: Manifest | None, shown: int | None) -> str:
    """How many networks the map shows, where the zoo had more, and why."""
    had = config_of(zoo) if zoo else None
    if shown is None or had is None or had.instances <= shown:
        return ""
    why = space.provenance.get("trimmed")
    words = f"The map shows {shown:,} of them: the others trained the space and do not ship with it."
    return f'<div class="kind" title="{escape(why if isinstance(why, str) else "")}">{words}</div>'


def figures(space: Manifest, screens: Screens) -> str:
    """The first three of the task's metrics that the manifest has, each with how many it rests on and, to point at, what it is."""
    found = [(each, metric) for each in screens.figures if (metric := measured(space.metrics.get(each.metric)))]
    cells = "".join(
        f'<div title="{escape(each.hint)}. Measured on {escape(str(metric.get("split", "?")))}." tabindex="0">'
        f'<b data-metric="{each.metric}">{figure(metric["value"], each.form)}</b>'
        f"<span>{each.label}</span><small>{counted(metric, each.unit)}</small></div>"
        for each, metric in found[:3]
    )
    return f'<div class="figures">{cells}</div>' if cells else ""


def trust(space: Manifest, probes: bool) -> Caption:
    """What a space of shapes can be trusted with, by its manifest; empty where it was not measured. `probes`: whether its encoder
    asks networks at points."""
    found = {
        name: metric["value"]
        for name in ("predicted_iou_mean", "predicted_iou_min", "heldout_iou_mean", "heldout_encoded_iou_mean", "nearest_iou_mean")
        if (metric := measured(space.metrics.get(name)))
    }
    if len(found) < 5:
        return Caption("")
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
        return Caption(
            "**This is a space of seen shapes**, as the paper's: it fails on others.",
            f"Its encoder reads the weights of networks that it was trained on. {seen} {held}",
        )
    return Caption(
        "**This space places shapes that it has never seen**, as far as they are like those that it was trained on.",
        f"Its encoder asks a network at learned points instead of reading its weights (ours, beyond the paper). {seen} {held}",
    )
