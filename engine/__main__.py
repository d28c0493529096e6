"""The command line: `python -m engine COMMAND`. Nothing here imports torch before a command needs it."""

from __future__ import annotations

import sys

from .cli.command import nothing_more
from .cli.parser import USAGE, commands, joined, parser
from .core import settings
from .core.errors import ExplorerError


def main(arguments: list[str] | None = None) -> int:
    """Run a command. Returns the exit code: 0; 2 for a usage error and for what a user can mend; 130 when interrupted."""
    options, rest = parser().parse_known_args(joined(sys.argv[1:] if arguments is None else arguments))
    options.overrides = rest
    command = commands()[options.command]
    try:
        if not command.fields:
            nothing_more(options)
        with settings.working_in(options.workspace):
            command.run(options)
    except ExplorerError as error:
        print(f"python -m engine: {' '.join(str(error).split())}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("python -m engine: stopped; progress is saved, run the same command to resume.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
