"""What the screens ask of a task: where its paths are dragged, how its instances are called and coloured, what LSO can descend.

`Screens` answers for any task from what the engine knows of it. A task says what differs in a file of its own,
`explorer/tasks/<its id>.py`, whose `SCREENS` is an instance of a subclass. Pages get it from `explorer.tasks.screens(task id)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from engine.core.artifacts import Manifest
from engine.tasks import task_of
from explorer.cards import Figure, percent

if TYPE_CHECKING:  # Home asks for cards and colours before torch is there
    import torch

    from engine.host.host import Host
    from engine.kinds.netspace.outside import Outside
    from engine.kinds.netspace.space import Space

DECODED = "Start is the network that the space decodes there. "  # of an LSO
WHY = "NetSpace is trained on what networks answer, not on their weights."  # they differ and answer alike
HOLLOW = "A hollow marker lies outside the zoo, or is unlike anything that the space knows; its card says how far."


@dataclass(frozen=True)
class Column:
    """A column of a space's table (several for `parts`) as the map shows it.

    `form` says how a value is written and which range a colour scale has (forms.js): percent (0 to 1), overlap (up to 1), steps (log),
    decibels, names (a category), parts (what an instance has, put together from several columns), text.
    """

    name: str
    label: str  # "test accuracy"
    form: str = "percent"
    short: str = ""  # in the picker of colours, where it is another
    parts: tuple[str, ...] = ()
    missing: str = "not measured"

    def data(self) -> dict:
        """For the map's script."""
        return {
            "name": self.name,
            "label": self.label,
            "form": self.form,
            "short": self.short or self.label,
            "parts": list(self.parts),
            "missing": self.missing,
        }


@dataclass(frozen=True)
class Walk:
    """What was measured of the networks decoded at some gammas between two anchors."""

    values: list[float | None]  # a quality each, as `Screens.walked` writes it; None where it is not measured
    outside: list[Outside | None]  # how far outside of the zoo each lies
    words: str  # the sentence beside the map
    basis: str = ""  # "360 test images"


@dataclass(frozen=True)
class Objective:
    """What LSO can descend. `target` asks for what it is pulled towards and gives the fields of the LsoConfig; None: it needs none."""

    label: str
    note: str
    quality: str  # what the curve shows, as an axis is titled
    target: Callable[[Space], dict] | None = None
    required: bool = False  # nothing can be launched before a target is given


@dataclass(frozen=True)
class Planes:
    """How the page Plane shows what the task measures of the networks between three (engine.tasks.task.Task.between)."""

    form: str = "percent"  # how a value is written (forms.js)
    lines: tuple[float, float, float] = (0.1, 0.9, 0.2)  # isolines: the first, the last, the step
    written: str = "10, 30, 50, 70 and 90 %"  # the same in words
    line: str = "run on the test images"  # what is done with each network
    needs: str = "Accuracies"  # what needs images, where these are missing
    columns: tuple[str, str] = ("accuracy", "images")  # of a CSV: a value, and on how much it was measured
    look: str = ""  # how a network looks (plane_look.js): "mesh", "picture"
    rest: Mapping[str, Any] = field(default_factory=dict)  # what is asked of the network here once the pointer rests


class Screens:
    """A task on the screens. `space` is a loaded space of it, `facts` a row of its table (`facts.split`)."""

    id = ""
    order = 9  # of its spaces among others, as a newcomer meets them
    path = "interpolation"  # the page where its paths are dragged, as in navigation.SCREENS
    drag = "Interpolate"  # the link there
    preset = ""  # makes a first space
    needs_images = False  # whether its data set may have to be downloaded
    checkpoints = False  # whether a network's file can be dropped on the map
    kernels = False  # whether its networks have convolutions, which NeRN predicts

    # -- Home: the metrics of a space's manifest that its card shows
    figures: tuple[Figure, ...] = ()  # the first three that were measured

    # -- Latent map
    colours: Mapping[str, Column] = {  # what points can be coloured by; keys are in links
        "split": Column("split", "split", "names"),
        "architecture": Column("architecture", "architecture", "names"),
    }
    card: tuple[Column, ...] = (Column("split", "split", "text"),)  # what a point's card says
    quality: Column | None = None  # of an instance in a list
    walked = Column("", "quality")  # how a Walk's values are called and written
    pictures = "thumbnails"  # of instances: small PReps, or "sheet", the targets as the task draws them
    selected: Mapping[str, str] = {}  # further columns of the table of selected instances: name, heading
    map_line = "Each point is a trained network; near ones answer alike."
    caption = (
        "Each point is one of the {count:,} trained networks of the zoo{kept}, put where UMAP (fixed seed, kept with the artifact) puts "
        "its embedding of {embedding} numbers; nearness is what the picture means, its axes mean nothing. {hollow}"
    )

    # -- LSO
    objectives: Mapping[str, Objective] = {}
    lso_form = "percent"  # how the quality of an LSO is written

    @property
    def task(self):
        return task_of(self.id)

    def missing(self, space: Space) -> str | None:
        """The data set that is not on this machine and without which nothing can be measured."""
        return None

    # -- Home

    welcome = ""  # what its glimpse shows; "" where it has none

    def glimpse(self, space: Manifest) -> None:
        """The task as a newcomer meets it: a live view between two networks of a space, under `welcome`. Raises what reading it does."""

    # -- pickers

    def best(self, space: Space) -> str:
        """The instance that is shown first."""
        held = space.table[space.table["split"] == "test"]
        ranked = held if len(held) else space.table
        return str((ranked.sort_values(self.task.best_column, kind="stable") if self.task.best_column in ranked else ranked)["id"].iloc[-1])

    # -- Interpolation

    def interpolation(self, space: Space) -> None:
        """The page below its heading."""
        raise NotImplementedError(f"{self.id} has no Interpolation page yet: write it in explorer/tasks/{self.id}.py")

    # -- Plane

    planes = Planes()

    def three(self, space: Space) -> list[str]:
        """The instances whose plane is shown first: of the better half of those trained on the best, and those farthest from it."""
        import torch

        seen = space.table[space.table["split"] == "train"]
        ranked = (seen if len(seen) > 2 else space.table).sort_values(self.task.quality_column, ascending=False, kind="stable")
        better = list(ranked.index[: max(3, len(ranked) // 2)])
        picked, away = [0], torch.full((len(better),), torch.inf)
        while len(picked) < 3:
            last_E = space.embeddings_NE[better[picked[-1]]]
            away = torch.minimum(away, torch.linalg.vector_norm(space.embeddings_NE[better] - last_E, dim=-1).cpu())
            picked.append(int(away.argmax()))
        return [str(ranked["id"].iloc[each]) for each in picked]

    def plane_words(self, space: Space) -> str:
        """On what a plane's figures rest."""
        return ""

    # -- Latent map

    def placed_rows(self, host: Host, space: Space) -> list[dict]:
        """Rows of the map's table for what a person placed in the space, beside the zoo's."""
        return []

    def embedding(self, host: Host, space: Space, instance: str) -> torch.Tensor:
        """Where an instance, or what was placed, lives [E]. Raises UnknownId."""
        return space.embeddings_NE[space.row(instance)]

    def walk(self, host: Host, space: Space, a: str, b: str, gammas: list[float]) -> Walk:
        """Measures the networks decoded between two anchors. Raises UnknownId."""
        import torch

        a_E, b_E = (self.embedding(host, space, name) for name in (a, b))
        embeddings_GE = torch.lerp(a_E, b_E, torch.tensor(gammas, device=a_E.device)[:, None])
        return Walk(
            [None] * len(gammas), list(space.outside(embeddings_GE)), f"{len(gammas)} networks are decoded along the line, not measured."
        )

    def map_caption(self, space: Space, **words: str) -> str:
        """What stands behind `map_line`."""
        count = len(space.zoo.table)
        kept = f", or one of {more:,} kept in the space" if (more := len(space.table) - count) else ""
        return self.caption.format(count=count, kept=kept, embedding=space.config.embedding, hollow=HOLLOW, **words)

    def between(self, host: Host, space: Space, a: str, b: str, gammas: list[float], **how: Any) -> tuple[list, list[Outside | None]]:
        """What the task measures of the networks decoded between two anchors (`Task.between`), and how far outside of the zoo each lies.
        Raises UnknownId, DataMissing."""
        from engine.host.host import on_cpu
        from engine.kinds.netspace.space import Network

        loaded = host.loaded_space(space.id)
        steps = [host.between(space.id, a, b, gamma) for gamma in gammas]
        ends = {name: on_cpu(Network(space.arch, host.end(loaded, name).parameters_P)) for name in (a, b)}
        _, figures = self.task.between(host, steps, ends, how)
        return [each["value"] for each in figures], [each.outside for each in steps]

    # -- PReps

    def likeness(self, space: Space, facts: Any) -> str:
        """What target and predicted network answer, and which figure of a paper shows that: ends a caption."""
        return WHY

    # -- LSO

    def lso_start(self, space: Space) -> str:
        """The instance that a descent starts at, where none is chosen."""
        return str(space.table["id"].iloc[0])

    def lso_note(self, space: Space) -> str:
        """Ends the page's caption: on what is descended and measured."""
        return ""

    def lso_start_words(self, space: Space, facts: Any) -> str:
        """What the start is, decoded for the instance of that row."""
        return DECODED

    def lso_pictures(self, space: Space, parameters: Mapping[str, torch.Tensor]) -> Mapping[str, Any] | None:
        """Pictures of networks by name, as st.image takes them; None: their PReps are shown."""
        return None

    def lso_figures(self, result: Mapping[str, Any], key: str) -> str:
        """The figures of one end ("before", "after") of a finished LSO, as HTML; `result` as engine.jobs.work tells it."""
        value = percent(result["validation"][key])
        return f'<b data-testid="lso-{key}">{value}</b><span>{escape(result["quality"])}</span>'

    def lso_basis(self, result: Mapping[str, Any]) -> str:
        """On what those figures were measured."""
        return ""
