"""Whether confidences are what they say: of the hits given p, about a share p is real."""

from benchmarks.rows import Row
from benchmarks.scenes import every_kind, judge
from config.work import DetectionConfig
from detection.curves import dropped_by_floor, reliability
from detection.evaluation import JudgedFrame, is_real

FRAMES = 20
"""Of every kind; more on the same seeds would be sections of the same blocks."""
DETECTORS = ("recall-first", "paper")
TITLE = "Calibration of confidence (share of hits that are real, 95 % interval)"


def run() -> list[Row]:
    """Pool as many frames of every kind, and say it of each kind by itself."""
    of_kind: dict[str, dict[str, list[JudgedFrame]]] = {detector: {} for detector in DETECTORS}
    for kind, frames in every_kind(FRAMES):
        for number, frame in enumerate(frames):
            for detector in DETECTORS:
                found = judge(frame, DetectionConfig(detector=detector), str(number))
                of_kind[detector].setdefault(kind, []).append(found)
    return [row for detector in DETECTORS for row in _rows(detector, of_kind[detector])]


def _rows(detector: str, of_kind: dict[str, list[JudgedFrame]]) -> list[Row]:
    frames = [frame for judged in of_kind.values() for frame in judged]
    bins = reliability(frames)
    hits = sum(b.hits for b in bins)
    error = sum(b.hits * abs(b.mean_confidence - b.real_share) for b in bins) / hits if hits else 0.0
    floor = DetectionConfig().min_confidence
    (expected,), (real,) = dropped_by_floor(frames, [floor])
    dropped = sum(cell.confidence < floor for frame in frames for cell in frame.cells)
    return [
        *(
            Row(
                f"{detector}: confidence {b.low:g} to {b.high:g}, {b.hits} hits",
                f"says {b.mean_confidence:.2f}, is {b.real_share:.2f}"
                f" ({b.real_low:.2f} to {b.real_high:.2f})",
            )
            for b in bins
        ),
        Row(f"{detector}: mean gap between said and real", f"{error:.3f}"),
        Row(f"{detector}: {dropped} hits below the floor of {floor:g}", f"{expected:.1f} said, {real} real"),
        *(Row(f"{detector}: {kind}", _over_all(judged)) for kind, judged in of_kind.items()),
    ]


def _over_all(frames: list[JudgedFrame]) -> str:
    hits = [(cell.confidence, is_real(cell.box_px, frame.truth)) for frame in frames for cell in frame.cells]
    if not hits:
        return "no hits"
    said, real = (sum(column) / len(hits) for column in zip(*hits, strict=True))
    return f"says {said:.2f}, is {real:.2f} of {len(hits)}"
