"""Agreement of tracks with the true cells."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks.serial.stacks import TrueSection
from detection.image.boxes import BoxPx, intersection_px, iou
from detection.serial.section import SerialSection
from detection.tracking.central_section import central_sections
from detection.tracking.tracker import Track

SAME_IOU = 0.3
"""Least intersection over union of a cell and a detection of it; outlines of dim cells vary by half."""
Meets = Callable[[BoxPx, BoxPx], bool]
"""Returns True if a true box, first, is met by the box of a detection."""


def overlaps(true: BoxPx, found: BoxPx) -> bool:
    """Return True if both boxes overlap enough to be of one cell."""
    return iou(true, found) >= SAME_IOU


def agrees(true: BoxPx, found: BoxPx) -> bool:
    """Return True at the usual limit of tracking, IoU .5: merged cells are hardly ever met."""
    return iou(true, found) >= 0.5


def holds(true: BoxPx, found: BoxPx) -> bool:
    """Return True if most of the cell lies in the detection, however large that is."""
    return intersection_px(true, found) >= 0.5 * true.area_px


def named(
    truth: Sequence[TrueSection], found: Sequence[SerialSection], meets: Meets = overlaps
) -> tuple[float, float, dict[str, str]]:
    """IDF1 (Ristani et al., ECCV Workshops 2016) of links and of all, and the true cell of each track.

    The first is about links, not about finding: true cells that no detection meets, and detections that meet
    no true cell, are left out. In the second both count as errors. Detections of cells of which less than
    a quarter lies in the frame are not judged. A detection of merged cells counts for each of its tracks.
    """
    both: Counter[tuple[str, str]] = Counter()
    of_truth = of_tracks = of_all = 0
    for true, section in zip(truth, found, strict=True):
        boxes = [(cell.id, cell.box) for cell in true.cells]
        shown = [cell.box for cell in true.beyond]
        seen = [
            one
            for one in section.cells
            if one.seen and one.tracks and not _of_little(one.cell.box_px, boxes, shown)
        ]
        hits = [[meets(box, one.cell.box_px) for one in seen] for _, box in boxes]
        matrix = np.array(hits, dtype=np.bool_).reshape(len(boxes), len(seen))
        of_all += len(boxes) + sum(len(one.tracks) for one in seen)
        of_truth += int(matrix.any(axis=1).sum())
        met = [bool(column.any()) for column in matrix.T]
        of_tracks += sum(len(one.tracks) for one, is_met in zip(seen, met, strict=True) if is_met)
        for row, column in np.argwhere(matrix):
            both.update((boxes[row][0], track) for track in seen[column].tracks)
    true_ids, track_ids = sorted({a for a, _ in both}), sorted({b for _, b in both})
    counts = np.array([[both[a, b] for b in track_ids] for a in true_ids]).reshape(len(true_ids), -1)
    rows, columns = linear_sum_assignment(-counts)
    right = int(counts[rows, columns].sum())
    names = {track_ids[b]: true_ids[a] for a, b in zip(rows, columns, strict=True) if counts[a, b]}
    return 2 * right / max(of_truth + of_tracks, 1), 2 * right / max(of_all, 1), names


def _of_little(box: BoxPx, cells: Sequence[tuple[str, BoxPx]], beyond: Sequence[BoxPx]) -> bool:
    """Return True if a detection is of a cell mostly beyond the frame, and of no other."""
    if any(overlaps(cell, box) for _, cell in cells):
        return False
    return any(intersection_px(cell, box) >= 0.5 * min(box.area_px, cell.area_px) for cell in beyond)


def central_within_one(
    truth: Sequence[TrueSection], tracks: Sequence[Track], names: dict[str, str]
) -> list[bool]:
    """Check that central sections are within one of the true ones, for cells whole in every frame."""
    areas: dict[str, dict[int, float]] = {}
    cut = set()
    for index, section in enumerate(truth):
        for cell in section.cells:
            areas.setdefault(cell.id, {})[index] = cell.area_um2
            if cell.inside < 0.98:
                cut.add(cell.id)
    central = central_sections([track.areas or track.cut_areas for track in tracks])
    right = []
    for track, index in zip(tracks, central, strict=True):
        name = names.get(track.id)
        if name is not None and name not in cut and len(track.sections) >= 3:
            of_cell = areas[name]
            right.append(abs(index - max(of_cell, key=of_cell.__getitem__)) <= 1)
    return right
