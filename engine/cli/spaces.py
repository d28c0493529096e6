"""The commands that ask a space what lies between two anchors."""

from __future__ import annotations

from .. import library
from ..core.outputs import output_path, write_output
from ..core.suffixes import form_of
from .command import GAMMA, PATH, Command, Options, emit


def interpolate(options: Options) -> None:
    space = library.space(options.id, options.workspace, options.device)
    found = space.accuracy(space.at(options.a, options.b, options.gamma, options.path))
    told = {"value": found.value, "right": found.right, "n": found.n, "split": "test", "low": found.low, "high": found.high}
    value = {"id": options.id, "a": options.a, "b": options.b, "gamma": options.gamma, "path": options.path, "accuracy": told}
    emit(
        options,
        value,
        f"{100 * found.value:.1f} % of {found.n} test images right (95 % interval {100 * found.low:.1f} to {100 * found.high:.1f} %) "
        f"at gamma {options.gamma} on the {options.path} path",
    )


def mesh(options: Options) -> None:
    from ..tasks.distances.measures import FORMATS

    gamma = options.gamma if options.gamma is not None else 0.5 if options.b else 0.0
    path = output_path(options.output or f"{'-'.join(filter(None, (options.id, options.a, options.b)))}-{gamma:g}.glb")
    form = form_of(path, FORMATS, "A mesh")
    space = library.space(options.id, options.workspace, options.device)
    data = space.mesh(options.a, options.b, gamma, options.path, options.resolution, options.level, form)
    write_output(path, data)
    emit(options, {"file": str(path), "bytes": len(data)}, f"{path} ({len(data)} bytes)")


def film(options: Options) -> None:
    from ..film.files import FORMS

    path = output_path(options.output or f"{options.id}-{options.a}-{options.b}.gif")
    form = form_of(path, tuple(FORMS), "A film")
    space = library.space(options.id, options.workspace, options.device)
    data = space.film(options.a, options.b, form, options.frames, options.theme)
    write_output(path, data)
    emit(options, {"file": str(path), "bytes": len(data)}, f"{path} ({len(data)} bytes)")


SPACE, INSTANCE = {"help": "space id"}, {"help": "instance id"}
SECOND = {"help": "instance id (default: the first)", "nargs": "?"}
COMMANDS = (
    Command(
        "interpolate",
        "measure the accuracy of the network between two anchors",
        interpolate,
        {"id": SPACE, "a": INSTANCE, "b": INSTANCE, "--gamma": GAMMA, "--path": PATH},
    ),
    Command(
        "film",
        "write the walk between two anchors as a GIF, an MP4 or a filmstrip",
        film,
        {
            "id": SPACE,
            "a": INSTANCE,
            "b": INSTANCE,
            "--frames": {"type": int, "default": 100, "help": "2 to 300, 20 a second (default: 100)"},
            "--theme": {"choices": ("light", "dark"), "default": "light", "help": "light or dark (default: light)"},
            "--output": {"help": "a .gif or .mp4 file, or .png or .svg for a filmstrip (default: a GIF named after the anchors)"},
        },
    ),
    Command(
        "mesh",
        "write the surface of a shape, or of one between two, to a file",
        mesh,
        {
            "id": SPACE,
            "a": INSTANCE,
            "b": SECOND,
            "--gamma": {**GAMMA, "default": None, "help": "0 at anchor A, 1 at anchor B (default: 0.5, and 0 without B)"},
            "--path": PATH,
            "--resolution": {"type": int, "default": 128, "help": "grid nodes per axis (default: 128)"},
            "--level": {"type": float, "default": 0.0, "help": "signed distance of the surface (default: 0)"},
            "--output": {"help": "a .glb, .ply, .stl or .obj file (default: a GLB named after the shape)"},
        },
    ),
)
