"""Zoos: many trained instances."""
