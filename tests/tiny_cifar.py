"""A space of classifiers on a few made-up JPEGs under the name of CIFAR-10, in a workspace of its own: to be seen with and without
its images. Nothing is read from a real data set."""

from __future__ import annotations

import os
from pathlib import Path

from engine.core.artifacts import Store
from engine.datasets import preparing
from tests.archives import image_tree, tar
from tests.tiny import write_tiny

ZOO, SPACE = "zoo-tiny-cifar", "netspace-tiny-cifar"
TEST_IMAGES = 40


def write_tiny_cifar(root: Path) -> tuple[Store, Path]:
    """(the store, an archive of its images); they lie prepared in `root`/data, and the archive beside it."""
    archive = tar(root / "cifar10-jpeg.tar.xz", image_tree(TEST_IMAGES // 10))
    store = Store(root / "workspace", root / "gallery")
    before = os.environ.get("EXPLORER_DATA")
    os.environ["EXPLORER_DATA"] = str(root / "data")
    try:
        preparing.add("cifar10", archive)
        write_tiny(store, "lenetlike-cifar10", ZOO, SPACE, "cifar10")
    finally:
        os.environ.pop("EXPLORER_DATA")
        if before is not None:
            os.environ["EXPLORER_DATA"] = before
    return store, archive
