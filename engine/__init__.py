"""The engine: trains and hosts spaces of trained networks. Knows nothing of Streamlit."""

__version__ = "0.1.0"
