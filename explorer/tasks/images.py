"""Classifiers on the screens."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from engine.core.artifacts import Manifest
from explorer import controls, data, interpolation, targets
from explorer.cards import Figure, percent
from explorer.components.interpolation import measured
from explorer.screens import WHY, Column, Objective, Screens, Walk

if TYPE_CHECKING:
    from engine.host.host import Host
    from engine.kinds.netspace.space import Space

TRAINED = Column("test_accuracy", "accuracy, trained")
PREDICTED = Column("predicted_test_accuracy", "accuracy, predicted by the space")
LENGTH = Column("steps", "trained for", "steps", missing="not trained here")
FIGURES = (
    Figure(
        "path_floor_mean", "through the space", "percent", "pairs",
        "The worst accuracy on the way between two good networks, along the space",
    ),
    Figure(
        "weight_path_floor_mean", "weights mixed", "percent", "pairs",
        "The worst accuracy on the way between the same networks, mixing their weights as they are",
    ),
    Figure(
        "gap_mean", "accuracy off by", "percent", "networks",
        "How far the accuracy of the network that the space decodes is from that of the network it stands for, one it has not seen",
    ),
    Figure(
        "class_id_accuracy", "architectures told right", "percent", "networks",
        "Share of the networks it has not seen whose architecture the space reads off their embedding",
    ),
    Figure(
        "path_ordered_share", "walks in order", "percent", "lines",
        "Share of the lines from the smallest to the largest architecture that pass through all of them by size",
    ),
    Figure(
        "gamma_class_id_accuracy", "right where asked", "percent", "networks",
        "Share of the networks at the places between two architectures that are of the architecture expected there (eq. 12)",
    ),
)  # fmt: skip


class Images(Screens):
    id = "images"
    welcome = "Between two good networks: the space keeps working, weights mixed as they are do not"
    order = 0
    preset = "netspace-digits"
    needs_images = True
    checkpoints = True
    kernels = True
    figures = FIGURES

    colours = {
        "accuracy": Column("test_accuracy", "test accuracy"),
        "predicted": Column("predicted_test_accuracy", "test accuracy of the predicted network", short="predicted accuracy"),
        "steps": Column("steps", "training length in steps (log)", "steps", short="training length"),
        **Screens.colours,
    }
    card = (TRAINED, PREDICTED, *Screens.card, LENGTH)
    quality = Column("test_accuracy", "accuracy")
    walked = Column("", "accuracy")
    selected = {"steps": "steps", "test_accuracy": "test accuracy", "predicted_test_accuracy": "predicted accuracy"}
    caption = (
        Screens.caption.replace("{hollow}", "")
        + "Accuracies {measured}. The line holds 21 networks decoded at equal steps of gamma from A to B and measured just now; each is "
        "drawn at the mean of its 15 nearest embeddings, weighted as UMAP weighs neighbours, because UMAP does not keep lines straight; "
        "even one far from all of them is drawn among them. {hollow} The space and the line through it follow section III and fig. 3 (b, "
        "d) of the NetSpace paper; the map is ours."
    )

    objectives = {
        "distillation": Objective(
            "Distillation from a teacher (eq. 3 to 5)",
            "alpha times the divergence from the teacher's answers, the rest the cross entropy with the labels.",
            "accuracy",
            lambda space: targets.network(space, "Teacher", default_teacher(space)),
        ),
        "task": Objective("Task loss alone (eq. 4)", "Cross entropy with the labels of the training images.", "accuracy"),
        "answers": Objective(
            "A given network's own answers",
            "Places a network that the space has never seen. Needs no labels, and matches its mistakes too.",
            "agreement",
            lambda space: targets.network(space, "Network to match", default_teacher(space)),
        ),
    }

    def glimpse(self, space: Manifest) -> None:
        interpolation.glimpse(space)

    def missing(self, space: Space) -> str | None:
        return space.dataset if space.images is None else None

    def interpolation(self, space: Space) -> None:
        if missing := self.missing(space):
            data.panel(missing, "Live accuracies need")
        if space.several and interpolation.between() == "four":
            interpolation.square(space)
        else:
            interpolation.pair(space)

    def three(self, space: Space) -> list[str]:
        """Three good networks, by validation images and held out where possible; of as many architectures as there are."""
        table = space.table
        held = table[table["split"] == "test"]
        best = (held if len(held) > 2 else table).sort_values("val_accuracy", kind="stable", ascending=False)
        if len(space.archs) > 1:
            first = best.groupby("class_id", sort=True).first()["id"].tolist()
            picked = [first[round(at * (len(first) - 1) / 2)] for at in range(3)]
            best = best[~best["id"].isin(picked)]
            return [*dict.fromkeys(picked), *best["id"]][:3]
        return best["id"].tolist()[:3]

    def plane_words(self, space: Space) -> str:
        return measured(space)

    def walk(self, host: Host, space: Space, a: str, b: str, gammas: list[float]) -> Walk:
        steps = [host.step(space.id, a, b, gamma, images="none" if space.images is None else None) for gamma in gammas]
        outside = [step.outside for step in steps]
        if space.images is None:
            words = f"{len(steps)} networks are decoded along the line; they are not measured, as the images are not here."
            return Walk([None] * len(steps), outside, words)
        values = [step.accuracy for step in steps]
        basis = f"{steps[0].n} test images" + ("" if steps[0].dtype == "float32" else f", {steps[0].dtype}")
        words = (
            f"Predicted by the space: {percent(values[0])} at A, {percent(values[-1])} at B, lowest on the way {percent(min(values))}; "
            f"{len(steps)} decoded networks, each on {basis}."
        )
        return Walk(list(values), outside, words, basis)

    def map_caption(self, space: Space, **words: str) -> str:
        measured = (
            f"are measured on the {len(space.images.labels['test'])} test images"
            if space.images
            else "are stored ones, since the test images are not on this machine"
        ) + briefly(space, "; those of predicted networks")
        return super().map_caption(space, measured=measured, **words)

    def likeness(self, space: Space, facts: Any) -> str:
        on = f"{len(space.images.labels['test']):,} test images" if space.images else "test images"
        return (
            f"on the {on}: trained {percent(facts['test_accuracy'])}, predicted by the space {percent(facts['predicted_test_accuracy'])}"
            f"{briefly(space, ', the latter')}. "
            f"{WHY} As in Suppl. VII, figures 5 and 6 of the paper."
        )

    def lso_start(self, space: Space) -> str:
        return controls.first_pair(space.table)[0]

    def lso_note(self, space: Space) -> str:
        if not (count := space.config.measured):
            return ""
        return f"Training batches are drawn from the first {count:,} training images, and validation is the first {count:,} of its split."

    def lso_start_words(self, space: Space, facts: Any) -> str:
        word = {"kept": "as LSO found it", "placed": "as it was placed"}.get(facts["split"], "as it was trained")
        accuracy = percent(facts["test_accuracy"])
        return f"Start is the network that the space predicts for {facts['id']}, which itself, {word}, has {accuracy}. "

    def lso_figures(self, result: Mapping[str, Any], key: str) -> str:
        found = result["test"][key]
        bars = "".join(
            f'<i title="{escape(each["name"])}: {each["right"]} of {each["n"]}"><u '
            f'style="height:{3.3 * each["right"] / max(1, each["n"]):.2f}rem"></u><small>{escape(each["name"])}</small></i>'
            for each in found["per_class"][:24]
        )
        return (
            f'<b data-testid="lso-{key}">{percent(found["value"])}</b><span>of {found["n"]} test images ({100 * found["low"]:.1f} to '
            f"{percent(found['high'])}), {escape(found['architecture'])}</span>"
            f'<div class="classes" role="img" aria-label="Accuracy of each class">{bars}</div>'
        )

    def lso_basis(self, result: Mapping[str, Any]) -> str:
        return "Accuracy is on the test images, which took no part in any choice; interval: 95 % Wilson."


def briefly(space: Space, which: str) -> str:
    """On how many images `which` figures rest, where a planned space was measured briefly; else nothing."""
    return f"{which} on the first {space.config.brief:,} of them" if space.config.brief else ""


def default_teacher(space: Space) -> str:
    """What stands for no teacher, in words."""
    return "the zoo's teacher" if space.several else "the best training instance on validation"


SCREENS = Images()
