"""How an artifact came to be: the command that makes it again, and what it was made with."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
from collections.abc import Sequence

from .clocks import Took
from .places import IN_SOURCE_TREE, PACKAGES

PROGRAM = "python -m engine"


def command_line(arguments: Sequence[str]) -> str:
    """A command line as a shell takes it."""
    return f"{PROGRAM} {shlex.join(arguments)}"


def provenance(took: Took, device: str, arguments: Sequence[str]) -> dict:
    """The command that makes it again (its `arguments`), seconds of the clock and of processor time (stops left out), device,
    versions, commit."""
    import torch

    return {
        "command": command_line(arguments),
        "seconds": round(took.seconds, 1),
        "cpu_seconds": round(took.cpu_seconds, 1),
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else f"CPU, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "commit": commit() or "unknown",
    }


def commit() -> str:
    """The source tree's commit; "" of an installed copy, which may lie in somebody else's repository."""
    if not IN_SOURCE_TREE:
        return ""
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PACKAGES, capture_output=True, text=True).stdout.strip()
