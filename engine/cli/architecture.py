"""The command about architectures."""

from __future__ import annotations

from ..core.clocks import stopwatch
from .command import REPLACE, Command, Options, WrongUse, device_of, emit, store_of


def architecture(options: Options) -> None:
    {"list": _list, "add": _add}[options.action](options)


def _list(options: Options) -> None:
    from ..archs import all_architectures, architecture, imported_architectures, kept

    known = [*all_architectures().values(), *imported_architectures().values(), *map(architecture, kept.ids())]
    rows = [
        {"id": arch.id, "family": arch.family, "input": list(arch.input_shape), "classes": arch.classes, "parameters": arch.parameters}
        for arch in known
    ]
    lines = [
        f"{row['id']:<28} {'x'.join(map(str, row['input'])):<10} {row['classes']:>5} classes {row['parameters']:>10} parameters"
        for row in rows
    ]
    emit(options, {"architectures": rows}, "\n".join(lines))


def _add(options: Options) -> None:
    from ..archs.kept import of_artifact
    from ..core.provenance import provenance
    from ..kinds.architecture import add

    if not options.source:
        raise WrongUse("Specify what to add: python -m engine architecture add my_net.py:MyNet --input 1x8x8.")
    took, words = stopwatch(), ["architecture", "add", options.source]
    for option in ("id", "input", "args", "classes", "normalise"):
        words += [f"--{option}", str(getattr(options, option))] if getattr(options, option) else []
    artifact = add(
        store_of(options),
        options.source,
        options.id,
        options.input,
        options.args or "",
        options.classes or 10,
        options.normalise,
        lambda: provenance(took(), device_of(options), words),
        options.replace,
    )
    arch = of_artifact(artifact)
    about = {"id": arch.id, "kind": "architecture", "input": list(arch.input_shape), "classes": arch.classes, "parameters": arch.parameters}
    emit(options, about, f"{artifact.folder}\n{arch.id}: {artifact.manifest.title}, {arch.parameters} parameters")


COMMANDS = (
    Command(
        "architecture",
        "list the architectures, or add one: FILE.py:NAME (the file is run), FILE.pt2, FILE.onnx, or a family in another size: "
        "resnet20 --classes 100",
        architecture,
        {
            "action": {"choices": ("list", "add"), "nargs": "?", "default": "list", "help": "default: list"},
            "source": {
                "nargs": "?",
                "help": "my_net.py:MyNet, net.pt2, net.onnx, or a family: resnet20, resnet20a, lenetlike, vanillacnn, mlp, ...",
            },
            "--id": {"help": "id of the architecture (default: the class's name in lower case)"},
            "--input": {"metavar": "1x8x8", "help": "shape of one input"},
            "--args": {"metavar": "NAME=VALUE,...", "help": "arguments of the class or family: width=16"},
            "--classes": {"type": int, "help": "number of classes, for a family (default: 10)"},
            "--normalise": {
                "metavar": "mean=M,std=S",
                "help": "its input normalisation (see import; default: the data set's own)",
            },
            "--replace": REPLACE,
        },
    ),
)
