"""Landmarks from a file, and sections moved from the overview to the stage."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from service.diagnostics.calibration import read_numbers
from service.errors import InputError
from service.mapping.lists.files import read_list
from service.mapping.stage_fit import fit_stage_map
from service.mapping.stage_map import Model, Points, StageFit, StageMap
from service.mapping.values import Point, PointPair, Polygon, SectionList, Unit

COLUMNS = ("overview_x_px", "overview_y_px", "stage_x_um", "stage_y_um")


def read_landmarks(path: Path) -> tuple[PointPair, ...]:
    """Read landmarks: a CSV file with the columns of `COLUMNS` and optionally ``name``, or a section list.

    Raises
    ------
    InputError
        Raised when the file cannot be read, or a landmark of a section list has no stage position.
    """
    if path.suffix.lower() not in (".yaml", ".yml", ".json"):
        names, table = read_numbers(path, COLUMNS)
        return tuple(
            PointPair(name, (row[0], row[1]), (row[2], row[3]))
            for name, row in zip(names, table.tolist(), strict=True)
        )
    pairs = read_list(path).landmarks
    if not pairs:
        raise InputError(f"{path}: has no landmarks; it needs overview_px and stage_um of two or more")
    for pair in pairs:
        if pair.stage_um is None:
            raise InputError(f"{path}: landmark {pair.id} has no stage_um, its position on the stage")
    return pairs


def fit_landmarks(pairs: tuple[PointPair, ...], source: Path, model: Model | None = None) -> StageFit:
    """Fit the map from overview to stage; `source` names the file in errors.

    Raises
    ------
    InputError
        Raised when the landmarks determine no map.
    """
    try:
        return fit_stage_map(*positions_of(pairs), tuple(pair.id for pair in pairs), model)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def positions_of(pairs: tuple[PointPair, ...]) -> tuple[Points, Points]:
    """Return positions in the overview, px, and on the stage, um, (N, 2) each."""
    overview = np.array([pair.overview_px for pair in pairs], dtype=np.float64).reshape(-1, 2)
    stage = np.array([pair.stage_um for pair in pairs], dtype=np.float64).reshape(-1, 2)
    return overview, stage


def landmarks_document(pairs: tuple[PointPair, ...], fit: StageFit) -> dict[str, Any]:
    """Return the document of `ilemtrack sections landmarks --json`."""
    return {
        "v": 1,
        "model": fit.model,
        "um_per_px": fit.map.um_per_px,
        "rotation_deg": fit.map.rotated_deg(0.0),
        "matrix_um": np.column_stack([fit.map.linear, fit.map.shift_um]).tolist(),
        "rms_um": fit.rms_um,
        "leave_one_out_rms_um": fit.left_out_rms_um,
        "cautions": [str(one) for one in fit.cautions],
        "landmarks": [
            {
                "name": pair.id,
                "residual_um": residual.tolist(),
                "leave_one_out_um": float(left_out) if math.isfinite(left_out) else None,
                "wrong": n in fit.wrong,
            }
            for n, (pair, residual, left_out) in enumerate(
                zip(pairs, fit.residuals_um, fit.left_out_um, strict=True)
            )
        ],
    }


def on_stage(found: SectionList, stage_map: StageMap) -> SectionList:
    """Return a list in overview pixels as one in stage um; landmarks keep their positions."""

    def moved(points: Polygon) -> Polygon:
        return tuple((float(x), float(y)) for x, y in stage_map.to_stage(np.array(points).reshape(-1, 2)))

    def moved_point(point: Point) -> Point:
        return moved((point,))[0]

    sections = tuple(
        replace(
            one,
            center=moved_point(one.center),
            rotation_deg=None if one.rotation_deg is None else stage_map.rotated_deg(one.rotation_deg),
            outline=None if one.outline is None else moved(one.outline),
            regions=tuple(moved(region) for region in one.regions),
            focus_points=moved(one.focus_points),
            magnet=None if one.magnet is None else moved_point(one.magnet),
        )
        for one in found.sections
    )
    return replace(found, unit=Unit.UM, sections=sections)
