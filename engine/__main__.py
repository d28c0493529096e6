"""The command line: `python -m engine COMMAND`. Nothing here imports torch before a command needs it."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator

from . import commands
from .errors import ExplorerError

USAGE = 2  # exit code of a wrong use
DATA_ACTIONS = ("list", "get", "add", "remove")
ARTIFACT_ACTIONS = ("list", "restore")
JOB_ACTIONS = ("list", "show", "stop", "resume", "delete", "keep", "estimate")


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

    replacing = {"action": "store_true", "help": "replace another artifact of that name; it is kept aside (see artifacts restore)"}
    gamma = {"type": float, "default": 0.5, "help": "0 at anchor A, 1 at anchor B (default: 0.5)"}
    path = {"choices": ("embedding", "weights"), "default": "embedding", "help": "what is interpolated (default: embedding)"}
    up = {"choices": ("y", "-y", "z", "-z", "x", "-x"), "default": "y", "help": "the file's axis that points up (default: y)"}
    command("list", "the artifacts at hand")
    command("artifacts", "what --replace replaced: list; restore ID brings the last one of an id back", action={"choices": ARTIFACT_ACTIONS, "nargs": "?", "default": "list", "help": "default: list"}, id={"help": "artifact id", "nargs": "?"})
    command("show", "an artifact's manifest", id={"help": "artifact id"})
    command("train", "make the artifact of a preset, or go on where it stopped; --FIELD VALUE changes its config", preset={"help": "preset name"}, __id={"help": "name of the artifact (default: the preset's, with a hash behind it where fields are changed)"}, __replace=replacing)
    command("evaluate", "measure an artifact's metrics again from its weights", id={"help": "artifact id"})
    command("interpolate", "accuracy of the network between two anchors", id={"help": "space id"}, a={"help": "instance id"}, b={"help": "instance id"}, __gamma=gamma, __path=path)
    command("export", "write a network, or the one between two anchors of a space, as safetensors", id={"help": "network or space id"}, a={"help": "instance id of a space", "nargs": "?"}, b={"help": "instance id (default: the first)", "nargs": "?"}, __gamma=gamma, __path=path, __output={"help": "file (default: named after the network)"})
    command("mesh", "write the surface of a shape, or of one between two, as a file", id={"help": "space id"}, a={"help": "instance id"}, b={"help": "instance id (default: the first)", "nargs": "?"}, __gamma={**gamma, "default": None, "help": "0 at anchor A, 1 at anchor B (default: 0.5, and 0 without B)"}, __path=path, __resolution={"type": int, "default": 128, "help": "nodes an axis (default: 128)"}, __level={"type": float, "default": 0.0, "help": "signed distance of the surface (default: 0)"}, __output={"help": "a .glb, .ply, .stl or .obj file (default: a GLB named after the shape)"})
    command("place", "find where a shape that a space was not trained on lives in it", id={"help": "space id"}, what={"help": "an instance of the space's zoo, a network (.safetensors, .pt and so on), a mesh (.obj, .ply, .stl, .off, .glb) or DeepSDF samples (.npz)"}, __steps={"type": int, "default": 30, "help": "of inversion (default: 30)"}, __activation={"help": "between the layers of a network's file: sine, relu, ... (default: what the file says, else sine)"}, __omega={"type": float, "nargs": "+", "metavar": "OMEGA", "help": "frequency of its sines, or of the first layer and of the others (default: what the file says, else 30)"}, __up=up, __turn={"type": int, "default": 0, "help": "quarter turns about that axis, 0 to 3, counterclockwise from above (default: 0)"})
    command("import", "bring a checkpoint here (.safetensors, .npz, or a torch file with a state dict) as an original", file={"help": "the file"}, __architecture={"help": "architecture id, e.g. resnet18-imagenet; -c10 behind it: with 10 classes (default: the one whose names and shapes the file has)"}, __id={"help": "name of the artifact (default: network-ARCHITECTURE)"}, __dataset={"help": "dataset that it is measured on"}, __normalise={"metavar": "mean=M,std=S", "help": "what its input is, (range * pixel - mean) / std with pixels from 0 to 1: mean=0.5,std=0.25[,range=255][,order=BGR], or a list for each channel (default: as the dataset's own images)"}, __accuracy={"type": float, "help": "the test accuracy that it is said to have, to be compared: 0.977"}, __weights={"default": "", "help": "raw, ema, or what they are called in the file, where it holds several (default: raw)"}, __replace=replacing)
    command("send", "make an original of a zoo's instance A, or of the network between two anchors of a space", id={"help": "zoo or space id"}, a={"help": "instance id"}, b={"help": "instance id", "nargs": "?"}, __gamma=gamma, __path=path, __name={"help": "name of the artifact"}, __replace=replacing)
    command("reconstruct", "write the network that a NeRN knows as safetensors", id={"help": "NeRN id"}, __prune={"type": float, "default": 0.0, "help": "share of the predictor's weights to drop (default: 0)"}, __bits={"type": int, "default": 32, "help": "bits of those left: 32, 16, 8, 6 or 4 (default: 32)"}, __output={"help": "file (default: named after the NeRN)"})
    command("sweep", "train NeRN presets with several seeds and print one table; --FIELD VALUE changes their configs", preset={"help": "preset names, or a table of the paper: nern-table4, 5, 6, 7, 10, nern-tradeoff", "nargs": "+"}, __seeds={"type": int, "default": 4, "help": "runs of each (default: 4)"}, __output={"help": "CSV file"})
    command("trim", "write a zoo and its spaces, or an original and its NeRNs, again: fewer instances, half precision, small enough to ship", id={"help": "zoo or original id"}, __train={"type": int, "help": "training instances to keep (of each architecture)"}, __val={"type": int, "help": "validation instances to keep (all)"})
    command("data", "the data sets: list; get NAME downloads one, add NAME PATH takes a folder or archive, remove NAME", action={"choices": DATA_ACTIONS, "nargs": "?", "default": "list", "help": "default: list"}, name={"nargs": "?", "help": "data set, e.g. cifar10"}, path={"nargs": "?", "help": "folder or archive (zip, tar.gz, tar.xz) of add"}, __size={"type": int, "help": "pixels a side to which add scales and cuts images (default: their own size)"})
    command("verify", "check every file of an artifact, or of all", id={"help": "artifact id", "nargs": "?"})
    command("bench", "measure speed, as ratios", name={"help": "row name", "nargs": "*"})
    command("soak", "load an explorer of its own as a busy day would: people drag, browsers come and go, a job trains and loses its workers (docs/hosting.md)", __minutes={"type": float, "default": 10.0, "help": "default: 10"}, __sockets={"type": int, "default": 50, "help": "people who drag (default: 50)"}, __sessions={"type": int, "default": 10, "help": "browser sessions at a time (default: 10)"})
    command("lso", "improve a network by gradient descent on its embedding, as a job; --FIELD VALUE changes its config", space={"help": "space id"}, instance={"help": "instance id where it starts (or --xy X Y, a place of the map)", "nargs": "?"})
    command("jobs", "the jobs, or one: list, show, stop, resume, delete, keep ID; estimate PRESET", action={"choices": JOB_ACTIONS, "nargs": "?", "default": "list", "help": "default: list"}, job={"nargs": "?", "help": "job id, or the preset of estimate"}, __name={"help": "name of the instance that keep makes"}, __replace=replacing)
    command("worker", "work through the queue until nothing was to do for a while", __idle={"type": float, "default": 1800.0, "help": "seconds without a job after which it ends (default: 1800)"})
    command("papers", "the papers' tables and figures beside ours, or one of them", entry={"help": "entry id, e.g. nern-table-5", "nargs": "?"}, __csv={"help": "write them as CSV to this file"}, __latex={"help": "write them as LaTeX (booktabs) to this file"})
    command("record", "keep an artifact's manifest and tables, without its tensors, for the papers' figures to rest on", id={"help": "artifact id"})
    command("serve", "serve the live API alone", __host={"default": "127.0.0.1"}, __port={"type": int, "default": 8502})
    return top


@contextlib.contextmanager
def workspace(folder: str | None) -> Iterator[None]:
    """--workspace, where everything finds it that keeps something there: data sets, processes that are started."""
    before = os.environ.get("EXPLORER_WORKSPACE")
    if folder:
        os.environ["EXPLORER_WORKSPACE"] = folder
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("EXPLORER_WORKSPACE", None)
        else:
            os.environ["EXPLORER_WORKSPACE"] = before


def joined(arguments: list[str]) -> list[str]:
    """`--up -z` as `--up=-z`: argparse takes a value that begins with a dash for an option."""
    words: list[str] = []
    for word in arguments:
        if words and words[-1] == "--up" and word in ("-x", "-y", "-z"):
            words[-1] = f"--up={word}"
        else:
            words.append(word)
    return words


def main(arguments: list[str] | None = None) -> int:
    options, rest = parser().parse_known_args(joined(sys.argv[1:] if arguments is None else arguments))
    options.overrides = rest
    try:
        if rest and options.command not in ("train", "lso", "sweep") and getattr(options, "action", None) != "estimate":
            raise commands.WrongUse(f"{options.command} does not know {' '.join(rest)}. See python -m engine {options.command} --help.")
        with workspace(options.workspace):
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
