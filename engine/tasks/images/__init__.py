"""Classifiers: networks that answer images with classes."""
