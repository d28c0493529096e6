"""A reverse proxy as people put them in front: it serves an upstream below a prefix, over HTTP and WebSocket, on loopback.

It rewrites nothing of what comes back (no Location, no links), as JupyterHub's does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 60  # seconds


@dataclass
class Proxy:
    """`strips`: whether it takes the prefix off what it passes on; `keeps_host`: whether the upstream sees the public name, or its
    own address; `outside`: paths that were asked for beside the prefix."""

    upstream: int
    prefix: str = ""
    strips: bool = True
    keeps_host: bool = True
    certificate: Path | None = None
    port: int = 0
    outside: list[str] = field(default_factory=list)

    @property
    def scheme(self) -> str:
        return "https" if self.certificate else "http"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of one connection: head rewritten, the rest piped."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, rest = head.split(b" ", 2)
            _, *lines = rest.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
            path = target.decode()
            if not path.startswith(f"{self.prefix}/"):
                self.outside.append(path)
                writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                return
            path = path[len(self.prefix) :] if self.strips else path
            headers = [line.split(": ", 1) for line in lines]
            switches = any(name.lower() == "upgrade" for name, _ in headers)
            dropped = {"connection"} if not switches else set()
            dropped |= set() if self.keeps_host else {"host"}
            headers = [(name, value) for name, value in headers if name.lower() not in dropped]
            headers += [] if switches else [("Connection", "close")]
            headers += [] if self.keeps_host else [("Host", f"127.0.0.1:{self.upstream}")]
            headers += [("X-Forwarded-Proto", self.scheme)]
            there, back = await asyncio.open_connection("127.0.0.1", self.upstream)
            lines = [f"{method.decode()} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
            back.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
            forth = asyncio.create_task(pipe(reader, back))
            await pipe(there, writer)
            forth.cancel()
            back.close()
        except (OSError, asyncio.IncompleteReadError):  # either side went away
            pass
        finally:
            writer.close()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


@contextlib.contextmanager
def proxying(proxy: Proxy) -> Iterator[Proxy]:
    """Run a proxy on a free port of 127.0.0.1, in a thread of its own."""
    loop, started, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def run() -> None:
        context = None
        if proxy.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(proxy.certificate)
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=context)
        proxy.port = server.sockets[0].getsockname()[1]
        started.set()
        await ended.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(PATIENCE), "the proxy did not start"
    yield proxy
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    loop.close()


def certificate(folder: Path, name: str) -> Path | None:
    """A self-signed certificate with its key; None where there is no openssl to make one."""
    if shutil.which("openssl") is None:
        return None
    path = folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run([*command, "-subj", f"/CN={name}", "-keyout", path, "-out", path.with_suffix(".crt")], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path
