"""Our own equivalent of the steps in which importers for render-ws read a tile.

Those of `scripted-render-pipeline` (`importer/clem_mipmapper.py`, with `import_tforms`) and of
`iCAT-workflow` (`icatapi/importo.py`) as of November 2026: which names they look for, which elements they
demand, where they lay the pixels, and what they refuse.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import tifffile
from numpy.typing import NDArray

_OME = {"": "http://www.openmicroscopy.org/Schemas/OME/2012-06"}
_TILE = re.compile(r"tile-(\d{5})x(\d{5})")
_STACKS = {"CLEM-grid": "EM_lomag", "EM-grid": "EM_himag"}


@dataclass(frozen=True)
class ImportedTile:
    stack: str
    section: str
    z: int
    column: int
    row: int
    taken_at: datetime
    camera: str
    pixel_size_um: float
    matrix: NDArray[np.float64]
    """From column, row and 1 to units of one pixel, y downwards."""
    pixels: NDArray[Any]

    def at_um(self, column: float, row: float) -> tuple[float, float]:
        x, y = (self.matrix @ (column, row, 1)) * self.pixel_size_um
        return float(x), float(y)


def import_project(project: Path) -> list[ImportedTile]:
    """Read a project as the importer does; raises where it does."""
    folders = sorted(project.glob("S[0-9][0-9][0-9]"))
    assert folders, "no sections"
    first = int(re.sub("[^0-9]", "", folders[0].stem))
    tiles: list[ImportedTile] = []
    times: set[tuple[str, int, datetime]] = set()
    sizes: dict[str, float] = {}
    for folder in folders:
        z = int(re.sub("[^0-9]", "", folder.stem)) - first
        for grid in _STACKS:
            for path in folder.glob(grid + "/tile-" + "[0-9]" * 5 + "x" + "[0-9]" * 5 + ".tif"):
                for tile in _import_tile(path, folder.name, z, grid):
                    key = tile.stack, tile.z, tile.taken_at
                    assert key not in times, f"two tiles of {key}"
                    times.add(key)
                    assert sizes.setdefault(tile.stack, tile.pixel_size_um) == tile.pixel_size_um, path
                    tiles.append(tile)
    return tiles


def _import_tile(path: Path, section: str, z: int, grid: str) -> Iterator[ImportedTile]:
    match = _TILE.fullmatch(path.stem)
    assert match is not None
    with tifffile.TiffFile(path) as tiff:
        root = ET.fromstring(tiff.pages[0].description)  # type: ignore[union-attr]
        images = {one.attrib["Name"]: one for one in root.findall("Image", _OME)}
        instrument = _one(root, "Instrument")
        detectors = {
            one.attrib["ID"].split(":")[1]: one.attrib["Model"]
            for one in instrument.findall("Detector", _OME)
        }
        for page in tiff.pages:
            channel = page.tags["PageName"].value  # type: ignore[union-attr]
            image = images[channel]
            pixels = _one(image, "Pixels")
            size = tuple(int(pixels.attrib[f"Size{axis}"]) for axis in "XY")
            assert size == (page.tags["ImageWidth"].value, page.tags["ImageLength"].value)  # type: ignore[union-attr]
            if channel == "Secondary electrons":
                stack = _STACKS[grid]
            else:
                assert channel.startswith("Filtered colour ")
                assert grid == "CLEM-grid"
                stack = f"exc_{_one(pixels, 'Channel').attrib['ExcitationWavelength']}nm"
            objective = _one(image, "ObjectiveSettings").attrib["ID"].split(":")[1]
            x_size, y_size = (float(pixels.attrib[f"PhysicalSize{axis}"]) for axis in "XY")
            plane = _one(pixels, "Plane").attrib
            x_um, y_um = float(plane["PositionX"]) * 1e6, -float(plane["PositionY"]) * 1e6
            matrix = np.eye(3)
            transform = image.find("Transform", _OME)
            if transform is not None:
                rows = [[float(transform.attrib[f"A{i}{j}"]) for j in range(3)] for i in range(2)]
                matrix = np.array([*rows, [0, 0, 1]])
            stretch = np.diag([1, y_size / x_size, 1])
            move = np.array([[1, 0, x_um / x_size], [0, 1, y_um / x_size], [0, 0, 1]])
            yield ImportedTile(
                stack,
                section,
                z,
                int(match[1]),
                int(match[2]),
                datetime.fromisoformat(_one(image, "AcquisitionDate").text or ""),
                detectors[objective],
                x_size,
                (move @ stretch @ matrix)[:2],
                page.asarray(),
            )


def _one(element: ET.Element, tag: str) -> ET.Element:
    found = element.find(tag, _OME)
    assert found is not None, tag
    return found
