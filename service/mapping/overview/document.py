"""Sections found in an overview, as the document of `ilemtrack map` and as a section list."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from detection.overview.common_shape.shape import shape_of
from detection.overview.settings import ShapeSettings
from detection.overview.values import Found, Outline, Shape
from service import wording_mapping
from service.errors import InputError
from service.mapping.values import MappedSection, PointPair, SectionList, Unit, rotation_of


def document_of(name: str, size_px: tuple[int, int], found: Found) -> dict[str, Any]:
    """Return the document of `ilemtrack map --json`; positions in pixels of the overview."""
    shape = found.shape
    return {
        "v": 1,
        "overview": name,
        "size_px": list(size_px),
        "sections": [
            {"id": section_id(number), **_entry(one)} for number, one in enumerate(found.sections, start=1)
        ],
        "doubtful": [
            {
                "id": f"D{number:04d}",
                **_entry(one),
                "reason": str(one.doubt),
                "says": wording_mapping.outline_doubt_says(one.doubt),
            }
            for number, one in enumerate(found.doubtful, start=1)
            if one.doubt is not None
        ],
        "shape": shape
        and {
            "polygon_px": _rounded(shape.corners_px),
            "symmetry_deg": shape.symmetry_deg,
            "examples": shape.examples,
            "doubt": found.shape_doubt
            and {
                "reason": str(found.shape_doubt),
                "says": wording_mapping.shape_doubt_says(found.shape_doubt),
            },
        },
    }


def list_of(found: Found, landmarks: tuple[PointPair, ...] = ()) -> SectionList:
    """Return the sections as a section list in pixels of the overview, in no order of cutting."""
    sections = tuple(
        MappedSection(section_id(number), one.center_px, rotation_of(one.angle_deg), one.corners_px)
        for number, one in enumerate(found.sections, start=1)
    )
    return SectionList(Unit.PX, sections, landmarks=landmarks)


def shape_from(outlines: SectionList, source: str) -> Shape:
    """Return the shape of sections that a person outlined in the overview.

    Raises
    ------
    InputError
        Raised when they are no quadrilaterals in pixels of the overview.
    """
    if outlines.unit is not Unit.PX:
        raise InputError(f"{source}: has stage positions; outline sections in pixels of the overview")
    corners = []
    for one in outlines.sections:
        if one.outline is None or len(one.outline) != 4:
            raise InputError(f"{source}: section {one.id} needs an outline of four corners")
        corners.append(np.array(one.outline, dtype=np.float64))
    if not corners:
        raise InputError(f"{source}: has no outline")
    return shape_of(corners, ShapeSettings())


def section_id(number: int) -> str:
    """Return the id of a section: S0001 for the first."""
    return f"S{number:04d}"


def _entry(one: Outline) -> dict[str, Any]:
    return {
        "polygon_px": _rounded(one.corners_px),
        "center_px": [round(value, 2) for value in one.center_px],
        "angle_deg": round(one.angle_deg, 2),
        "confidence": round(one.confidence, 3),
    }


def _rounded(points: Sequence[tuple[float, float]]) -> list[list[float]]:
    return [[round(x, 2), round(y, 2)] for x, y in points]
