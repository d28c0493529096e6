"""A folder of checkpoints at any depth, each a network: .safetensors, .npz, or torch files of any name. Properties come from a table, or
from JSON beside each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ...core.boundary import readable
from ...nets.sniffing import SUFFIXES
from ..layout import Files, walk
from ..members import RUN, STEP, Asked, Survey
from ..surveying import course_of, finish, one_table, stamped
from ..tables import beside, frame, without


class Folder(Files):
    id, rank = "folder", 100

    def sees(self, path: Path) -> bool:
        return path.is_dir() and any(is_checkpoint(name) for name in walk(path))

    def survey(self, asked: Asked) -> Survey:
        files = [name for name in walk(asked.path) if is_checkpoint(name)]
        names = set(walk(asked.path))
        records = [beside(asked.path / f"{without(name)}.json") if f"{without(name)}.json" in names else {} for name in files]
        notes: list[str] = []
        alone = not any(records)
        table = one_table(asked, asked.path, notes) if alone else None
        if not alone:
            notes.append(f"Properties of {sum(map(bool, records)):,} networks are those of the JSON beside them.")
        members = stamped(asked.path, files)
        if course := course_of(files):
            members = members.assign(**{RUN: course[0], STEP: course[1]})
            notes.append("Files of one run are recognised by their names: they are steps of one training.")
        kinds = Counter(Path(name).suffix for name in files).most_common(3)
        seen = f"a folder of {len(files):,} checkpoints ({', '.join(readable(suffix) for suffix, _ in kinds)})"
        return finish(asked, seen, members, frame(records), notes, (), table)


def is_checkpoint(name: str) -> bool:
    """Whether a file is called as checkpoints are."""
    return Path(name).suffix.lower() in SUFFIXES


LAYOUT = Folder()
