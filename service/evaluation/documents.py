"""Documents of evaluation: detections and truth from files, results as JSON."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from config.instrument import SemConfig
from detection.errors import DetectionError
from detection.evaluation.curves import OperatingPoint, ReliabilityBin, raster_h
from detection.evaluation.experts import Reader
from detection.evaluation.scores import Evaluation, JudgedFrame
from detection.image.boxes import BoxPx
from detection.image.hits import Cell, CellSource, Decision, SeenBy
from detection.plugins import MAX_EXTENT_UNCERTAINTY_UM
from service.errors import InputError
from service.evaluation.fiji_rois import read_marks
from service.evaluation.pairing import paired
from service.evaluation.roi_marks import ImagePage, by_page
from service.evaluation.truth import Truth
from service.input_files import read_json


def read_judged(detections: Path, truth: Truth) -> tuple[list[JudgedFrame], int]:
    """Read detections of `ilemtrack detect --json`, and pair them with the truth.

    Returns
    -------
    list of JudgedFrame, int
        Every frame with detections, and the number of frames of the truth without.

    Raises
    ------
    InputError
        Raised when the file is no such document, or a frame has no truth; one sentence.
    """
    frames = _frames(detections)
    pages = [_page(entry) for entry in frames]
    known = paired(truth, pages)
    judged = []
    for entry, page, cells in zip(frames, pages, known.cells, strict=True):
        if cells is None:
            raise InputError(
                f"{truth.source}: has no truth for {page.path.name} page {page.page};"
                f" it has {_some(sorted({stem for stem, _ in truth.frames} | set(truth.marks)))}"
            )
        judged.append(
            JudgedFrame(
                f"{page.path.name} page {page.page}",
                page.shape,
                float(entry["pixel_size_um"]),
                tuple(_cell(cell, entry, detections) for cell in entry["cells"]),
                cells,
                serial="serial" in entry,
            )
        )
    return judged, known.left_out


def _page(entry: Mapping[str, Any]) -> ImagePage:
    z, t = (value if type(value := entry.get(axis)) is int else None for axis in ("z", "t"))
    return ImagePage(Path(entry["path"]), entry["page"], (entry["shape"][0], entry["shape"][1]), z, t)


def read_readers(paths: Sequence[Path], detections: Path | None) -> tuple[list[Reader], Reader | None]:
    """Read boxes by page: of Fiji ROI zips, one for each reader, and of the cells to image of a detector.

    Several files of one page each count as pages, in order. If readers marked slices and time points, pages
    are counted by these.

    Parameters
    ----------
    paths : sequence of Path
    detections : Path or None
        Document of `ilemtrack detect --json`.
    """
    marked = [read_marks(path) for path in paths]
    entries = [] if detections is None else _frames(detections)
    pages = [_page(entry) for entry in entries]
    placed = any(mark.z or mark.t for marks in marked for mark in marks)
    by_place = placed and all(page.z is not None and page.t is not None for page in pages)
    slices = max([1, *(mark.z for marks in marked for mark in marks), *((page.z or 0) + 1 for page in pages)])
    readers: list[Reader] = [
        {page: [cell.box for cell in cells] for page, cells in by_page(marks, slices).items()}
        for marks in marked
    ]
    if detections is None:
        return readers, None
    single = len({page.path for page in pages}) == 1
    found: dict[int, list[BoxPx]] = {}
    for number, (entry, page) in enumerate(zip(entries, pages, strict=True)):
        cells = (_cell(cell, entry, detections) for cell in entry["cells"])
        place = (page.t or 0) * slices + (page.z or 0) if by_place else page.page
        found[place if single else number] = [cell.box_px for cell in cells if cell.image_box_px is not None]
    return readers, found


def beam_s_per_um2(sem: SemConfig) -> float:
    """Return the beam time per area, s/um2: 0.2204 for pixels of 16.5 nm and 60 us."""
    return sem.dwell_us * 1e-6 / (sem.pixel_size_nm * 1e-3) ** 2


def evaluation_document(
    evaluation: Evaluation,
    frames: list[JudgedFrame],
    points: list[OperatingPoint],
    present: OperatingPoint,
    bins: list[ReliabilityBin],
    s_per_um2: float,
    raster_session_h: float,
) -> dict[str, Any]:
    """Return the JSON document; null stands for figures that do not exist.

    Hours of a session are as planned; hours of beam are areas of boxes times the beam time per area.
    """
    everything_h = raster_h(frames, s_per_um2)
    document = {
        "v": 1,
        **asdict(evaluation),
        "beam_h": evaluation.imaged_fraction * everything_h,
        "raster_beam_h": everything_h,
        "raster_session_h": raster_session_h,
        "operating_point": asdict(present),
        "curve": [asdict(point) for point in points],
        "reliability": [asdict(b) for b in bins],
        "dice": [
            {
                "frame": frame.name,
                "found": [cell.id for cell in frame.kept],
                "truth": [cell.id for cell in frame.counted],
                "matrix": frame.dice.round(4).tolist(),
            }
            for frame in frames
        ],
    }
    return {key: _finite(value) for key, value in document.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _frames(path: Path) -> list[dict[str, Any]]:
    document = read_json(path)
    frames = document.get("frames") if isinstance(document, dict) else None
    if not isinstance(frames, list) or not frames:
        raise InputError(f"{path}: holds no detections; it must be what `ilemtrack detect --json` prints")
    for number, entry in enumerate(frames):
        if not _is_frame(entry):
            raise InputError(
                f"{path}: frame {number} is not as `ilemtrack detect --json` prints it"
                " (path, page, shape, pixel_size_um, cells)"
            )
    return frames


def _is_frame(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        return False
    shape, size = entry.get("shape"), entry.get("pixel_size_um")
    whole = (
        isinstance(shape, list) and len(shape) == 2 and all(type(n) is int and 0 < n < 10**5 for n in shape)
    )
    positive = isinstance(size, int | float) and 0 < size < 1000
    return whole and positive and type(entry.get("page")) is int and isinstance(entry.get("cells"), list)


def _cell(entry: Any, frame: Mapping[str, Any], source: Path) -> Cell:
    """Return the cell of an entry of a frame."""
    where = f"{source}: {Path(frame['path']).name} page {frame['page']}: cell"
    try:
        image = entry["image_box_px"]
        # Only some detectors know these two.
        outer, seen_by = entry.get("outer_px"), entry.get("seen_by")
        # Documents of earlier versions have neither source nor decision.
        unknown = Decision.BELOW_FLOOR if image is None else Decision.KEPT
        cell = Cell(
            id=str(entry["id"]),
            box_px=BoxPx(*(int(n) for n in entry["box_px"])),
            image_box_px=None if image is None else BoxPx(*(int(n) for n in image)),
            confidence=float(entry["confidence"]),
            reason=str(entry.get("reason", "")),
            extent_uncertainty_um=float(entry.get("unsure_um", 0.0)),
            source=CellSource(entry.get("source", CellSource.FRAME)),
            decision=Decision(entry.get("decision", unknown)),
            outer_px=None if outer is None else BoxPx(*(int(n) for n in outer)),
            seen_by=None if seen_by is None else SeenBy(seen_by),
        )
    except (KeyError, TypeError, ValueError, OverflowError, DetectionError):
        raise InputError(
            f"{where} is not as `ilemtrack detect --json` prints it"
            " (id, box_px, image_box_px, confidence, reason)"
        ) from None
    if not 0 <= cell.confidence <= 1:
        raise InputError(f"{where} {cell.id}: its confidence is {cell.confidence}; it must be from 0 to 1")
    if not 0 <= cell.extent_uncertainty_um <= MAX_EXTENT_UNCERTAINTY_UM:
        raise InputError(
            f"{where} {cell.id}: its unsure_um is {cell.extent_uncertainty_um};"
            f" it must be from 0 to {MAX_EXTENT_UNCERTAINTY_UM:g}"
        )
    rows, columns = frame["shape"]
    for box in (cell.box_px, cell.image_box_px, cell.outer_px):
        if box is not None and not BoxPx(0, 0, columns, rows).contains(box):
            raise InputError(f"{where} {cell.id}: its box {list(box.as_tuple())} reaches beyond the frame")
    return cell


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
