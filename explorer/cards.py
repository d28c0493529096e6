"""A space as a card: what kind of networks, how many, and the quality that its manifest holds. Strings of HTML; no st.*."""

from __future__ import annotations

from html import escape

from engine.artifacts import Manifest

# metric of the manifest, what a person reads, how it is written, what its n counts; a space has those of classifiers or of shapes
FIGURES = (
    ("gap_mean", "accuracy gap", "percent", "networks"),
    ("gap_correlation", "correlation", "number", "networks"),
    ("path_spearman_mean", "rises with gamma", "number", "pairs"),
    ("predicted_iou_mean", "IoU, seen shapes", "number", "shapes"),
    ("heldout_iou_mean", "IoU, held-out", "number", "shapes"),
    ("path_whole_share", "whole on the way", "percent", "meshes"),
    ("class_id_accuracy", "ClassIds right", "percent", "networks"),
    ("path_ordered_share", "lines in order", "percent", "lines"),
    ("gamma_class_id_accuracy", "right at eq. 12", "percent", "networks"),
)
PATHS = (
    ("path_floor_mean", "through the space"),
    ("weight_path_floor_mean", "through the weights"),
    ("midpoint_iou_mean", "through the space"),
    ("weight_midpoint_iou_mean", "through the weights"),
)
CONTRASTS = {"path_floor_mean": ("Worst accuracy on the way between two good networks", "pairs"), "midpoint_iou_mean": ("IoU half-way, against the chair with the parameters half-way", "pairs")}
HINTS = {
    "predicted_iou_mean": "Mean intersection over union of the decoded shape and the network that it stands for, over the shapes the space was trained on",
    "heldout_iou_mean": "The same for shapes that the space has never seen, placed by inversion of the decoder",
    "path_whole_share": "Share of the decoded meshes between random pairs that are one piece",
    "class_id_accuracy": "Share of the held-out networks whose architecture the space reads off their embedding",
    "path_ordered_share": "Share of the lines from the smallest to the largest architecture along which the ClassIds rise and all appear",
    "gamma_class_id_accuracy": "Share of the networks at the gammas of eq. 12 that are of the architecture asked for there",
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
    parts = [f"{sum(counts)} networks"] if len(counts) == 3 else []
    if isinstance(config.get("architectures"), list):  # train counts each of them, val and test are of each
        count = len(config["architectures"])
        parts = [f"{sum(config['train']) + count * sum(counts)} networks", f"{count} architectures"]
        unseen = sum(number == 0 for number in space.config.get("train", []))
        parts += [f"{unseen} of them never seen"] if unseen else []
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
        f'<b data-metric="{name}">{figure(metric["value"], "number" if name.endswith("iou_mean") else "percent")}</b></div>'
        for name, label, metric in found
    )
    if not bars:
        return ""
    title, unit = CONTRASTS.get(found[0][0], CONTRASTS["path_floor_mean"])
    return f'<div class="paths"><span>{title} <small>{counted(found[0][2], unit)}</small></span>{bars}</div>'


def basis(space: Manifest) -> str:
    """What all of it was measured on, and what the space took to make."""
    shown = [name for name, *_ in (*FIGURES, *PATHS)]
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


def trust(space: Manifest) -> str:
    """What a space of shapes can be trusted with, by its manifest: Markdown."""
    found = {name: metric["value"] for name in ("predicted_iou_mean", "predicted_iou_min", "heldout_iou_mean", "heldout_encoded_iou_mean", "nearest_iou_mean") if (metric := measured(space.metrics.get(name)))}
    if len(found) < 5:
        return ""
    n = {name: space.metrics[name].get("n", "?") for name in found}
    seen = f"Shapes it was trained on: mean IoU {found['predicted_iou_mean']:.3f}, worst {found['predicted_iou_min']:.3f} ({n['predicted_iou_mean']})."
    held = f"Held-out shapes ({n['heldout_iou_mean']}): {found['heldout_encoded_iou_mean']:.3f} by the encoder alone, {found['heldout_iou_mean']:.3f} with inversion; the nearest shape it was trained on {found['nearest_iou_mean']:.3f}."
    if found["heldout_iou_mean"] < found["nearest_iou_mean"] or space.config.get("encoder", "prep") == "prep":
        return f"**This is a space of seen shapes**, as the paper's: its encoder reads the weights of networks that it was trained on, and fails on others. {seen} {held}"
    return f"**This space places shapes that it has never seen**, as far as they are like those that it was trained on: its encoder asks a network at learned points instead of reading its weights (ours, beyond the paper). {seen} {held}"
