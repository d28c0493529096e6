"""The command line, called as a person calls it but in this process."""

from __future__ import annotations

import json
from pathlib import Path

from engine.__main__ import main


def call(capsys, workspace: Path | None, *arguments: str) -> tuple[int, object, str]:
    """(exit code, the object on standard output, standard error) of a command with --json."""
    try:
        code = main([*arguments, "--json", *([] if workspace is None else ["--workspace", str(workspace)])])
    except SystemExit as stop:
        code = stop.code
    out, error = capsys.readouterr()
    return code, json.loads(out) if out else None, error
