"""Names of images, and of what belongs to them."""

from pathlib import Path

_SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8", ".png", ".ome", ".zip", ".roi", ".json")
"""Suffixes that a name may lose; any other dot belongs to it, as in ``exp_1.5h``."""


def stem_of(path: Path | str) -> str:
    """Return the name of a file without suffixes of images, ROIs and truth: ``a`` of ``a.ome.tif.zip``."""
    name = Path(path).name
    while (suffix := Path(name).suffix).lower() in _SUFFIXES:
        name = name[: -len(suffix)]
    return name
