"""Signed distances: networks that are shapes."""
