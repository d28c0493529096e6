"""Manifests of format 1 name neither task nor type of config: both are read off the config's fields, as they were before format 2.

Frozen: format 1 is not written any more, so that nothing is ever added here.
"""

from __future__ import annotations

SHAPES = "distances"


def guess(manifest: dict) -> tuple[str, str]:
    """(task, config_type) of a format 1 manifest. The type is "" where no config made it: networks that were imported, sent, placed or
    kept."""
    kind, config = manifest.get("kind"), manifest.get("config")
    if not isinstance(config, dict):
        return "", ""
    if kind == "zoo":
        return of_zoo(config)
    if kind == "netspace":
        return of_space(config)
    if kind == "nern":
        return "images", "NernConfig"
    shapes = str(config.get("architecture", "")).startswith("siren")
    return SHAPES if shapes else "images", "NetworkConfig" if "weight_decay" in config else ""


def of_zoo(config: dict) -> tuple[str, str]:
    if "architectures" in config:
        return "images", "MultiZooConfig"
    return (SHAPES, "ShapeZooConfig") if "queries" in config else ("images", "ZooConfig")


def of_space(config: dict) -> tuple[str, str]:
    if "interpolation" in config:
        return "images", "MultiSpaceConfig"
    return (SHAPES, "ShapeSpaceConfig") if "queries" in config else ("images", "NetSpaceConfig")
