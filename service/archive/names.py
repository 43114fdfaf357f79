"""Names of images, and of what belongs to them."""

from pathlib import Path

_SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8", ".png", ".zarr", ".ome", ".zip", ".roi", ".json")
"""Suffixes that a name may lose; any other dot belongs to it, as in ``exp_1.5h``."""


def stem_of(path: Path | str) -> str:
    """Return the name of a file without suffixes of images, ROIs and truth: ``a`` of ``a.ome.tif.zip``.

    An image of an OME-Zarr collection has the name of this before its own: ``S0001_fm_F000``.
    """
    parts = Path(path).parts
    inside = next((n for n, part in enumerate(parts[:-1]) if part.lower().endswith(".zarr")), None)
    if inside is not None:
        return "_".join((_bare(parts[inside]), *parts[inside + 1 :]))
    return _bare(Path(path).name)


def _bare(name: str) -> str:
    while (suffix := Path(name).suffix).lower() in _SUFFIXES:
        name = name[: -len(suffix)]
    return name
