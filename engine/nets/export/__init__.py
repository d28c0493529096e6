"""A network to use elsewhere, in any of several formats: what its safetensors file holds, written for other programs. Imports no torch."""

from __future__ import annotations

import io
import zipfile

from . import formats


def files(data: bytes, form: str) -> dict[str, bytes]:
    """The files of a network in a format: name -> content. `data`: its safetensors file. Raises InvalidValue."""
    from .outgoing import of_safetensors

    return formats.of(form).files(of_safetensors(data))


def one_file(data: bytes, form: str) -> tuple[str, bytes]:
    """(suffix, content) of a network in a format as one file: a folder is zipped. Raises InvalidValue."""
    written = files(data, form)
    if suffix := formats.of(form).SUFFIX:
        (content,) = written.values()
        return suffix, content
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in written.items():
            archive.writestr(name, content)
    return ".zip", packed.getvalue()
