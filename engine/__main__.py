"""The command line: `python -m engine COMMAND`. Nothing here imports torch before a command needs it."""

from __future__ import annotations

import argparse
import sys

from . import commands
from .errors import ExplorerError

USAGE = 2  # exit code of a wrong use


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str):
        print(f"{self.prog}: {message}. See {self.prog} --help.", file=sys.stderr)
        raise SystemExit(USAGE)


def parser() -> Parser:
    top = Parser(prog="python -m engine", description="Train, measure and serve spaces of trained networks.")
    common = Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    common.add_argument("--workspace", help="folder of your own artifacts (default: EXPLORER_WORKSPACE or ./workspace)")
    common.add_argument("--device", help="cpu or cuda (default: a GPU where there is one)")
    common.add_argument("--seed", type=int, help="seed of what is drawn (default: the preset's)")
    subs = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, summary: str, /, **arguments: dict) -> None:
        sub = subs.add_parser(name, help=summary, description=summary, parents=[common], allow_abbrev=False)
        for argument, options in arguments.items():
            names = [f"--{argument[2:].replace('_', '-')}"] if argument.startswith("__") else [argument]
            sub.add_argument(*names, **options)

    gamma = {"type": float, "default": 0.5, "help": "0 at anchor A, 1 at anchor B (default: 0.5)"}
    path = {"choices": ("embedding", "weights"), "default": "embedding", "help": "what is interpolated (default: embedding)"}
    command("list", "the artifacts at hand")
    command("show", "an artifact's manifest", id={"help": "artifact id"})
    command("train", "make the artifact of a preset, or go on where it stopped; --FIELD VALUE changes its config", preset={"help": "preset name"}, __id={"help": "name of the artifact (default: the preset's)"})
    command("evaluate", "measure an artifact's metrics again from its weights", id={"help": "artifact id"})
    command("interpolate", "accuracy of the network between two anchors", id={"help": "space id"}, a={"help": "instance id"}, b={"help": "instance id"}, __gamma=gamma, __path=path)
    command("export", "write the network between two anchors as safetensors", id={"help": "space id"}, a={"help": "instance id"}, b={"help": "instance id"}, __gamma=gamma, __path=path, __output={"help": "file (default: named after the network)"})
    command("verify", "check every file of an artifact, or of all", id={"help": "artifact id", "nargs": "?"})
    command("bench", "measure speed, as ratios", name={"help": "row name", "nargs": "*"})
    command("serve", "serve the live API alone", __host={"default": "127.0.0.1"}, __port={"type": int, "default": 8502})
    return top


def main(arguments: list[str] | None = None) -> int:
    options, rest = parser().parse_known_args(arguments)
    options.overrides = rest
    try:
        if rest and options.command != "train":
            raise commands.WrongUse(f"{options.command} does not know {' '.join(rest)}. See python -m engine {options.command} --help.")
        getattr(commands, f"do_{options.command}")(options)
    except ExplorerError as error:
        print(f"python -m engine: {' '.join(str(error).split())}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("python -m engine: stopped; what was made is kept, the same command goes on.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
