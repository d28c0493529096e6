"""Small archives of the same form as the official ones, and a server of files on loopback that can cut a download off."""

from __future__ import annotations

import contextlib
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def picture(seed: int, size: tuple[int, int] = (32, 32), mode: str = "RGB") -> Image.Image:
    """A smooth random image, which JPEG keeps well enough to know it again."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4) if mode == "L" else (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(small, mode).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    data = io.BytesIO()
    image.save(data, kind)
    return data.getvalue()


def tar(path: Path, files: dict[str, bytes], extra: tuple[tarfile.TarInfo, ...] = ()) -> Path:
    """A tar archive, compressed as its name says."""
    with tarfile.open(path, f"w:{path.suffix[1:] if path.suffix != '.tar' else ''}") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for entry in extra:
            archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return path


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def cifar10(path: Path, per_batch: int = 20) -> tuple[Path, np.ndarray, np.ndarray]:
    """cifar-10-binary.tar.gz with fewer records: (path, uint8 [B, 3, 32, 32] and labels [B] of batches 1 to 5 and test)."""
    random = np.random.default_rng(0)
    labels_B = np.tile(np.arange(10), 6 * per_batch // 10).astype(np.uint8)
    images_BCHW = random.integers(0, 256, (len(labels_B), 3, 32, 32), dtype=np.uint8)
    records = np.concatenate([labels_B[:, None], images_BCHW.reshape(len(labels_B), -1)], 1)
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    files = {f"cifar-10-batches-bin/{name}": part.tobytes() for name, part in zip(names, records.reshape(6, per_batch, -1))}
    files["cifar-10-batches-bin/batches.meta.txt"] = ("\n".join(CIFAR10) + "\n\n").encode()
    return tar(path, files), images_BCHW, labels_B


def image_tree(
    per_class: int = 5, classes: tuple[str, ...] = CIFAR10, splits: tuple[str, ...] = ("train", "test"), kind: str = "JPEG"
) -> dict[str, bytes]:
    """split/class/NNNN.jpg"""
    ending = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}[kind]
    return {
        f"{split}/{name}/{number:04d}.{ending}": encoded(picture(hash_of(split, name, number)), kind)
        for split in splits
        for name in classes
        for number in range(per_class)
    }


def hash_of(*parts) -> int:
    return int(hashlib.sha256(repr(parts).encode()).hexdigest()[:8], 16)


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


class Files:
    """What a server gives: path -> bytes; `cuts` are after how many bytes its next answers break off; `asked` what came."""

    def __init__(self, files: dict[str, bytes], ranges: bool = True):
        self.files, self.ranges, self.cuts, self.asked, self.url = files, ranges, [], [], ""


@contextlib.contextmanager
def file_server(files: dict[str, bytes], ranges: bool = True) -> Iterator[Files]:
    """Serve files on loopback while the block runs; with `ranges` it answers from the middle, as web servers do."""
    state = Files(files, ranges)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers.get("Range")))
            data = state.files.get(self.path)
            if data is None:
                return self.send_error(404)
            first = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if state.ranges else 0
            if first >= len(data):
                return self.send_error(416)
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(data) - first))
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
            self.end_headers()
            cut = state.cuts.pop(0) if state.cuts else len(data)
            self.wfile.write(data[first : first + cut])
            self.close_connection = True

        def log_message(self, *arguments) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
