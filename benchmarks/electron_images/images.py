"""Time of writing images, and of the pictures and the report of a run with 100 sections.

An electron image counts from the pixels in memory to the job that may be done: written, synced, read back and
compared, and read again with its checksum. The peer is tifffile, which writes the same pixels and no more.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from benchmarks.measuring.rows import Row, at_most, beside
from benchmarks.running.many_sections import SECTIONS, repeated
from drivers.sem import BeamSettings, ScanImage
from service.image_files.facts import Acquisition, Provenance
from service.image_files.images import Pixels, read_pixels
from service.image_files.saving import save_em
from service.report.html.write import write_report

TITLE = "Image files and report"
FRAMES: tuple[tuple[int, int, type[np.unsignedinteger]], ...] = (
    (1536, 1103, np.uint8),
    (6144, 4096, np.uint16),
)
DWELL_S = 60e-6
MOST_OF_DWELL = 0.05
"""Part of the dwell time of a frame that writing it may take, at most."""
MOST_S = 60.0
"""Time of the pictures and the report of a run with 100 sections, at most."""
REPEATS = 5
PEER = "tifffile alone"


def run() -> list[Row]:
    """Time what is written while a session runs, and at its end."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for size in FRAMES for row in _frame(Path(folder), *size)]
        return rows + _report(Path(folder))


def _frame(folder: Path, width: int, height: int, dtype: type[np.unsignedinteger]) -> list[Row]:
    pixels = _noisy(width, height, dtype)
    image = ScanImage(pixels, (0.0, 0.0), 16.5e-9, DWELL_S, "", BeamSettings(2500, 3.5, 30e-6, 5.8e-3, "vCD"))

    def ours(compress: bool) -> None:
        taken = Acquisition(datetime.now(UTC), Provenance("benchmark", "none"))
        saved = save_em(folder / "em" / "frame.ome.tiff", image, "S0001", "J000001", (), taken, compress)
        read_pixels(saved.path, saved.sha256)

    peer = partial(tifffile.imwrite, folder / "plain.tiff", pixels)
    plain_s, own_s, compressed_s = _least_s([peer, partial(ours, False), partial(ours, True)])
    name = f"{width} x {height}, {np.iinfo(dtype).bits} bits"
    scan_s = width * height * DWELL_S
    share = (folder / "em" / "frame.ome.tiff").stat().st_size / pixels.nbytes
    return [
        at_most(
            f"{name}: writing and reading back, part of the dwell time", own_s / scan_s, MOST_OF_DWELL, 5
        ),
        beside(f"{name}: writing and reading back", own_s * 1e3, plain_s * 1e3, "ms", PEER),
        at_most(f"{name}: the same compressed", compressed_s / scan_s, MOST_OF_DWELL, 5),
        Row(f"{name}: size when compressed, of noise on a plain ground", f"{share:.2f}"),
    ]


def _noisy(width: int, height: int, dtype: type[np.unsignedinteger]) -> Pixels:
    """Return noise of a scan of 60 us as the simulated SEM has it, 4.5 % of the range, on plain ground."""
    most = np.iinfo(dtype).max
    noise = np.random.default_rng(18).normal(0.8, 0.045, (height, width))
    found: NDArray[np.float64] = np.clip(noise * most, 0, most)
    return found.astype(dtype)


def _least_s(works: list[Callable[[], object]]) -> list[float]:
    """Return the least time of some turns of each, s, the disk included."""
    least = [float("inf")] * len(works)
    for _ in range(REPEATS):
        for n, work in enumerate(works):
            begun = time.perf_counter()
            work()
            least[n] = min(least[n], time.perf_counter() - begun)
    return least


def _report(folder: Path) -> list[Row]:
    many = repeated(folder)
    begun = time.perf_counter()
    many.draw_overlays()
    drawn_s = time.perf_counter() - begun
    begun = time.perf_counter()
    write_report(many.folder, many.info, many.folder.report)
    written_s = time.perf_counter() - begun
    name = f"{SECTIONS} sections, {many.jobs} electron images"
    return [
        at_most(f"{name}: pictures and report, s", drawn_s + written_s, MOST_S, 1),
        Row(f"{name}: pictures alone, report alone", f"{drawn_s:.1f} s, {written_s:.1f} s"),
        Row(f"{name}: size of the report", f"{many.folder.report.stat().st_size / 1e6:.1f} MB"),
    ]
