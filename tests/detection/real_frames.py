"""Three real frames beside the checkout: boxes of the authors' program, and cells marked by eye."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from detection.image.boxes import BoxPx

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "irf"
PIXEL_SIZE_UM = 0.17778
NAMES = ("fl01", "fl02", "fl03")

needed = pytest.mark.skipif(not FOLDER.is_dir(), reason="the real frames are not here")


def pixels(name: str) -> NDArray[np.uint16]:
    return np.asarray(tifffile.imread(FOLDER / f"{name}_rollball_clahe.ome.tiff"), dtype=np.uint16)


def authors_boxes(sigma_px: int, name: str) -> list[BoxPx]:
    return _boxes(_read("authors_program_boxes.json")["boxes"][f"sigma_{sigma_px}"][name])


def marked(kind: str, name: str) -> list[BoxPx]:
    return _boxes(_read("marked_by_eye.json")["frames"][name][kind])


def _read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def _boxes(rows: list[list[int]]) -> list[BoxPx]:
    return [BoxPx(*row) for row in rows]
