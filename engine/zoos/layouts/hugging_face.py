"""Hugging Face's folders: one for each network, with config.json and model.safetensors (or pytorch_model.bin). Properties are the
scalars of config.json."""

from __future__ import annotations

from pathlib import Path

from ..layout import Files, walk
from ..members import Asked, Survey
from ..surveying import finish, one_table, stamped
from ..tables import beside, frame

WEIGHTS = ("model.safetensors", "pytorch_model.bin")


class HuggingFace(Files):
    id, rank = "hugging-face", 40

    def sees(self, path: Path) -> bool:
        return path.is_dir() and any((path / folder / "config.json").is_file() for folder in networks(path))

    def survey(self, asked: Asked) -> Survey:
        notes: list[str] = []
        found = networks(asked.path)
        folders = [each for each in found if (asked.path / each / "config.json").is_file()]
        properties = frame([beside(asked.path / folder / "config.json") for folder in folders])
        seen = f"{len(folders):,} folders in Hugging Face's layout, each with config.json and the weights"
        table = one_table(asked, asked.path, notes, ("config.json",))
        return finish(asked, seen, stamped(asked.path, [found[each] for each in folders]), properties, notes, (), table)


def networks(root: Path) -> dict[str, str]:
    """Folder -> the file of weights in it, relative to the root; safetensors first."""
    found: dict[str, str] = {}
    for name in walk(root):
        folder, _, last = name.rpartition("/")
        if folder and last in WEIGHTS and (folder not in found or last == WEIGHTS[0]):
            found[folder] = name
    return found


LAYOUT = HuggingFace()
