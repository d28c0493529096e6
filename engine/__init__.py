"""The engine: trains and hosts spaces of trained networks. Knows nothing of Streamlit."""
