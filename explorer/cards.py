"""A space as a card: what kind of networks, how many, and the quality that its manifest holds. Strings of HTML; no st.*."""

from __future__ import annotations

from html import escape

from engine.artifacts import Manifest

# metric of the manifest, what a person reads, how it is written, what its n counts
FIGURES = (
    ("gap_mean", "accuracy gap", "percent", "networks"),
    ("gap_correlation", "correlation", "number", "networks"),
    ("path_spearman_mean", "rises with gamma", "number", "pairs"),
)
PATHS = (("path_floor_mean", "through the space"), ("weight_path_floor_mean", "through the weights"))
HINTS = {
    "gap_mean": "Mean difference between the accuracy of a held-out network and of the network that the space decodes for it",
    "gap_correlation": "Correlation of the two accuracies over the held-out networks",
    "path_spearman_mean": "Mean Spearman correlation of accuracy and gamma from a poor network to a good one",
}


def percent(value: float) -> str:
    """A fraction as a percentage with one decimal; the space does not break."""
    return f"{100 * value:.1f}\u202f%"


def figure(value: float, form: str) -> str:
    return percent(value) if form == "percent" else f"{value:.3f}"


def measured(metric: object) -> dict | None:
    """The metric if it has the promised form, {"value", "split", "n"} with a number; else None."""
    good = isinstance(metric, dict) and isinstance(metric.get("value"), int | float) and not isinstance(metric["value"], bool)
    return metric if good else None


def counted(metric: dict, unit: str) -> str:
    """How many it rests on: '48 networks'."""
    return escape(f"{metric['n']} {unit}") if "n" in metric else ""


def kind_of(space: Manifest, zoo: Manifest | None) -> str:
    """'432 networks · lenetlike-digits · digits' from the zoo's config, as far as it is at hand."""
    config = zoo.config if zoo else space.config
    counts = [config[split] for split in ("train", "val", "test") if isinstance(config.get(split), int)]
    parts = [f"{sum(counts)} networks"] if counts else []
    parts += [str(config[name]) for name in ("architecture", "dataset") if config.get(name)]
    embedding = space.config.get("embedding")
    return " · ".join([*parts, *([f"embedding of {embedding}"] if embedding else [])])


def card(space: Manifest, zoo: Manifest | None) -> str:
    """The card's inner HTML, every string of the manifest escaped."""
    rows = [f'<div class="kind">{escape(kind_of(space, zoo))}</div>', figures(space), paths(space), basis(space)]
    if not any(rows[1:]):
        rows.append(f'<div class="kind">Not measured yet: <code>python -m engine evaluate {escape(space.id)}</code></div>')
    return f'<div class="space-card">{"".join(rows)}</div>'


def figures(space: Manifest) -> str:
    """The metrics of FIGURES that the manifest has, each with how many it rests on."""
    cells = ""
    for name, label, form, unit in FIGURES:
        if metric := measured(space.metrics.get(name)):
            value = figure(metric["value"], form)
            cells += f'<div title="{escape(HINTS[name])}"><b data-metric="{name}">{value}</b><span>{label}</span><small>{counted(metric, unit)}</small></div>'
    return f'<div class="figures">{cells}</div>' if cells else ""


def paths(space: Manifest) -> str:
    """The contrast that matters: the worst accuracy on the way between two good networks, by either road."""
    found = [(name, label, metric) for name, label in PATHS if (metric := measured(space.metrics.get(name)))]
    bars = "".join(
        f'<div class="bar"><span>{label}</span><i><u class="{name}" style="width:{100 * min(max(metric["value"], 0), 1):.1f}%"></u></i>'
        f'<b data-metric="{name}">{percent(metric["value"])}</b></div>'
        for name, label, metric in found
    )
    if not bars:
        return ""
    return f'<div class="paths"><span>Worst accuracy on the way between two good networks <small>{counted(found[0][2], "pairs")}</small></span>{bars}</div>'


def basis(space: Manifest) -> str:
    """What all of it was measured on, and what the space took to make."""
    shown = [name for name, *_ in (*FIGURES, *PATHS)]
    splits = dict.fromkeys(str(metric["split"]) for name in shown if (metric := measured(space.metrics.get(name))) and "split" in metric)
    parts = [f"Measured on {', '.join(splits)}"] if splits else []
    if seconds := measured(space.metrics.get("seconds")):
        parts.append(f"zoo and space made in {seconds['value'] / 60:.1f} min")
    return f'<small class="basis">{escape(" · ".join(parts))}</small>' if parts else ""
