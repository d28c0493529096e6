"""The pictures of a path of signals at gamma: see `engine.host.signals.signal`."""

from __future__ import annotations

from ..signals import signal as answer

__all__ = ["answer"]
