"""Choices that the command line offers too; loads no model of the configuration."""

from importlib.resources import files
from typing import Literal

DEFAULT_PROFILE = "simulator"

Denoising = Literal["none", "nl-means", "bm3d"]
"""Noise filters for the paper's detector; BM3D is not installed by default, because of its licence."""


def profile_names() -> tuple[str, ...]:
    """Return the names of the built-in profiles."""
    folder = files("config") / "profiles"
    return tuple(sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml")))
