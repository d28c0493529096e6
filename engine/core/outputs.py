"""Files that a person asks for by --output, --csv and --latex: where they cannot go is said before anything is computed."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import StorageError


def output_path(given: Path | str, option: str = "--output") -> Path:
    """The path of an output file, its folder there and writable. Raises StorageError, which names the option."""
    path = Path(given)
    try:
        folder = path.parent
        if "\0" in str(path):
            raise ValueError("its name holds a NUL")
        if not folder.is_dir():
            wrong = "is not a folder" if folder.exists() else "does not exist"
            raise StorageError(f"Cannot write {path}: the folder {folder} {wrong}. Make it first, or choose another {option}.")
        if path.is_dir():
            raise StorageError(f"Cannot write {path}: it is a folder. Name a file in it with {option}.")
        if not os.access(path if path.exists() else folder, os.W_OK):
            raise StorageError(
                f"Cannot write {path}: {'the file' if path.exists() else f'the folder {folder}'} is read-only. Choose another {option}."
            )
    except (OSError, ValueError) as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(
            f"Cannot write {str(path)[:200]} ({getattr(error, 'strerror', None) or error}). Choose another {option}."
        ) from error
    return path


def write_output(path: Path, data: bytes, option: str = "--output") -> None:
    """Write an output file, whole or not at all. Raises StorageError, which names the option."""
    from .artifacts import write_atomic

    write_atomic(path, data, f"Choose another {option}.")


def output_folder(given: Path | str, option: str = "--output") -> Path:
    """The path of an output folder, not there yet or empty, the folder around it there and writable. Raises StorageError."""
    path = Path(given)
    if path.is_dir() and not any(path.iterdir()):
        return path
    if path.exists():
        raise StorageError(f"Cannot write {path}: {'it is not empty' if path.is_dir() else 'it is a file'}. Choose another {option}.")
    output_path(path, option)
    return path


def write_folder(path: Path, files: dict[str, bytes], option: str = "--output") -> None:
    """Write a folder of files, whole or not at all. Raises StorageError, which names the option."""
    import tempfile

    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as temp:
            whole = Path(temp) / path.name
            whole.mkdir()
            for name, data in files.items():
                (whole / name).write_bytes(data)
            os.rename(whole, path)
    except OSError as error:
        raise StorageError(f"Cannot write {path} ({error.strerror}). Choose another {option}.") from error
