"""Synthetic sections with their truth: as in the paper, and from the simulated microscope."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from config.light.fluorescence import FluorescenceConfig
from config.model import Config
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from drivers.fluorescence import FmSettings
from drivers.pose import Pose, to_pixels
from service.errors import InputError
from service.evaluation.fiji_writing import write_outlines
from service.evaluation.truth import TRUTH_NAME
from service.session.layout import sections_and_fields
from simulators.clock import FastClock
from simulators.microscope import SimulatedMicroscope
from simulators.specimen.fluorophores import Pattern
from simulators.specimen.paper.specimen import SMALLEST_COUNTED_UM, PaperCell, PaperSpecimen
from simulators.specimen.paper.synthetic import paper_sections
from simulators.specimen.specimen import TruthCell

Kind = Literal["paper", "realistic"]

IMAGE_NAME = "sections.ome.tiff"
ROI_NAME = "sections.zip"
_PITCH_UM = 400.0
_COLUMNS = 50
_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class SyntheticFrame:
    """A frame with its true cells.

    Attributes
    ----------
    pixels : (rows, columns) array of uint8 or uint16
    pixel_size_um : float
    offset_adu : float
        Grey level without light.
    cells : tuple of TrueCell
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    pixel_size_um: float
    offset_adu: float
    cells: tuple[TrueCell, ...]


def paper_frames(seed: int, count: int, specimen: PaperSpecimen) -> Iterator[SyntheticFrame]:
    """Yield neighbouring slices of one volume; see `simulators.specimen.paper.synthetic`."""
    for section in paper_sections(seed, count, specimen):
        cells = tuple(_paper_cell(cell) for cell in section.cells)
        yield SyntheticFrame(section.pixels, specimen.pixel_size_um, section.offset_adu, cells)


def realistic_config(seed: int, sections: int, pattern: Pattern = "cytoplasmic", **specimen: Any) -> Config:
    """Return a simulated microscope with one field on each of many sections, ready for `realistic_frames`.

    Cells vary more in brightness than in a session, so that some are dim; there are debris, occasional folds,
    and uneven resin.

    Parameters
    ----------
    seed : int
    sections : int
        1 to 5000.
    pattern : {"cytoplasmic", "nuclear", "punctate"}
    **specimen
        Other values for `config.simulator.SpecimenConfig`.
    """
    values: dict[str, Any] = {
        "seed": seed,
        "pattern": pattern,
        "brightness_photons": 30.0,
        "brightness_sd_percent": 100.0,
        "debris_per_field": 2.0,
        "folds_per_section": 0.1,
        "lumps_percent": 3.0,
    }
    layout = {
        "kind": "grid",
        "sections": sections,
        "columns": _COLUMNS,
        "pitch_um": _PITCH_UM,
        "first_um": (-10_000, 10_000),
        "fields": (1, 1),
    }
    simulator = {"specimen": values | specimen, "stage_error_um": 0.0}
    return Config.model_validate({"layout": layout, "simulator": simulator})


def realistic_frames(config: Config) -> Iterator[SyntheticFrame]:
    """Yield one frame of every section, taken at its centre by the simulated microscope."""
    microscope = SimulatedMicroscope(config, FastClock())
    devices, fm = microscope.devices, config.fluorescence
    devices.light.on(fm.excitation_nm, fm.power_density_w_per_cm2, _TIMEOUT_S)
    sections, _ = sections_and_fields(config)
    for section in sections:
        devices.stage.move_to(*section.center_m, _TIMEOUT_S)
        frame = devices.camera.expose(_settings(fm), _TIMEOUT_S)
        shape = (frame.pixels.shape[0], frame.pixels.shape[1])
        found = (_seen_cell(cell, frame.pose, shape) for cell in microscope.specimen.truth(section.id))
        cells = tuple(cell for cell in found if cell is not None)
        yield SyntheticFrame(frame.pixels, fm.pixel_size_m * 1e6, fm.offset_adu, cells)


def write_synthetic(
    folder: Path, frames: Iterable[SyntheticFrame], count: int, note: Mapping[str, Any]
) -> dict[str, Any]:
    """Write frames as one OME-TIFF, and their truth as JSON and Fiji ROI zip; a failure leaves no files.

    Cells that do not count are in the JSON only. Frames are written as they arrive, not kept in memory.

    Parameters
    ----------
    folder : Path
        Created if it is missing.
    frames : iterable of SyntheticFrame
        Frames of one size.
    count : int
        Number of frames, at least one.
    note : mapping
        Parameters of the synthesis, for the JSON.

    Returns
    -------
    dict
        The JSON document.

    Raises
    ------
    InputError
        Raised when the folder cannot be written, or has such files already.
    """
    image, rois, truth = paths = folder / IMAGE_NAME, folder / ROI_NAME, folder / TRUTH_NAME
    for path in paths:
        if path.exists():
            raise InputError(f"{path}: exists already; choose another folder, or remove it")
    document: dict[str, Any] = {"v": 1, **note, "frames": []}
    outlines: list[tuple[str, int, TrueCell]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_tiff(image, _noted(frames, document["frames"], outlines), count)
        write_outlines(rois, outlines)
        truth.write_text(json.dumps(document, allow_nan=False), encoding="utf-8")
    except BaseException as error:
        for path in paths:
            with suppress(OSError):
                path.unlink()
        if isinstance(error, OSError):
            raise InputError(f"{folder}: cannot be written ({error.strerror})") from error
        raise
    return document


def _noted(
    frames: Iterable[SyntheticFrame],
    documents: list[dict[str, Any]],
    outlines: list[tuple[str, int, TrueCell]],
) -> Iterator[SyntheticFrame]:
    """Yield the frames, and append their truth to two lists."""
    for page, frame in enumerate(frames):
        documents.append(_frame_document(frame, page))
        outlines += [(f"{page + 1:04d}-{cell.id}", page, cell) for cell in frame.cells if cell.counted]
        yield frame


def _write_tiff(path: Path, frames: Iterator[SyntheticFrame], count: int) -> None:
    first = next(frames)
    metadata = {
        "axes": "ZYX",
        "PhysicalSizeX": first.pixel_size_um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": first.pixel_size_um,
        "PhysicalSizeYUnit": "µm",
        "MapAnnotation": {"Namespace": "ilemtrack", "ilemtrack.offset_adu": first.offset_adu},
    }
    tifffile.imwrite(
        path,
        (frame.pixels for frame in chain((first,), frames)),
        shape=(count, *first.pixels.shape),
        dtype=first.pixels.dtype,
        ome=True,
        photometric="minisblack",
        metadata=metadata,
        software="ilemtrack",
    )


def _frame_document(frame: SyntheticFrame, page: int) -> dict[str, Any]:
    return {
        "path": IMAGE_NAME,
        "page": page,
        "shape": list(frame.pixels.shape),
        "pixel_size_um": round(frame.pixel_size_um, 9),
        "cells": [_cell_document(cell, frame.pixel_size_um) for cell in frame.cells],
    }


def _cell_document(cell: TrueCell, pixel_size_um: float) -> dict[str, Any]:
    document: dict[str, Any] = {"id": cell.id, "box_px": list(cell.box.as_tuple()), "counted": cell.counted}
    if cell.contrast_to_noise is not None and np.isfinite(cell.contrast_to_noise):
        document["contrast_to_noise"] = round(cell.contrast_to_noise, 3)
    document["area_um2"] = round(cell.area_px * pixel_size_um**2, 3)
    if cell.mask is not None:
        document["rows_px"] = _runs(cell.mask)
    return document


def _runs(mask: NDArray[np.bool_]) -> list[list[int]]:
    """Return the runs [row, first column, one past the last] of true pixels of a mask."""
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    begin, end = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return [[int(row), int(first), int(last)] for (row, first), (_, last) in zip(begin, end, strict=True)]


def _paper_cell(cell: PaperCell) -> TrueCell:
    return TrueCell(cell.id, BoxPx(*cell.box_px), cell.mask, cell.contrast_to_noise, cell.counted)


def _seen_cell(cell: TruthCell, pose: Pose, shape: tuple[int, int]) -> TrueCell | None:
    """Return the part of a cell that a frame shows; None if it shows none."""
    places = np.floor(to_pixels(pose, shape, cell.points_m)).astype(int)
    inside = ((places >= 0) & (places < shape[::-1])).all(axis=1)
    if not inside.any():
        return None
    mask = np.zeros(shape, np.uint8)
    columns, rows = places[inside].T
    mask[rows, columns] = 1
    # The sample points lie a pixel apart on a rotated grid, so that some pixels get none.
    padded = np.pad(mask, 2)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))[2:-2, 2:-2]
    seen = TrueCell.of_mask(cell.id, closed > 0)
    across_um = min(seen.box.width_px, seen.box.height_px) * pose.pixel_size_m[0] * 1e6
    counted = across_um >= SMALLEST_COUNTED_UM
    return TrueCell(seen.id, seen.box, seen.mask, cell.contrast_to_noise, counted)


def _settings(fm: FluorescenceConfig) -> FmSettings:
    return FmSettings(fm.exposure_s, fm.em_gain, fm.excitation_nm, fm.power_density_w_per_cm2)
