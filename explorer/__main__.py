"""`python -m explorer` starts the app on http://127.0.0.1:8501, with the engine's routes beside it.

Runs uvicorn itself instead of `streamlit run`, for two reasons: a used port is an error, not a silent next port, and the
listening socket is opened as IPPROTO_TCP, which is what makes asyncio set TCP_NODELAY on every connection (without it
each answer of /api waits 40 ms for the other side's acknowledgement).
"""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sys
import threading
import webbrowser
from pathlib import Path

from engine.errors import ExplorerError, InvalidValue, PortInUse

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line. A wrong use is one line on standard error and exit code 2 (argparse's own)."""
    parser = argparse.ArgumentParser(prog="python -m explorer", description="Explore spaces of trained networks in the browser.")
    parser.add_argument("--port", type=int, default=8501, help="default 8501; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; the default is reached from this machine only")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a further name people reach this server by (may be repeated)")
    parser.add_argument("--workspace", type=Path, help="folder of your own artifacts (default: EXPLORER_WORKSPACE or ./workspace)")
    parser.add_argument("--open", action="store_true", help="open the browser, where there is a display")
    return parser.parse_args(argv)


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises PortInUse or InvalidValue, each with a remedy."""
    if not 0 <= port <= 65535:
        raise InvalidValue(f"Port {port} is out of range. Use one between 1024 and 65535: --port 8502.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(512)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"Port {port} is in use: stop what runs there, or choose another with --port {port + 1 if port < 65535 else 8501}.") from error
        if error.errno == errno.EACCES:
            raise InvalidValue(f"Port {port} needs rights this user has not. Use one above 1023: --port 8501.") from error
        raise InvalidValue(f"Cannot listen on {host!r} ({error.strerror or error}). Use --host 127.0.0.1.") from error
    return sock


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted. Returns the exit code: 0, or 2 for a wrong use."""
    args = parse(argv)
    try:
        sock = listen(args.host, args.port)
    except ExplorerError as error:
        print(error, file=sys.stderr)
        return 2
    workspace = Path(args.workspace or os.environ.get("EXPLORER_WORKSPACE") or "workspace").resolve()
    os.environ["EXPLORER_WORKSPACE"] = str(workspace)
    os.chdir(ROOT)  # where Streamlit looks for .streamlit/config.toml

    import uvicorn
    from streamlit import config

    port = sock.getsockname()[1]
    hosts = [*LOOPBACK, *args.allow_host, *({args.host} - {"0.0.0.0", "::", *LOOPBACK})]
    from explorer.app import create

    app = create(hosts)
    config.set_option("server.port", port)
    config.set_option("server.address", args.host)
    config.set_option("server.allowedHosts", hosts)

    shown = f"[{args.host}]" if ":" in args.host else args.host
    url = f"http://{'127.0.0.1' if args.host in ('0.0.0.0', '::') else shown}:{port}"
    print(f"The explorer is on {url} (workspace {workspace}). Ctrl+C stops it.", flush=True)
    if args.open and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    server = uvicorn.Server(uvicorn.Config(app, ws="websockets-sansio", log_level="warning", access_log=False, timeout_graceful_shutdown=3))
    try:
        server.run(sockets=[sock])
    except KeyboardInterrupt:
        pass
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
