"""The spaces at hand: in which order, what each is called, what its networks answer; and a NeRN. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.artifacts import Manifest
from explorer import cards, data, services
from explorer.tasks import screens

# (a field of a config, its value, what to say of it) where two spaces have the same title
APART = (("encoder", "probe", "takes new shapes"), ("encoder", "prep", "of seen shapes"))


def zoo_of(space: Manifest, manifests: dict[str, Manifest]) -> Manifest | None:
    """The zoo that a space was made from, among those at hand."""
    return next((manifests[id_] for id_ in space.inputs if id_ in manifests and manifests[id_].kind == "zoo"), None)


def dataset_of(space: Manifest, manifests: dict[str, Manifest]) -> str | None:
    """The data set whose images a space's networks answer; None where they answer none."""
    return (zoo_of(space, manifests) or space).config.get("dataset") if screens(space.task).needs_images else None


def in_order(manifests: dict[str, Manifest]) -> list[Manifest]:
    """The spaces among them as a newcomer meets them: task by task, and last those whose images are not here."""
    spaces = [each for each in manifests.values() if each.kind == "netspace"]
    return sorted(spaces, key=lambda space: (data.missing(dataset_of(space, manifests)), screens(space.task).order))


def names(spaces: Iterable[Manifest]) -> dict[str, str]:
    """What each space is called, by its id. Titles that several have are told apart by what their configs do not share."""
    spaces, named = [*spaces], {}
    titles = [each.title or each.id for each in spaces]
    for each, title in zip(spaces, titles):
        apart = [words for name, value, words in APART if each.config.get(name) == value]
        if (config := cards.config_of(each)) and config.unseen:
            apart.append(f"{config.unseen} of them never seen")
        named[each.id] = title if titles.count(title) == 1 else ", ".join([title, *apart]) if apart else title
    taken = [*named.values()]
    return {id_: name if taken.count(name) == 1 else f"{name} ({id_})" for id_, name in named.items()}


def listed() -> list[Manifest]:
    """The spaces at hand, in that order."""
    return in_order({each.id: each for each in services.store().manifests()})


def first_nern() -> tuple[Manifest, Manifest] | None:
    """A newcomer's original and its NeRN, one whose images are here where there is one; None where there is no NeRN."""
    originals = {each.id: each for each in services.store().manifests("network")}
    pairs = [(originals[id_], nern) for nern in services.store().manifests("nern") for id_ in nern.inputs if id_ in originals]
    return min(pairs, key=lambda pair: data.missing(pair[0].config.get("dataset")), default=None)
