"""What ended visits leave behind is given back.

Streamlit keeps the session of a closed tab for two minutes, so that a lost connection finds it again, and drops expired ones when
the next tab closes: an idle server keeps the last of a busy day. Each holds three descriptors and what its last run made. Here the
selection is in the URL, so a tab that comes back later starts where it was, and half a minute is enough.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterable

LOOK = 5.0  # seconds between looks
KEPT = 30.0  # seconds for which a session without its tab is kept


@contextlib.asynccontextmanager
async def forgetting(app: object) -> AsyncIterator[dict]:
    """Lifespan of the app: close the sessions of tabs that have gone, and give back what they held."""
    from streamlit.runtime import Runtime

    async def keep_looking() -> None:
        runtime, visits = Runtime.instance(), Visits()
        while True:
            await asyncio.sleep(LOOK)
            if visits.look(absent(runtime), runtime.close_session, time.monotonic()):
                await asyncio.to_thread(give_back)

    task = asyncio.create_task(keep_looking())
    try:
        yield {}
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def absent(runtime) -> set[str]:
    """The ids of sessions whose tab has gone. (Streamlit has no public list of them.)"""
    sessions = runtime._session_mgr
    active = {each.session.id for each in sessions.list_active_sessions()}
    return {each.session.id for each in sessions.list_sessions()} - active


class Visits:
    """Since when each session has been without its tab."""

    def __init__(self):
        self.since: dict[str, float] = {}

    def look(self, absent: Iterable[str], close: Callable[[str], None], now: float) -> bool:
        """Close what has been absent for longer than KEPT; whether that was any."""
        self.since = {id_: self.since.get(id_, now) for id_ in absent}
        late = [id_ for id_, since in self.since.items() if now - since > KEPT]
        for id_ in late:
            close(id_)
        return bool(late)


def give_back() -> None:
    """Collect what refers to itself in circles, as sessions do, and return free memory to the system."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
