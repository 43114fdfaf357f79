"""Whether confidences are what they say: of the hits given p, about a share p is real."""

from benchmarks.rows import Row
from benchmarks.scenes import LARGE_CELLS_UM, SMALL_CELLS_UM, judged, paper_scene, realistic_scene
from detection.curves import reliability
from detection.evaluation import JudgedFrame

FRAMES = 30
TITLE = "Calibration of confidence (share of hits that are real, 95 % interval)"


def run() -> list[Row]:
    """Pool both kinds of synthetic data, dim cells, debris and lumpy resin among them."""
    return [row for detector in ("recall-first", "paper") for row in _rows(detector)]


def _rows(detector: str) -> list[Row]:
    frames: list[JudgedFrame] = []
    for noise in (20.0, 60.0):
        for radius in (SMALL_CELLS_UM, LARGE_CELLS_UM):
            frames += judged(paper_scene(radius, noise, FRAMES // 3), detector)
    frames += judged(realistic_scene(FRAMES), detector)
    uneven = {"brightness_photons": 8.0, "lumps_percent": 10.0}
    frames += judged(realistic_scene(FRAMES, specimen=uneven), detector)
    bins = reliability(frames)
    hits = sum(b.hits for b in bins)
    error = sum(b.hits * abs(b.mean_confidence - b.real_share) for b in bins) / hits if hits else 0.0
    rows = [
        Row(
            f"{detector}: confidence {b.low:g} to {b.high:g}, {b.hits} hits",
            f"says {b.mean_confidence:.2f}, is {b.real_share:.2f} ({b.real_low:.2f} to {b.real_high:.2f})",
        )
        for b in bins
    ]
    return [*rows, Row(f"{detector}: mean gap between said and real", f"{error:.3f}")]
