"""FM to SEM calibration from a file of point pairs: reading, fit, figure, and YAML for a profile."""

import csv
import datetime
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pydantic import ValidationError

from config.documents.plain import plain
from config.instrument import CalibrationConfig
from drivers.calibration import CalibrationFit, fit_calibration
from drivers.errors import CalibrationError
from service.errors import InputError
from service.input_files import read_text
from service.pictures.figures import save_figure

COLUMNS = ("fm_x_um", "fm_y_um", "sem_x_um", "sem_y_um")
LEAST_SPAN_UM = 30.0
"""Least extent of the points: closer ones hardly define scale and rotation, and values in mm for a stage of
30 mm are as small. Chosen by hand."""
_MOST_BYTES = 10_000_000
_MOST_PAIRS = 10_000


@dataclass(frozen=True, slots=True)
class PointPairs:
    """Positions of the same points in fluorescence and in the SEM.

    Attributes
    ----------
    names : tuple of str
        Column ``name``, else ``row 2``, ... as in a spreadsheet.
    fm_m, sem_m : (N, 2) array
        Stage positions, m.
    """

    names: tuple[str, ...]
    fm_m: NDArray[np.float64]
    sem_m: NDArray[np.float64]


def read_pairs(path: Path) -> PointPairs:
    """Read a CSV file with the columns of `COLUMNS`, in um, and optionally ``name``.

    Raises
    ------
    InputError
        Raised when the file cannot be read or is invalid; one sentence that says what and where.
    """
    names, table = read_numbers(path, COLUMNS)
    return PointPairs(names, table[:, :2] * 1e-6, table[:, 2:] * 1e-6)


def read_numbers(path: Path, columns: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Read columns of numbers from a CSV file, and its column ``name``, which may be missing.

    Returns
    -------
    names : tuple of str
        Column ``name``, else ``row 2``, ... as in a spreadsheet.
    table : (N, columns) array

    Raises
    ------
    InputError
        Raised when the file cannot be read or is invalid; one sentence that says what and where.
    """
    text = read_text(path, _MOST_BYTES)
    # Spreadsheets write semicolons in many countries, and some programs write tabs.
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    header = [name.strip() for name in rows.fieldnames or ()]
    missing = [name for name in columns if name not in header]
    if missing:
        raise InputError(f"{path}: has no column {missing[0]}; its first line must name {', '.join(columns)}")
    rows.fieldnames = header
    names, numbers = [], []
    try:
        for row in rows:
            if not any(str(value or "").strip() for value in row.values()):
                continue
            numbers.append([_number(path, rows.line_num, column, row[column]) for column in columns])
            names.append((row.get("name") or "").strip() or f"row {rows.line_num}")
            if len(names) > _MOST_PAIRS:
                raise InputError(f"{path}: has more than {_MOST_PAIRS} pairs")
    except csv.Error as error:
        raise InputError(f"{path}: line {rows.line_num} is no CSV: {error}") from None
    return tuple(names), np.array(numbers, dtype=np.float64).reshape(-1, len(columns))


def calibrate(path: Path, measured_on: datetime.date) -> tuple[PointPairs, CalibrationFit, CalibrationConfig]:
    """Fit the calibration of a file of point pairs.

    Raises
    ------
    InputError
        Raised when the file cannot be read, or its points define no plausible calibration.
    """
    pairs = read_pairs(path)
    try:
        fit = fit_calibration(pairs.fm_m, pairs.sem_m)
    except CalibrationError as error:
        raise InputError(f"{path}: {error}") from None
    found = fit.calibration
    try:
        config = CalibrationConfig(
            shift_um=(round(found.shift_m[0] * 1e6, 4), round(found.shift_m[1] * 1e6, 4)),
            rotation_mrad=round(found.rotation_rad * 1e3, 5),
            scale=round(found.scale, 8),
            shear=round(found.shear, 8),
            measured_on=measured_on,
            rms_um=round(fit.rms_m * 1e6, 4),
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "calibration"
        raise InputError(
            f"{path}: its points give {where} = {first['input']}, which cannot be a calibration"
            f" ({plain(first)}); are the units um, and the columns in their places?"
        ) from None
    span_um = float(np.ptp(pairs.fm_m, axis=0).max()) * 1e6
    if span_um < LEAST_SPAN_UM:
        raise InputError(
            f"{path}: its points lie within {span_um:.3g} um of each other, and must span {LEAST_SPAN_UM:g}"
            " um at least, better the whole array; are the units um?"
        )
    return pairs, fit, config


def calibration_document(pairs: PointPairs, fit: CalibrationFit, config: CalibrationConfig) -> dict[str, Any]:
    """Return the document of `ilemtrack calibrate --json`."""
    lengths = np.hypot(*fit.residuals_m.T)
    return {
        "v": 1,
        "calibration": config.model_dump(mode="json"),
        "pairs": len(pairs.names),
        "rms_um": fit.rms_m * 1e6,
        "worst_um": float(lengths.max()) * 1e6,
        "standard_error_um": None if fit.standard_error_m is None else fit.standard_error_m * 1e6,
        "shear_fitted": fit.with_shear,
        "points": [
            {
                "name": name,
                "residual_um": (residual * 1e6).tolist(),
                "outlier": index in fit.outliers,
            }
            for index, (name, residual) in enumerate(zip(pairs.names, fit.residuals_m, strict=True))
        ],
    }


def calibration_yaml(config: CalibrationConfig) -> str:
    """Return the lines for a profile."""
    return yaml.safe_dump({"calibration": config.model_dump(mode="json")}, sort_keys=False)


def draw_calibration(path: Path, pairs: PointPairs, fit: CalibrationFit) -> None:
    """Draw the points with their residuals enlarged, and the length of each residual.

    Raises
    ------
    InputError
        Raised when the file cannot be written.
    """
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    at_um, off_um = pairs.fm_m * 1e6, fit.residuals_m * 1e6
    lengths = np.hypot(*off_um.T)
    colours = ["#d1495b" if n in fit.outliers else "#0b3c5d" for n in range(len(at_um))]
    enlarged = _enlargement(at_um, lengths)
    left.quiver(
        *at_um.T, *(off_um * enlarged).T, angles="xy", scale_units="xy", scale=1, color=colours, width=0.004
    )
    left.scatter(*at_um.T, c=colours, s=18, zorder=3)
    for name, at in zip(pairs.names, at_um, strict=True):
        left.annotate(name, at, xytext=(4, 4), textcoords="offset points", fontsize=7, color="#5a6473")
    left.set(xlabel="stage x, um", ylabel="stage y, um", aspect="equal")
    left.set_title(f"Residuals of the fit (arrows enlarged {enlarged:,.0f} x)")
    left.margins(0.15)
    order = np.argsort(lengths)
    right.barh([pairs.names[n] for n in order], lengths[order] * 1e3, color=[colours[n] for n in order])
    right.set(xlabel="residual, nm")
    right.set_title(f"rms {fit.rms_m * 1e9:.0f} nm over {len(lengths)} pairs")
    right.tick_params(axis="y", labelsize=7 if len(lengths) < 40 else 4)
    save_figure(figure, path)


def _enlargement(at_um: NDArray[np.float64], lengths_um: NDArray[np.float64]) -> float:
    """Return the magnification of the arrows: the longest becomes a tenth of the figure."""
    longest = float(lengths_um.max())
    if longest <= 0:
        return 1.0
    whole = float(np.ptp(at_um, axis=0).max()) * 0.1 / longest
    decade = 10.0 ** math.floor(math.log10(whole))
    return max(1.0, *(step * decade for step in (1, 2, 5) if step * decade <= whole))


def _number(path: Path, line: int, column: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{path}: line {line}: {column} must be a number, not {text!r}")
    return value
