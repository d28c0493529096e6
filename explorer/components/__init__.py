"""Live controls: a .py that mounts each, beside its .js, .css and .html.

The scripts are ES modules that import each other (mount.js: a view's life; live.js: the socket, latest-wins; frames.js, plotly.js,
colours.js, forms.js). Streamlit takes a component's script as a string and runs it as a module without an address, in which nothing
can be imported by a relative name; so what it is given (`script`) imports the component's own module by its full address, beside the
page's, which holds below a proxy's path too. `routes` serve the modules.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from streamlit.components import v2

HERE = Path(__file__).parent
PATH = "api/static/components"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";', re.M)
WAITING = 'waiting"'  # ends the class of a view that has no answer yet
PART = re.compile(r"<!-- (\w+\.html) -->")
KEPT = "public, max-age=31536000, immutable"  # an address has the version in it
LOADER = """
const address = new URL("{path}/{version}/{name}", document.baseURI).href;
let view;
try {{
  const found = await import(address);
  view = (args) => found.default({{ ...args, data: args.data[0] }}); // as `component` sends it
}} catch (error) {{
  console.error(error);
  view = ({{ parentElement }}) => {{
    const words = document.createElement("div");
    words.setAttribute("role", "alert");
    words.textContent = "This part of the page did not load. Check the connection and reload the page.";
    parentElement.append(words);
    return () => words.remove();
  }};
}}
export default view;
"""


def source(*names: str) -> str:
    """The text of files of this folder, one after the other; a comment that names a file, `<!-- gamma_slider.html -->`, stands for it."""
    text = "\n".join(HERE.joinpath(name).read_text("utf-8") for name in names)
    return PART.sub(lambda found: source(found[1]), text)


@cache
def modules() -> dict[str, str]:
    """Name -> text of every module."""
    return {path.name: path.read_text("utf-8") for path in sorted(HERE.glob("*.js"))}


@cache
def version() -> str:
    """Changes whenever a module does."""
    return hashlib.sha256("\0".join(modules().values()).encode()).hexdigest()[:12]


def script(name: str) -> str:
    """What Streamlit is given as the script of the component whose module has that name."""
    assert name in modules(), f"there is no module {name}"
    return LOADER.format(path=PATH, version=version(), name=name)


def needed(*names: str) -> list[str]:
    """Where the modules of those names are served, and all that they import, each before what imports it; relative to the page."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        for other in IMPORT.findall(modules()[name]):
            if other not in found:
                add(other)
        found[name] = None

    for name in names:
        add(name)
    return [f"{PATH}/{version()}/{name}" for name in found]


def component(name: str, html: str, css: str, js: str, isolate_styles: bool = False, brief: bool = False) -> Callable[..., Any]:
    """Streamlit's component of that name, which is called with `data`, `key`, `on_NAME_change`, ... and shows it. `brief`: on Home its data
    says so, and its HTML is brief from the start: nothing jumps when its script comes.

    Among the values of a mapping Streamlit looks for tables, and imports pandas for it, which Home does not need. In a list it does not
    look; `script` takes the data out of it again."""
    assert not brief or html.count(WAITING) == 1
    short = html.replace(WAITING, f"brief {WAITING}") if brief else html
    look = {"css": css, "js": js, "isolate_styles": isolate_styles}
    long, short = (v2.component(named, html=text, **look) for named, text in ((name, html), (f"{name}_brief", short)))

    def shown(data: Any, **options: Any) -> Any:
        return (short if brief and data.get("brief") else long)(data=[data], **options)

    return shown


async def answer(request: Request) -> Response:
    text = modules().get(request.path_params["name"])
    if text is None:
        return PlainTextResponse("There is no such module. Reload the page.", 404)
    current = request.path_params["version"] == version()  # a page that was open during an update gets what there is now
    return Response(text, media_type="text/javascript", headers={"Cache-Control": KEPT if current else "no-store"})


def routes(asked: Callable[[], object] = lambda: None) -> list[Route]:
    """Where the modules are served; `asked` is called with each request."""

    async def handle(request: Request) -> Response:
        asked()
        return await answer(request)

    return [Route(f"/{PATH}/{{version}}/{{name}}", handle)]
