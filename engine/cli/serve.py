"""The command that serves the API without the screens."""

from __future__ import annotations

from .command import Command, Options, store_of


def serve(options: Options) -> None:
    from ..api.server import serve
    from ..host.host import Host
    from ..jobs.backends import keeper

    store = store_of(options)
    keeper(store)  # waiting jobs get a worker, dead workers are noticed
    serve(Host(store, options.device), options.host, options.port)


COMMANDS = (
    Command(
        "serve",
        "serve the live API alone",
        serve,
        {
            "--host": {"default": "127.0.0.1", "help": "address to listen on (default: 127.0.0.1)"},
            "--port": {"type": int, "default": 8502, "help": "default: 8502"},
        },
    ),
)
