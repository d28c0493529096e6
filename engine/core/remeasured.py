"""What was measured again of an artifact: written into its manifest with a note of when, at which commit and why."""

from __future__ import annotations

import json

from .artifacts import Artifact, write_atomic
from .manifests import read_manifest


def remeasured(artifact: Artifact, metrics: dict, why: str, when: str, commit: str) -> Artifact:
    """The same artifact with some metrics measured again (or for the first time) and the note in its provenance, replaced atomically;
    nothing else of its manifest changes, its format neither. Raises ValueError for a metric that is no number."""
    path = artifact.folder / "manifest.json"
    raw = json.loads(path.read_text("utf-8"))
    raw["metrics"] |= metrics
    notes = raw["provenance"].get("remeasured", [])
    notes = notes if isinstance(notes, list) else [notes]
    raw["provenance"]["remeasured"] = [*notes, {"metrics": sorted(metrics), "when": when, "commit": commit, "why": why}]
    write_atomic(path, (json.dumps(raw, indent=1, allow_nan=False) + "\n").encode())
    return Artifact(artifact.folder, read_manifest(artifact.folder))
