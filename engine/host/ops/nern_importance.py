"""The filters of a layer by reconstruction error, and feature maps of the best and the worst: see `engine.host.nerns.importance`."""

from __future__ import annotations

from ...core.errors import InvalidValue
from .. import nerns as hosted
from ..host import Host
from ..nern_questions import found_of, look_of
from ..questions import Answer


def answer(host: Host, question: dict) -> Answer:
    count = question.get("count", 6)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= hosted.IMAGES_LIMIT:
        raise InvalidValue(f"count must be a number of images from 1 to {hosted.IMAGES_LIMIT}; got {str(count)[:40]!r}.")
    found = found_of(host, question, needs_nern=True)
    return hosted.importance(host, found, look_of(question), question.get("layer"), question.get("class"), count)
