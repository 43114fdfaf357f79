"""Detection on real frames that were marked by eye, where they lie beside the checkout."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.frames.scenes import DETECTOR, DETECTORS, configured, found_in, opened
from benchmarks.measuring.rows import Row, at_least, at_most
from detection.evaluation.scores import JudgedFrame
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx, iou, union_mask
from detection.image.hits import Cell
from detection.paper import detector as paper
from detection.paper.settings import PaperSettings
from detection.registration.section_frame import SectionFrame
from detection.serial.detector import SerialDetector
from detection.serial.section import as_detection
from drivers.recorded.tiff import read_frames
from service.evaluation.pairing import paired
from service.evaluation.roi_marks import ImagePage
from service.evaluation.truth import read_truth

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "irf"
AUTHORS_MARGIN_UM = 3.0
AGREED_IOU = 0.5
TITLE = "Real frames marked by eye"


def run() -> list[Row]:
    """Measure the detectors, and the boxes of the authors' program grown by 3 um; nothing without frames."""
    images = sorted(FOLDER.glob("fl*.ome.tiff"))
    if not images:
        return [Row("no real frames beside this checkout", "-")]
    frames = _judged(images, DETECTOR)
    rows = [Row(frame.name, _figures([frame])) for frame in frames]
    clear, dim = _shares(frames)
    rows += [
        at_least("clear cells at least 95 % inside", clear, 0.95),
        at_least("dim cells at least half inside", dim, 0.93),
        at_most("imaged area over marked area", _over(frames), 1.45, 2),
    ]
    together = _serially_judged(images)
    clear, dim = _shares(together)
    rows += [
        at_least("as serial sections: clear cells at least 95 % inside", clear, 0.98),
        at_least("as serial sections: dim cells at least half inside", dim, 0.95),
        at_most("as serial sections: imaged area over marked area", _over(together), 1.5, 2),
    ]
    for name, others in (
        *((peer, _judged(images, peer)) for peer in DETECTORS[1:]),
        ("the paper's detector here", _judged(images, "paper")),
        ("the authors' program, +3 um", _authors(frames)),
    ):
        rows.append(Row(name, _figures(others)))
    for sigma in (7, 8):
        ours, theirs = _agreement(images, sigma)
        rows += [
            at_least(
                f"boxes of the paper's detector that the authors' program has, sigma {sigma}", ours, 0.95
            ),
            at_least(
                f"boxes of the authors' program that the paper's detector has, sigma {sigma}", theirs, 0.95
            ),
        ]
    return rows


def _judged(images: list[Path], detector: str) -> list[JudgedFrame]:
    judged = []
    for path, cells in zip(images, _marked(images), strict=True):
        (frame,) = read_frames(path)
        um = frame.pixel_size_m[0] * 1e6
        found = found_in(frame.pixels, um, frame.offset_adu, detector)
        judged.append(JudgedFrame(path.name, _shape(frame.pixels), um, found.cells, cells))
    return judged


def _serially_judged(images: list[Path]) -> list[JudgedFrame]:
    """Judge the frames as serial sections, which they are."""
    detector = SerialDetector(configured(), detector=opened())
    found = []
    for path in images:
        (frame,) = read_frames(path)
        um = frame.pixel_size_m[0] * 1e6
        found += detector.add(SectionFrame(path.name, frame.pixels, um, frame.offset_adu))
    found += detector.finish()
    return [
        JudgedFrame(
            path.name, _shape(frame.pixels), frame.pixel_size_m[0] * 1e6, as_detection(one).cells, cells, True
        )
        for path, one, cells in zip(images, found, _marked(images), strict=True)
        for frame in read_frames(path)
    ]


def _marked(images: list[Path]) -> list[tuple[TrueCell, ...]]:
    truth = read_truth(FOLDER / "marked_by_eye.json")
    pages = [[ImagePage(path, 0, _shape(frame.pixels))] for path in images for frame in read_frames(path)]
    return [paired(truth, page).cells[0] or () for page in pages]


def _shape(pixels: NDArray[np.generic]) -> tuple[int, int]:
    return pixels.shape[0], pixels.shape[1]


def _authors(frames: list[JudgedFrame]) -> list[JudgedFrame]:
    """The same frames with the boxes of the authors' program at its defaults (sigma 8)."""
    boxes = _authors_boxes(8)
    judged = []
    for frame in frames:
        margin = round(AUTHORS_MARGIN_UM / frame.pixel_size_um)
        rows = (BoxPx(*row) for row in boxes[frame.name[:4]])
        cells = tuple(Cell("", box, box.dilated(margin, frame.shape), 1.0, "") for box in rows)
        judged.append(JudgedFrame(frame.name, frame.shape, frame.pixel_size_um, cells, frame.truth))
    return judged


def _authors_boxes(sigma: int) -> dict[str, list[list[int]]]:
    document = json.loads((FOLDER / "authors_program_boxes.json").read_text(encoding="utf-8"))
    boxes: dict[str, list[list[int]]] = document["boxes"][f"sigma_{sigma}"]
    return boxes


def _agreement(images: list[Path], sigma: int) -> tuple[float, float]:
    """Shares of our and of their boxes with a partner at IoU > 0.5."""
    ours, theirs = [], []
    boxes = _authors_boxes(sigma)
    for path in images:
        (frame,) = read_frames(path)
        settings = PaperSettings(sigma_px=sigma)
        found = [h.box for h in paper.find_cells(frame.pixels.astype(np.float32), settings, prepared=True)]
        wanted = [BoxPx(*row) for row in boxes[path.name[:4]]]
        ours += [max(iou(box, other) for other in wanted) > AGREED_IOU for box in found]
        theirs += [max(iou(box, other) for other in found) > AGREED_IOU for box in wanted]
    return float(np.mean(ours)), float(np.mean(theirs))


def _figures(frames: list[JudgedFrame]) -> str:
    clear, dim = _shares(frames)
    return f"clear {clear:.3f}, dim {dim:.3f} at {_over(frames):.2f}"


def _shares(frames: list[JudgedFrame]) -> tuple[float, float]:
    """Return the share of clear cells that are inside by 95 %, and of dim ones by half."""
    clear, dim = (np.concatenate([_inside(frame, kind) for frame in frames]) for kind in ("clear", "dim"))
    return float(np.mean(clear >= 0.95)), float(np.mean(dim >= 0.5))


def _inside(frame: JudgedFrame, kind: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    imaged = frame.imaged
    return np.array([c.share_inside(imaged) for c in frame.truth if c.kind == kind], dtype=np.float64)


def _over(frames: list[JudgedFrame]) -> float:
    """Imaged area over the marked area: union of clear and dim marks."""
    marked = sum(_area(frame.counted, frame.shape) for frame in frames)
    return sum(int(frame.imaged.sum()) for frame in frames) / marked


def _area(cells: tuple[TrueCell, ...], shape: tuple[int, int]) -> int:
    return int(union_mask((cell.box for cell in cells), shape).sum())
