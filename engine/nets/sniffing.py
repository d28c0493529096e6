"""What a file of weights is, told from its first bytes rather than from its name. Imports no torch."""

from __future__ import annotations

import string
import zipfile
from pathlib import Path

from ..core.errors import InvalidValue

SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".th", ".tar", ".npz")  # as such files are named; none is refused for its name
AGAIN = "Give a .safetensors file, or a .pt file that holds a state dict: torch.save(model.state_dict(), path)."
HEAD = 4096  # bytes
HEADER_LIMIT = 100 << 20  # of a safetensors file, in bytes; the format's own
TORCH_LEGACY = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"  # torch's magic number, pickled: files of torch before 1.6
PRINTABLE = frozenset(string.printable.encode()) | frozenset(range(0x80, 0x100))

# first bytes -> what it is, and what to do
KNOWN = {
    b"version https://git-lfs": ("a Git LFS pointer, not the file itself", "Fetch it: git lfs pull."),
    b"\x89HDF": ("an HDF5 file (Keras, perhaps)", AGAIN),
    b"\x93NUMPY": ("a single NumPy array without names", "Save the arrays by their names: numpy.savez(path, **arrays)."),
    b"\x1f\x8b": ("compressed with gzip", "Unpack it first: gunzip."),
    b"BZh": ("compressed with bzip2", "Unpack it first: bunzip2."),
    b"\xfd7zXZ": ("compressed with xz", "Unpack it first: unxz."),
    b"\x28\xb5\x2f\xfd": ("compressed with Zstandard", "Unpack it first: unzstd."),
    b"7z\xbc\xaf": ("a 7z archive", "Unpack it first."),
    b"Rar!": ("a RAR archive", "Unpack it first."),
    b"GGUF": ("a GGUF file (llama.cpp)", AGAIN),
    b"%PDF": ("a PDF", AGAIN),
    b"\x89PNG": ("a PNG picture", AGAIN),
    b"\xff\xd8\xff": ("a JPEG picture", AGAIN),
}
WEB = (b"<!doctype html", b"<html", b"<?xml", b"<head", b"<!--")


def form_of_file(path: Path, name: str = "") -> str:
    """"safetensors", "torch" or "npz". Raises InvalidValue that says what it is instead, and what to do. `name`: what to call it."""
    name = name or path.name
    with open(path, "rb") as file:
        head = file.read(HEAD)
    if not head:
        raise InvalidValue(f"{name} is an empty file, not a checkpoint. Download or save it again.")
    for start, (what, remedy) in KNOWN.items():
        if head.startswith(start):
            raise InvalidValue(f"{name} is {what}. {remedy}")
    if head.lstrip().lower().startswith(WEB):
        raise InvalidValue(f"{name} is a web page that was saved under this name. Download the file itself, by its link to the raw file.")
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return form_of_zip(path, name)
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        if TORCH_LEGACY in head[:64]:
            return "torch"
        raise InvalidValue(f"{name} is a plain Python pickle, which could run code and is not read. {AGAIN}")
    if head[257:262] == b"ustar":
        raise InvalidValue(f"{name} is a tar archive. Unpack it first.")
    if len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= HEADER_LIMIT:
        return "safetensors"
    if b'"weight_map"' in head and head.lstrip().startswith(b"{"):
        raise InvalidValue(f"{name} is the index of a checkpoint in several files. Merge them into one first.")
    if all(byte in PRINTABLE for byte in head):
        raise InvalidValue(f"{name} is a text file, not a checkpoint. {AGAIN}")
    raise InvalidValue(f"{name} is not a checkpoint in a known format, or it is damaged. {AGAIN}")


def form_of_zip(path: Path, name: str) -> str:
    """"torch" or "npz", from what a zip holds. Raises InvalidValue."""
    try:
        with zipfile.ZipFile(path) as file:
            members = file.namelist()
    except Exception as error:  # a stranger's bytes: whatever a parser says of them, the table of contents is not there
        raise InvalidValue(
            f"{name} is cut off or damaged: a checkpoint in a zip without its table of contents. Download or save it again."
        ) from error
    ends = {member.rpartition("/")[2] for member in members}
    if "constants.pkl" in ends and any("/code/" in member for member in members):
        raise InvalidValue(
            f"{name} is a TorchScript file: a program. Save its weights alone: torch.save(torch.jit.load(path).state_dict(), other_path)."
        )
    if "archive_format" in ends or "serialized_exported_program.json" in ends:
        raise InvalidValue(
            f"{name} is an exported program (torch.export). Add it with its weights: python -m engine architecture add {name}."
        )
    if "data.pkl" in ends:
        return "torch"
    if members and all(member.endswith(".npy") for member in members):
        return "npz"
    if "config.json" in ends and any(member.endswith(".h5") for member in members):
        raise InvalidValue(f"{name} is a Keras file. {AGAIN}")
    held = ", ".join(member[-40:] for member in members[:3]) or "nothing"
    raise InvalidValue(f"{name} is a zip, but not one of torch's: it holds {held}. Unpack it first.")
