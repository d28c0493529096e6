"""The engine trains, measures and hosts spaces of trained networks. It knows nothing of Streamlit, and importing it needs no torch.

    import engine

    space = engine.open("netspace-digits")
    z = space.embed("mine.safetensors", invert=100)                                               # [E]
    net = space.at("digits-lenetlike-0475", "digits-lenetlike-0004", gamma=0.6)                   # torch.nn.Module
    space.accuracy(net)                                                                           # value, low, high, n
    space.optimise(z, steps=200), space.nearest(z)
    engine.train("zoo-digits", seed=1), engine.list()
"""

from .core.version import VERSION as __version__
from .library import Neighbour, Nern, Opened, Optimised, Placement, Quality, Space, list, open, train

__all__ = ["Neighbour", "Nern", "Opened", "Optimised", "Placement", "Quality", "Space", "__version__", "list", "open", "train"]
