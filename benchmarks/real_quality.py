"""Detection on real frames that were marked by eye, where they lie beside the checkout."""

import json
from pathlib import Path

import numpy as np

from benchmarks.rows import Row, at_least, at_most
from config.work import DetectionConfig
from detection.detect import detect
from detection.evaluation.scores import JudgedFrame
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx, iou, union_mask
from detection.image.hits import Cell
from detection.paper import detector as paper
from detection.paper.settings import PaperSettings
from drivers.recorded.tiff import read_frames
from service.evaluation.pairing import paired
from service.evaluation.roi_marks import ImagePage
from service.evaluation.truth import read_truth

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "irf"
AUTHORS_MARGIN_UM = 3.0
AGREED_IOU = 0.5
TITLE = "Real frames marked by eye"


def run() -> list[Row]:
    """Measure both detectors, and the boxes of the authors' program grown by 3 um; nothing without frames."""
    images = sorted(FOLDER.glob("fl*.ome.tiff"))
    if not images:
        return [Row("no real frames beside this checkout", "-")]
    rows = []
    frames = _judged(images, "recall-first")
    for frame in frames:
        clear, dim = _inside(frame, "clear"), _inside(frame, "dim")
        text = f"clear {np.mean(clear >= 0.95):.3f}, dim {np.mean(dim >= 0.5):.3f} at {_over([frame]):.2f}"
        rows.append(Row(f"{frame.name}", text))
    clear, dim = (np.concatenate([_inside(frame, kind) for frame in frames]) for kind in ("clear", "dim"))
    rows += [
        at_least("clear cells at least 95 % inside", float(np.mean(clear >= 0.95)), 0.97),
        at_least("dim cells at least half inside", float(np.mean(dim >= 0.5)), 0.90),
        at_most("imaged area over marked area", _over(frames), 1.5, 2),
    ]
    for name, others in (
        ("the paper's detector here", _judged(images, "paper")),
        ("the authors' program, +3 um", _authors(frames)),
    ):
        clear, dim = (np.concatenate([_inside(frame, kind) for frame in others]) for kind in ("clear", "dim"))
        text = f"clear {np.mean(clear >= 0.95):.3f}, dim {np.mean(dim >= 0.5):.3f} at {_over(others):.2f}"
        rows.append(Row(name, text))
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
    truth = read_truth(FOLDER / "marked_by_eye.json")
    config = DetectionConfig(detector=detector)
    judged = []
    for path in images:
        (frame,) = read_frames(path)
        um = frame.pixel_size_m[0] * 1e6
        found = detect(frame.pixels, um, config, frame.offset_adu)
        shape = (frame.pixels.shape[0], frame.pixels.shape[1])
        cells = paired(truth, [ImagePage(path, 0, shape)]).cells[0] or ()
        judged.append(JudgedFrame(path.name, shape, um, found.cells, cells))
    return judged


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


def _inside(frame: JudgedFrame, kind: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    imaged = frame.imaged
    return np.array([c.share_inside(imaged) for c in frame.truth if c.kind == kind], dtype=np.float64)


def _over(frames: list[JudgedFrame]) -> float:
    """Imaged area over the marked area: union of clear and dim marks."""
    marked = sum(_area(frame.counted, frame.shape) for frame in frames)
    return sum(int(frame.imaged.sum()) for frame in frames) / marked


def _area(cells: tuple[TrueCell, ...], shape: tuple[int, int]) -> int:
    return int(union_mask((cell.box for cell in cells), shape).sum())
