"""The live socket's ops about NeRNs. What answers them is imported by the first question: numba takes a second, and most
pages ask none."""

from __future__ import annotations

NAMES = ("nern", "nern_kernels", "nern_importance", "nern_smoothness", "nern_orders", "nern_embedding")


def op(name: str):
    """The function of an op of that name."""

    def answer(host, question: dict):
        from .answers import OPS

        return OPS[name](host, question)

    return answer


OPS = {name: op(name) for name in NAMES}
