"""Spaces of several architectures (paper, III "Multi-Architecture Setting"). Importing this needs no torch."""
