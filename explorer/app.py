"""The app: Streamlit with the engine's routes beside it (`create`), and what every screen shares (`main`).

Streamlit runs this file as a script, once per interaction; `python -m explorer` imports it and serves what `create` gives.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from engine.core.errors import ExplorerError
from engine.core.places import ASSETS
from explorer import navigation, services, state, theme
from explorer.components.guide import guide
from explorer.components.words import words

if TYPE_CHECKING:
    from engine.api.guard import Guard

STYLE = Path(__file__).with_name("app.css")
ICON = ASSETS / "theme" / "icon.svg"


def create(hosts: Iterable[str] = ()) -> Guard:
    """The ASGI app. Pages and routes alike answer to loopback, EXPLORER_ALLOWED_HOSTS and `hosts` only. Raises InvalidValue."""
    from engine.api.server import guarded, routes_later
    from explorer import components
    from explorer.shell import page_routes
    from explorer.visits import forgetting

    # Streamlit puts this folder first in sys.path for each run and takes it away again, unless it is there. Then an import in another
    # thread can miss a whole folder of packages, and `import code` finds ours.
    if (folder := str(Path(__file__).parent)) not in sys.path:
        sys.path.append(folder)
    pages = page_routes(map(navigation.url_path, navigation.SCREENS))
    routes = [*pages, *components.routes(asked=warm), *routes_later(services.store(), services.host, services.routes)]
    return guarded(st.App(__file__, routes=routes, lifespan=forgetting), hosts)


@functools.cache
def warm() -> None:
    """Begin to import what Home's script will. Once: when a browser asks for the first of our own scripts it has got Streamlit's, and takes
    half a second to read them."""
    threading.Thread(target=imported, daemon=True, name="warm").start()


def imported() -> None:
    import pyarrow.parquet  # noqa: F401

    from engine.kinds.configs import config_types
    from engine.tasks import ids
    from explorer import nern_controls, tasks, thumbnails  # noqa: F401

    config_types()
    for task in ids():
        tasks.screens(task)


def main() -> None:
    """One run of the script: read the URL, run the screen, write the URL."""
    st.set_page_config(page_title="Network space explorer", page_icon=str(ICON), layout="wide")
    st.html(f"<style>{theme.variables()}{STYLE.read_text('utf-8')}</style>")
    screen = st.navigation([navigation.page(name) for name in navigation.SCREENS], position="hidden")
    state.read(screen.url_path)
    guide(navigation.hero(screen.url_path))
    navigation.bar()
    words()
    if screen.url_path:  # Home alone needs no torch; that no two threads import it at once, all others wait for the host here
        services.host()
    try:
        screen.run()
    except ExplorerError as error:
        st.error(str(error), icon=":material/error:")
    finally:
        state.write()


if __name__ == "__main__":
    main()
