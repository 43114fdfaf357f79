"""Choices of settings that the command line offers too; loads no model of the configuration."""

from typing import Literal

Denoising = Literal["none", "nl-means", "bm3d"]
"""Noise filters before the paper's detector; BM3D must be installed by choice, for its licence."""
