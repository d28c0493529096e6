"""Networks by themselves: trained here, imported, sent, placed in a space or kept from an LSO."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from .. import datasets
from ..archs import Architecture, architecture
from ..core.artifacts import Artifact, Store
from ..core.errors import InvalidValue
from ..datasets.noise import at_hand_or_noise
from ..nets.networks import FILE, Net, read, recording
from ..tasks import task_of
from .kind import Inputs, Kind, Made
from .nern.config import NetworkConfig
from .nern.layers import Row, layer_table
from .nern.network_training import NetworkTraining
from .nern.networks import network_metrics
from .nern.original import load_original, of_module
from .netspace.network_evaluate import likenesses


class NetworkKind(Kind):
    id = "network"
    trims = True

    def check(self, store: Store, config: NetworkConfig, inputs: Inputs) -> None:
        datasets.load(config.dataset).suited(architecture(config.architecture))

    def archs(self, config: NetworkConfig, inputs: Inputs) -> Sequence[Architecture]:
        return [architecture(config.architecture)]

    def trainee(self, store: Store, config: NetworkConfig, inputs: Inputs, device: str) -> NetworkTraining:
        return NetworkTraining(config, datasets.load(config.dataset, device).suited(architecture(config.architecture)))

    def stand_in(self, store: Store, config: NetworkConfig, inputs: Inputs, device: str) -> NetworkTraining:
        return NetworkTraining(config, at_hand_or_noise(config.dataset, device, self.archs(config, inputs)))

    def finish(
        self, store: Store, config: NetworkConfig, inputs: Inputs, trainee: NetworkTraining, progress: Callable[[str, int], Any]
    ) -> Made:
        images, module = trainee.images, trainee.deployed()
        title = f"{architecture(config.architecture).family} on {images.title}"
        arrays = {FILE: {name: tensor.detach().cpu().numpy() for name, tensor in module.state_dict().items()}}
        original = of_module(title, module, config.dataset, config.architecture, title, needed=False)
        return Made(title, arrays, {}, network_metrics(original, images), recording({}, images.preprocessing))

    def load(self, store: Store, id_: str, device: str = "cpu") -> Net:
        return read(store, id_)

    def network(
        self, store: Store, id_: str, a: str, b: str | None, gamma: float, path: str, device: str
    ) -> tuple[Architecture, Tensor, str]:
        raise InvalidValue(f"{id_} is a network: a NeRN takes it as it is.")

    def layers(self, store: Store, id_: str) -> list[Row]:
        return layer_table(load_original(store, id_, needed=False))

    def measure(self, store: Store, artifact: Artifact, device: str, seed: int = 0) -> dict:
        if not task_of(artifact.manifest.task).alone:
            return likenesses(store, read(store, artifact.id))
        original = load_original(store, artifact.id, device, needed=False)
        return network_metrics(original, original.images(device))


KIND_OBJECT = NetworkKind()
