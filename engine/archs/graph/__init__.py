"""Architectures as data: a network's forward pass as a JSON graph over an allow-list of ATen operations."""
