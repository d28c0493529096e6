"""The parser over all commands, collected from the files of this folder."""

from __future__ import annotations

import argparse
import sys
from functools import cache

from ..core.collected import collected
from .command import Command

USAGE = 2  # exit code of a usage error


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str):
        print(f"{self.prog}: {message}. See {self.prog} --help.", file=sys.stderr)
        raise SystemExit(USAGE)


@cache
def commands() -> dict[str, Command]:
    """Name -> command, by name."""
    from . import __name__ as package
    from . import __path__ as paths

    found = [each for of_file in collected(package, paths, "COMMANDS") for each in of_file]
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}


def parser() -> Parser:
    """The parser of `python -m engine`; `options.command` is the command's name."""
    top = Parser(prog="python -m engine", description="Train, measure and serve spaces of trained networks.")
    common = Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    common.add_argument("--workspace", help="folder of your own artifacts (default: EXPLORER_WORKSPACE or ./workspace)")
    common.add_argument("--device", help="cpu or cuda (default: a GPU if there is one)")
    common.add_argument("--seed", type=int, help="random seed (default: the preset's)")
    subs = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in commands().values():
        sub = subs.add_parser(
            command.name, help=command.summary, description=command.summary, parents=[common], allow_abbrev=False
        )
        for argument, options in command.arguments.items():
            sub.add_argument(argument, **options)
    return top


def joined(arguments: list[str]) -> list[str]:
    """`--up -z` as `--up=-z`: argparse takes a value that begins with a dash for an option."""
    dashed = {
        (name, choice)
        for command in commands().values()
        for name, options in command.arguments.items()
        for choice in options.get("choices", ())
        if choice.startswith("-")
    }
    words: list[str] = []
    for word in arguments:
        if words and (words[-1], word) in dashed:
            words[-1] = f"{words[-1]}={word}"
        else:
            words.append(word)
    return words
