"""A network artifact measured again from its weights; and what its owner states of it beside what is measured here."""

from __future__ import annotations

from .. import datasets
from ..core.artifacts import Manifest
from ..core.errors import InvalidValue
from ..datasets.preprocessing import Preprocessing

STATED_GAP = 0.02  # accuracies that are further apart than this are told
TRIED = 1000  # validation images that other normalisations are tried on


def fraction(accuracy: float) -> float:
    """A stated accuracy in 0..1; above 1 it is meant in percent. Raises InvalidValue."""
    found = accuracy / 100 if 1 < accuracy <= 100 else accuracy
    if not 0 <= found <= 1:
        raise InvalidValue(f"An accuracy is a share from 0 to 1, or a percentage; got {accuracy:g}.")
    return found


def beside_stated(manifest: Manifest) -> str | None:
    """One sentence where an artifact's stated accuracy and the measured one differ; None where they do not, or one is not known."""
    stated, ours = manifest.config.get("stated_accuracy"), manifest.metrics.get("test_accuracy", {})
    value, n = ours.get("value"), ours.get("n")
    if not isinstance(stated, int | float) or not isinstance(value, int | float) or abs(stated - value) <= STATED_GAP:
        return None
    where = f"{n} {manifest.config.get('dataset')} test images"
    likely = manifest.config.get("likely_preprocessing")
    reason = f"--normalise {likely} comes closest on validation images; try it" if likely else "other images, or another normalisation?"
    return f"stated {100 * stated:.1f} %, here {100 * value:.1f} % of {where}: {reason}"


def candidates(channels: int, own: Preprocessing) -> list[Preprocessing]:
    """Normalisations that networks of such images are often trained with."""
    grey = channels == 1
    imagenet = ((0.5,), (0.25,)) if grey else ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    pairs = [(own.mean, own.std), ((0.0,) * channels, (1.0,) * channels), ((0.5,) * channels, (0.5,) * channels), imagenet]
    found = [Preprocessing(mean, std) for mean, std in pairs]
    found += [Preprocessing((0.0,) * channels, (1.0,) * channels, white) for white in (255.0, *((16.0,) if grey else ()))]
    if not grey:
        found += [Preprocessing(each.mean, each.std, each.range, "BGR") for each in found]
        found.append(Preprocessing((103.939, 116.779, 123.68), (1.0,) * 3, 255.0, "BGR"))  # Caffe's
    return list(dict.fromkeys(found))


def likely(accuracy_of, images: datasets.Images, stated: float) -> Preprocessing | None:
    """Of the usual normalisations, the one with which a network is as good as stated on validation images; None where none is.
    `accuracy_of(images [B, C, H, W], labels [B])` gives a share of right answers."""
    if images.preprocessing is None:
        return None
    some = images.first(TRIED)
    tried = []
    for each in candidates(images.images["val"].shape[1], images.preprocessing):
        seen = some.seen_by(each)
        tried.append((abs(accuracy_of(seen.images["val"], seen.labels["val"]) - stated), len(tried), each))
    gap, _, best = min(tried)
    return best if gap <= 2 * STATED_GAP and best != images.preprocessing else None
