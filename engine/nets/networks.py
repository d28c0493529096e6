"""Any network artifact in memory, whatever made it: trained, imported, sent, kept from an LSO, or placed. The one reading of all.

Two forms lie in `network.safetensors`: the tensors of the architecture's module by their names; or `parameters`, all of them flat in
the order of the architecture's layout, with embeddings beside.

Legend: P parameters, B images, C channels, H x W pixels, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from .. import datasets
from ..archs import Architecture, architecture
from ..core.artifacts import Artifact, Manifest, Store
from ..core.errors import CheckpointMismatch, CorruptArtifact, InvalidValue, UnknownId
from ..datasets.preprocessing import Preprocessing, of_dict

FILE, FLAT = "network.safetensors", "parameters"


@dataclass(frozen=True)
class Net:
    """A network artifact: its architecture, and its tensors as the architecture's module names them."""

    manifest: Manifest
    arch: Architecture
    tensors: dict[str, np.ndarray]
    dataset: str | None  # that it was trained on
    preprocessing: Preprocessing | None  # of its input: as recorded, or that of its data set's own images; None where nobody knows

    @property
    def id(self) -> str:
        return self.manifest.id

    def module(self, device: str | torch.device = "cpu") -> nn.Module:
        """Its module in evaluation mode. Raises CheckpointMismatch, InvalidValue."""
        return build(self.arch.id, self.tensors, self.id).to(device).requires_grad_(False)

    def images(self, device: str = "cpu") -> datasets.Images | None:
        """The images that it was trained on, as it wants them; None where they are not here."""
        found = datasets.at_hand(self.dataset, device, [self.arch])
        return found and found.seen_by(self.preprocessing)

    @torch.no_grad()
    def logits(self, images: datasets.Images, splits: tuple[str, ...]) -> dict[str, Tensor]:
        """Logits [B, K] on splits of images, which may be preprocessed as others' are."""
        seen, found = images.seen_by(self.preprocessing), {}
        for split in splits:
            images_BCHW = seen.images[split]
            module = self.module(images_BCHW.device)
            found[split] = torch.cat([module(part_BCHW) for part_BCHW in images_BCHW.split(512)])
        return found

    def parameters_P(self) -> Tensor:
        """Its parameters in the architecture's order. Raises InvalidValue where it keeps batch norm, whose statistics are none."""
        names = [entry.name for entry in self.arch.layout]
        if set(self.tensors) != set(names):
            raise InvalidValue(f"{self.id} keeps its batch norm, so that its parameters alone are not the network.")
        return torch.cat([torch.from_numpy(np.asarray(self.tensors[name], np.float32)).flatten() for name in names])


def read(store: Store, id_: str) -> Net:
    """The network of an artifact. Raises UnknownId, InvalidValue (it is of another kind), CorruptArtifact, CheckpointMismatch."""
    artifact = store.open(id_, "network")
    manifest = artifact.manifest
    arch = architecture(str(manifest.config.get("architecture", "")))
    dataset, recorded = trained_on(store, manifest)
    return Net(manifest, arch, named(artifact, arch), dataset, recorded or datasets.preprocessing_of(dataset))


def named(artifact: Artifact, arch: Architecture) -> dict[str, np.ndarray]:
    """An artifact's tensors by the names of its architecture's module. Raises CorruptArtifact."""
    arrays = artifact.arrays(FILE)
    flat_P = arrays.get(FLAT)
    if flat_P is None:
        return arrays
    if flat_P.shape != (arch.parameters,):
        raise CorruptArtifact(f"{artifact.id}: its parameters do not fit {arch.id}. Make or import it again.")
    return {entry.name: flat_P[entry.start : entry.stop].reshape(entry.shape) for entry in arch.layout}


def trained_on(store: Store, manifest: Manifest) -> tuple[str | None, Preprocessing | None]:
    """(data set, preprocessing of its images) of an artifact: what it says, else what the one says that it was made from."""
    seen = set()
    preprocessing = record_of(manifest)
    while "dataset" not in manifest.config and manifest.inputs and manifest.id not in seen:
        seen.add(manifest.id)
        try:
            manifest = store.open(next(iter(manifest.inputs))).manifest
        except (UnknownId, CorruptArtifact):
            return None, preprocessing
        preprocessing = preprocessing or record_of(manifest)
    dataset = manifest.config.get("dataset")
    return (dataset if isinstance(dataset, str) else None), preprocessing


def record_of(manifest: Manifest) -> Preprocessing | None:
    """What an artifact records of its input; None where it records nothing (then it is that of its data set's own images). Raises
    CorruptArtifact."""
    try:
        return of_dict(manifest.provenance.get("preprocessing"))
    except InvalidValue as error:
        raise CorruptArtifact(f"{manifest.id}: {error} Fetch or make it again.") from error


def recording(provenance: dict, preprocessing: Preprocessing | None) -> dict:
    """The provenance of an artifact with the record of its input."""
    return provenance | ({"preprocessing": preprocessing.as_dict()} if preprocessing else {})


def build(arch_id: str, arrays: dict[str, np.ndarray], source: str) -> nn.Module:
    """The module of an architecture with those tensors. Raises CheckpointMismatch, InvalidValue."""
    module = architecture(arch_id).build()
    check(module, arrays, f"{source} does not fit {arch_id}")
    expected = module.state_dict()
    module.load_state_dict(
        {name: torch.from_numpy(np.array(arrays[name])).to(tensor.dtype) if name in arrays else tensor for name, tensor in expected.items()}
    )
    return module.eval()


def check(module: nn.Module, arrays: dict[str, np.ndarray], what: str) -> None:
    """Raises CheckpointMismatch for missing, extra and misshapen tensors (a batch norm's counter may be missing), InvalidValue for
    non-finite ones."""
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    missing = [name for name in expected if name not in arrays and not name.endswith("num_batches_tracked")]
    extra = [name for name in arrays if name not in expected]
    wrong = [
        f"{name} {arrays[name].shape} instead of {shape}"
        for name, shape in expected.items()
        if name in arrays and arrays[name].shape != shape
    ]
    for problem, names in (("lacks", missing), ("has unexpected tensors:", extra), ("has the wrong shape in", wrong)):
        if names:
            raise CheckpointMismatch(
                f"{what}: it {problem} {', '.join(map(str, names[:3]))}{f' and {len(names) - 3} more' if len(names) > 3 else ''}. Import a "
                "state dict of that architecture, or name another with --architecture."
            )
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InvalidValue(f"{what}: {name} holds NaN or infinity. Fetch or train it again.")
