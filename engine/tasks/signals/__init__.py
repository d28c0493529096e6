"""Signals: networks that are images."""
