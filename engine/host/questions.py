"""What live questions have in common: where in which space they look, what they want, and what every answer says of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import InvalidValue
from . import shapes as viewing
from .host import Step

WANTS = ("accuracy", "per_class", "answers", "prep")
Answer = tuple[dict[str, Any], dict[str, Any]]  # what JSON holds, and arrays by name


def line(question: Mapping[str, Any]) -> dict[str, str]:
    """What places a question: space, ends and path. Raises InvalidValue for what is not text."""
    found: dict[str, str] = {}
    for name, to in (("space", "space_id"), ("a", "a"), ("b", "b"), ("path", "path")):
        value = question.get(name, "embedding" if name == "path" else None)
        if not isinstance(value, str):
            raise InvalidValue(f"{name} must be text; got {str(value)[:40]!r}.")
        found[to] = value
    return found


def view(question: Mapping[str, Any]) -> viewing.View:
    """What shape a question looks at. Raises InvalidValue."""
    more = {"gamma": question.get("gamma"), "resolution": question.get("resolution", 48), "level": question.get("level", 0.0)}
    return viewing.View(**line(question), **more)


def wanted(question: Mapping[str, Any]) -> list[str]:
    """What an answer is to hold. Raises InvalidValue."""
    wants = question.get("want", ["accuracy"])
    if not isinstance(wants, list) or not all(isinstance(want, str) and want in WANTS for want in wants):
        raise InvalidValue(f"want must be a list of some of {', '.join(WANTS)}; got {str(wants)[:60]!r}.")
    return wants


def described(found: Step) -> dict[str, Any]:
    """What every answer says of a network: its architecture (with the ClassIds' probabilities, where there are several), and how far
    outside of the zoo it lies (None of mixed weights)."""
    network = found.network
    about: dict[str, Any] = {"id": network.arch.id, "family": network.arch.family, "parameters": network.arch.parameters}
    if network.classes_A is not None:
        about["classes"] = [round(share, 4) for share in network.classes_A.tolist()]
    return {"gamma": found.gamma, "path": found.path, "network": about, "outside": found.outside and found.outside.as_json()}
