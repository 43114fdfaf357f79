"""Import list for TrakEM2 (Import > Import from text file).

Its rules, as in the method `importImages` of TrakEM2's `Loader.java`: columns path, x, y and z, separated by
tabs; all behind a ``#`` is a comment, also within a path; backslashes become slashes; it asks for the folder
of relative paths. Coordinates are those of the corner of the first pixel, px, with y downwards; size and kind
of the pixels it finds in the header of the file.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from service.export.contents import ElectronImage, SectionContents
from service.export.places import image_affine

_NOT_IN_PATHS = "#\\\t\n\r"


def import_list(sections: Sequence[SectionContents], pixel_size_m: float, folder: Path) -> str:
    """Return the list of all electron images with a pixel size.

    Parameters
    ----------
    sections : sequence of SectionContents
        Each is a layer; z counts from 0 in the order of cutting. The corner of the ground of each is at
        (0, 0): sections lie millimetres apart on the stage, but on top of each other in the specimen.
    pixel_size_m : float
    folder : Path
        Of the run. Paths are absolute unless TrakEM2 could not read that.
    """
    absolute = not set(_NOT_IN_PATHS).intersection(str(folder)) and str(folder) == str(folder).strip()
    lines = [
        "# TrakEM2: Import > Import from text file, separator tab, layer thickness 1, calibration 1",
        f"# pixels of {pixel_size_m * 1e9:.6g} nm",
    ]
    if not absolute:
        lines.append("# TrakEM2 asks for the folder of the images: choose that of the run")
    for section in sections:
        images = [one for one in section.images if one.job.pixel_size_m == pixel_size_m]
        if not images:
            continue
        corners = np.array([_corner_um(one) for one in images]) / (pixel_size_m * 1e6)
        for image, (x, y) in zip(images, (corners - corners.min(axis=0)).round(3).tolist(), strict=True):
            path = image.file if absolute else image.file.relative_to(folder)
            lines.append(f"{path.as_posix()}\t{x}\t{y}\t{section.section.index}")
    return "\n".join([*lines, ""])


def _corner_um(image: ElectronImage) -> tuple[float, float]:
    return image_affine(image.center_m, image.job.size_px, image.job.pixel_size_m).offset_um
