"""A NetSpace, opened.

Legend: E embedding, B inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import InvalidValue
from .opened import Opened, with_record
from .results import Neighbour, Optimised, Placement, Quality

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure
    from torch import Tensor
    from torch.nn import Module

    from ..host.host import Loaded
    from ..jobs.launched import Launched

Progress = Callable[[str, int], Callable[[int, dict[str, float]], None]]
BATCH = 512  # inputs that a network is asked together


def quiet(title: str, total: int) -> Callable[[int, dict[str, float]], None]:
    return lambda step, metrics: None


class Space(Opened):
    """A NetSpace: embeddings [E] are places where networks live."""

    @property
    def _loaded(self) -> Loaded:
        return self.host.loaded_space(self.id)

    @property
    def instances(self) -> list[str]:
        """Ids of its instances: those of its zoo, then the networks that were kept in it."""
        return [str(name) for name in self._loaded.space.table["id"]]

    def embedding(self, instance: str) -> Tensor:
        """The embedding [E] of an instance. Raises UnknownId."""
        space = self._loaded.space
        return space.embeddings_NE[space.row(instance)].clone()

    def at(self, a: str | Tensor, b: str | None = None, gamma: float = 0.5, path: str = "embedding") -> Module:
        """The network at an embedding [E]; at instance `a`, as the space predicts it; or at `gamma` (0 to 1) between instances `a` and `b`.

        `path` "embedding" decodes (1 - gamma) e_a + gamma e_b, "weights" mixes the parameters of the targets, "aligned" does so
        once b's units are in a's order (Git Re-Basin by weights; "aligned-activations" by activations; "aligned-repaired" and
        "aligned-activations-repaired" with REPAIR). The module is in evaluation mode, takes inputs [B, ...] and records
        `architecture` (its id) and `preprocessing` (how its input is normalised, or None: see engine.datasets.preprocessing). Raises
        UnknownId, InvalidValue.
        """
        import torch

        from ..datasets import preprocessing_of
        from ..nets.networks import trained_on
        from ..nets.stacked import unflatten

        space = self._loaded.space
        if isinstance(a, torch.Tensor):
            if b is not None:
                raise InvalidValue("Between two embeddings: mix them (torch.lerp) and give the result alone.")
            found = self.host.run(space.at, self._embedding(a))
        else:
            rows = (space.row(a), space.row(a if b is None else b))
            found = self.host.run(space.network, *rows, gamma, path)
        module = found.arch.build()
        module.load_state_dict({name: tensor.cpu().clone() for name, tensor in unflatten(found.parameters_P, found.arch).items()})
        dataset, recorded = trained_on(self.store, self.manifest)
        return with_record(module, found.arch, recorded or preprocessing_of(dataset))

    def accuracy(self, net: Module, split: str = "test") -> Quality:
        """How often a network is right on the images of a split ("train", "val" or "test") of the space's data set, normalised as the
        network records it. Raises InvalidValue for shapes, DataMissing."""
        labels_B = self.host.classifiers(self.id).space.needed_images().labels[_split(split)]
        return _share("accuracy", self._classes(net, split) == labels_B.cpu(), f"{split} images")

    def quality(self, net: Module, of: str | Module | None = None, split: str = "test") -> Quality:
        """How good a network is, or how much it is like another one: an instance's id, or a module.

        Of classifiers: the accuracy; with `of` the share of images on which both answer the same. Of shapes: the IoU of what both enclose
        on a grid, its interval over the cells of the union; `of` is needed then. Raises InvalidValue, UnknownId, DataMissing.
        """
        import torch

        task = self._loaded.space.task
        if of is None and not task.alone:
            raise InvalidValue(f"The quality of a {task.one} is its likeness to another: name one, quality(net, of=INSTANCE).")
        if of is None:
            return self.accuracy(net, split)
        other = self.at(of, of, 0.0, "weights") if isinstance(of, str) else of
        if not task.alone:
            found = task.alike(*(lambda points_BD, each=each: torch.cat(_answers(each, points_BD)) for each in (net, other)))
            return Quality(*astuple(found))
        return _share("agreement", self._classes(net, split) == self._classes(other, split), f"{split} images")

    def embed(self, network: Mapping[str, Any] | str | Path, invert: int = 100) -> Tensor:
        """The embedding [E] of a network that the space may never have seen: by its encoder, then by `invert` steps of descent towards the
        network's own answers, which need no labels; the embedding is never one that answers less alike than the encoder's.

        `network`: an instance's id, a state dict, or a checkpoint (.safetensors, .pt, ...) in one of the space's architectures; of shapes a
        SIREN of any width. A space of several architectures has no inversion: use 0 there. Raises InvalidValue, CheckpointMismatch,
        DataMissing.
        """
        from ..jobs.direct import embed

        return embed(self._loaded.space, network, invert)

    def place(
        self, what: str | Path, steps: int | None = None, seed: int = 0, progress: Progress | None = None, **reading: Any
    ) -> Placement:
        """Place a network by the encoder, then by `steps` of inversion (default: as many as is usual for the task), and measure how alike
        the space's network is to it.

        `what`: an instance's id, a checkpoint, or a file to which a network is fitted first (of shapes a mesh or DeepSDF samples, of
        signals a picture; `seed` is the fit's, `progress(title, total)` gives its `on_step(step, metrics)`). `reading` as the task takes
        it: of shapes `pose` (engine.tasks.distances.pose), `activation`, `omega`. Raises InvalidValue, UnknownId, DataMissing.
        """
        from ..kinds.netspace.placing import asked, place_what

        space = self._loaded.space
        found, fit = place_what(space, str(what), steps, seed, progress or quiet, **reading)
        return Placement(asked(space, str(what), steps, seed, **reading), found, self.on_map(found.embedding_E), fit)

    def keep(self, placement: Placement, name: str) -> str:
        """Make what was placed an instance of the space, an anchor on every page; its id, made of `name`. Of a network of another
        architecture what is kept is the space's own network there. Raises InvalidValue, StorageError."""
        from ..kinds.netspace.placing import keep

        return keep(self.store, self._loaded.space, placement.placed, name, [*placement.asked, "--keep"], str(self.host.device)).id

    def on_map(self, z: Tensor) -> tuple[float, float]:
        """The place of an embedding [E] on the space's two-dimensional map."""
        ((x, y),), _ = self._loaded.space.place_on_map(self._embedding(z)[None])
        return float(x), float(y)

    def mesh(
        self, a: str, b: str | None = None, gamma: float = 0.5, path: str = "embedding", resolution: int = 128, level: float = 0.0,
        form: str = "glb",
    ) -> bytes:  # fmt: skip
        """The surface of instance `a`, or of the shape at `gamma` between `a` and `b`, as a file ("glb", "ply", "stl" or "obj").

        `resolution` nodes per axis of the grid; `level` is the signed distance of the surface. Raises InvalidValue where there is no such
        surface or the space holds no shapes, UnknownId.
        """
        from ..host.export import mesh_bytes
        from ..host.shapes import View
        from ..kinds.netspace.space import check_gamma

        gamma = check_gamma(gamma)  # also where there is no way on which it is a place
        return mesh_bytes(self.host, View(self.id, a, b or a, gamma if b else 0.0, path, resolution, level), form)

    def picture(
        self, a: str, b: str | None = None, gamma: float = 0.5, path: str = "embedding", pixels: int = 512
    ) -> bytes:
        """The picture of instance `a`, or of the image at `gamma` between `a` and `b`, as a PNG of 8 to 4 096 pixels a side. Raises
        InvalidValue where the space holds no images, UnknownId."""
        from ..host.signals import png
        from ..kinds.netspace.space import check_gamma

        return png(self.host, self.id, a, b or a, check_gamma(gamma) if b else 0.0, path, pixels)

    def film(self, a: str, b: str, form: str = "gif", frames: int = 100, theme: str = "light") -> bytes:
        """The walk from instance `a` to `b` as a file: "gif", "mp4", or "png" and "svg" of a filmstrip. 2 to 300 frames, 20 a second;
        `theme` "light" or "dark". Its caption says what was measured on what. Raises UnknownId, InvalidValue."""
        from ..film.walk import Walk, sweep
        from ..host.films import film

        return film(self.host, Walk(self.id, a, b, sweep(frames), theme=theme), form)

    def launch(self, start: str = "", **fields: Any) -> Launched:
        """Queue a latent space optimisation as a job, which keeps running when this process ends; `follow` waits for it.

        `start`: the instance that it starts at; with `b` and `gamma` it starts between two, with `xy` at a place of the map. `fields` are
        those of engine.learn.config.LsoConfig; the objective is by default that of `optimise`. Identical jobs are merged. Raises
        InvalidValue, UnknownId, DataMissing.
        """
        from ..jobs import specs
        from ..jobs.launched import launch
        from ..tasks import task_of

        given = {"objective": task_of(self.manifest.task).default_objective, **fields, "space": self.id, "a": start}
        return launch(self.store, specs.of_lso(specs.lso_config(given)))

    def optimise(
        self, z: Tensor, steps: int = 200, objective: str | None = None, target: str = "", seed: int = 0, lr: float = 0.05
    ) -> Optimised:
        """Latent space optimisation from an embedding [E]: gradient descent with the decoder frozen; validation picks the best step.

        `objective`: "distillation" (classifiers' default), "task" or "answers" (shapes' default: towards the answers of `target`, an
        instance or a network's id; "" is the best instance). `lr` is in units of the spread of the space's embeddings. Raises InvalidValue,
        UnknownId, DataMissing.
        """
        from ..jobs.direct import optimise
        from ..learn.config import LsoConfig

        objective = objective or self._loaded.space.task.default_objective
        start = self.nearest(z)[0].id
        more: dict[str, Any] = {"objective": objective, "target": target, "steps": steps, "seed": seed, "lr": lr}
        best_E, step, quality, before, after = optimise(
            self.store, self._loaded.space, LsoConfig(self.id, start, **more), self._embedding(z)
        )
        return Optimised(best_E, step, quality, before, after)

    def nearest(self, z: Tensor, count: int = 1) -> list[Neighbour]:
        """The instances nearest to an embedding [E], the nearest first."""
        space = self._loaded.space
        away_N = (space.embeddings_NE - self._embedding(z)).norm(dim=-1).cpu()
        rows = away_N.argsort(stable=True)[: max(1, count)].tolist()
        return [Neighbour(str(space.table["id"].iloc[row]), float(away_N[row])) for row in rows]

    def map(self, colour: str | None = None, dims: int = 2, across: str | None = None, up: str | None = None) -> Figure:
        """The map as a Plotly figure in 2 or 3 dimensions, coloured by a column of the space's table (its quality where None); in 2,
        `across` and `up` name columns to be its axes. Raises InvalidValue."""
        from .figures import map_of

        return map_of(self.host, self.id, colour, dims, across, up)

    def preps(self, instance: str) -> Figure:
        """The parameters of an instance as pictures, target and predicted, in a Plotly figure. Raises UnknownId."""
        from .figures import preps_of

        return preps_of(self.host, self.id, instance)

    def properties(self) -> DataFrame:
        """What a linear probe reads off the embeddings: a row for each property of the zoo, its R² or accuracy with a 95 % interval, beside
        the same of weight statistics and of the weights' principal components. Raises InvalidValue."""
        from ..kinds.netspace.properties import properties, table_of

        return table_of(properties(self._loaded.space))

    def path(self, a: str, b: str, points: int = 21) -> Figure:
        """Accuracy from instance `a` to `b` as a Plotly figure: decoded, weights mixed, weights mixed after alignment. Raises UnknownId,
        InvalidValue, DataMissing."""
        from .figures import path_of

        return path_of(self.host, self.id, a, b, points)

    def plane(self, a: str, b: str, c: str, path: str = "embedding", size: int = 21) -> Figure:
        """The plane through three instances as a Plotly figure of `size` x `size` networks: of classifiers their accuracy, of shapes the
        IoU, of signals the PSNR with the nearest of the three. Raises UnknownId, InvalidValue, DataMissing."""
        from .figures import plane_of

        return plane_of(self.host, self.id, a, b, c, path, size)

    def _embedding(self, z: Tensor) -> Tensor:
        known_NE = self._loaded.space.embeddings_NE
        if z.shape != known_NE.shape[1:] or not z.isfinite().all():
            raise InvalidValue(f"An embedding of {self.id} is {known_NE.shape[1]} finite numbers; got a tensor of {list(z.shape)}.")
        return z.detach().to(known_NE)

    def _classes(self, net: Module, split: str) -> Tensor:
        """Predicted classes [B], on the CPU."""
        import torch

        images = self.host.classifiers(self.id).space.needed_images().seen_by(getattr(net, "preprocessing", None))
        return torch.cat(_answers(net, images.images[_split(split)])).argmax(-1)


def _answers(net: Module, inputs_B: Any) -> tuple[Tensor, ...]:
    """Answers [b, ...] to batches of inputs [B, ...], on the CPU."""
    import torch

    device = next((tensor.device for tensor in net.parameters()), torch.device("cpu"))
    with torch.no_grad():
        return tuple(net(part.to(device)).cpu() for part in inputs_B.split(BATCH))


def _split(name: str) -> str:
    if name not in ("train", "val", "test"):
        raise InvalidValue(f"A split is train, val or test; got {str(name)[:40]!r}.")
    return name


def _share(name: str, right_B: Tensor, split: str) -> Quality:
    from ..nets.answers import wilson

    right, n = int(right_B.sum()), right_B.numel()
    if not n:
        raise InvalidValue(f"There is nothing to measure the {name} on.")
    return Quality(name, right / n, *wilson(right, n), n, right, split)
