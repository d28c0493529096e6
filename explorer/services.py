"""The app's one handle on the engine.

Streamlit runs the scripts of all sessions, and Starlette the routes, as threads of one process that share this module:
what it holds is made once, under a lock, and is the same object for a page and for a route. (That is why the
configuration switches Streamlit's file watcher off: it would drop and import this module again.)
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import streamlit as st

from engine.core import settings
from engine.core.artifacts import Store

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from engine.host.host import Host

_lock = threading.RLock()
_engine = threading.RLock()  # held while the engine is imported and a host is made, which takes seconds: the store is not held up by it
_store: Store | None = None
_host: Host | None = None


def store() -> Store:
    """The available artifacts: the gallery and the workspace (engine.core.settings)."""
    global _store
    with _lock:
        if _store is None:
            _store = Store()
        return _store


def host() -> Host:
    """The process's one host of loaded artifacts, on the best device. Made at the first call, which imports torch: nothing that a page
    runs before it may do that, for two threads would at once."""
    global _host
    with _engine:
        if _host is None:
            from engine.host.host import Host

            _host = Host(store())
        return _host


def routes() -> list[BaseRoute]:
    """The engine's over that host, and the pictures of spaces, which can wait for it: drawn beside its import they would hold it up."""
    made = host()
    from engine.api.server import host_routes
    from explorer import thumbnails

    return [*thumbnails.routes(), *host_routes(made)]


def use(new: Store | None) -> None:
    """Look at another store from now on (None: at the default one). For tests."""
    global _store
    close()
    with _lock:
        _store = new


def close() -> None:
    """End the host's threads, where there is one."""
    global _host
    with _engine:
        if _host is not None:
            _host.close()
        _host = None


def locked() -> bool:
    """Says so, and returns True, where this server only shows: in place of what would change something."""
    if settings.read_only():
        st.caption(f":material/lock: {settings.LOCKED}")
    return settings.read_only()


def device() -> str:
    """The device in use, in words: 'CPU, 2 cores' or the name of the GPU."""
    name = host().device_name()
    cores = len(os.sched_getaffinity(0))
    return f"CPU, {cores} core{'s' * (cores != 1)}" if name == "cpu" else name


@st.fragment(parallel=True)
def computing() -> None:
    """Says which device is in use, once the engine is there: the page does not wait for it."""
    st.caption(f"Computing on {device()}")
