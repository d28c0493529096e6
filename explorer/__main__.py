"""`python -m explorer` starts the app on http://127.0.0.1:8501, with the engine's routes beside it.

It runs uvicorn itself instead of `streamlit run`: a used port is then an error and not silently the next port, and the
socket is the engine's own, without which each answer of /api waits 40 ms (engine/api/server.py, `listen`).
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import webbrowser
from pathlib import Path

EVERYWHERE = ("0.0.0.0", "::")


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line. A wrong use is one line on standard error and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m explorer", description="Explore spaces of trained networks in the browser.")
    parser.error = lambda message: parser.exit(2, f"{message} (python -m explorer --help says more)\n")
    parser.add_argument("--port", type=int, default=8501, help="default 8501; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; the default is reached from this machine only")
    parser.add_argument("--workspace", type=Path, help="folder of your own artifacts (default: EXPLORER_WORKSPACE or ./workspace)")
    parser.add_argument("--read-only", action="store_true", help="show only: no jobs, no uploads, no writes")
    parser.add_argument("--open", action="store_true", help="open the browser, where there is a display")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted. Returns the exit code: 0, or 2 for a wrong use."""
    from engine.core import settings

    args = parse(argv)
    with settings.working_in(Path(args.workspace or settings.workspace()).resolve()), settings.only_showing(args.read_only):
        return serve(args)


def serve(args: argparse.Namespace) -> int:
    """Serve the workspace in use until interrupted. Returns the exit code."""
    from engine.api.server import listen
    from engine.core import settings
    from engine.core.errors import ExplorerError
    from engine.core.places import SHIPPED

    os.chdir(SHIPPED)  # where Streamlit looks for .streamlit/config.toml

    try:
        sock = listen(args.host, args.port)
    except ExplorerError as error:
        print(error, file=sys.stderr)
        return 2

    import uvicorn
    from streamlit import config

    from engine.api.guard import allowed_hosts, base_path
    from engine.api.wire import answer_headers, configuration
    from engine.jobs.backends import keeper, retire
    from explorer import services
    from explorer.app import create

    port = sock.getsockname()[1]
    named = [] if args.host in EVERYWHERE else [args.host]
    try:
        app, base = create(named), base_path()
        answer_headers()
    except ExplorerError as error:
        print(error, file=sys.stderr)
        return 2
    if not args.read_only:
        keeper(services.store())  # jobs that wait get a worker, dead workers are noticed; workers outlive this process
    config.set_option("server.port", port)
    config.set_option("server.address", args.host)
    config.set_option("server.allowedHosts", sorted(allowed_hosts(named)))

    shown = "127.0.0.1" if args.host in EVERYWHERE else f"[{args.host}]" if ":" in args.host else args.host
    url = f"http://{shown}:{port}{base and f'{base}/'}"
    print(f"The explorer is on {url} (workspace {settings.workspace()}). Ctrl+C stops it.", flush=True)
    if args.open and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    server = uvicorn.Server(configuration(app))  # made last: Streamlit sets levels of uvicorn's loggers
    try:
        server.run(sockets=[sock])
    except KeyboardInterrupt:
        pass
    finally:
        if not args.read_only:
            retire(services.store())
        services.close()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
