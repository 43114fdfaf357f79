"""Exports of a run of 10 sections: megabytes of pixels a second and memory, beside copies of its images.

Each section has one fluorescence frame and one large electron image, of grey levels as noisy as real ones.
Times are those of a clock on the wall, files synced to the disk: others at work on the machine make them
longer. The time of the processor beside them hardly depends on those.
"""

import multiprocessing
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
import zarr
from numpy.typing import NDArray

from benchmarks.measuring.rows import Row, at_least, at_most, beside
from drivers.pose import Pose
from service.export.exporting import export
from service.export.items import ExportFormat
from tests.service.export.runs import UM, MadeRun, made_run

TITLE = "exports of 10 sections"
SECTIONS = 10
FRAME_PX, IMAGE_PX = 1024, 8192
_NOISE_ADU = 12
"""Standard deviation of an 8-bit electron image at a dwell time of 30 us; chosen by hand."""


def run() -> list[Row]:
    """Export a run in each format."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch, _all_cores():
        folder = Path(scratch)
        made = _run(folder / "run")
        pixel_mb = sum(path.stat().st_size for path in made.files.values()) / 1e6
        tile_mb = IMAGE_PX**2 / 1e6
        copies = {"tifffile": _copy_tiff, "zarr without levels": _copy_zarr}
        peers = {name: pixel_mb / _timed_s(copy, made, folder / name) for name, copy in copies.items()}
        for kind in ExportFormat:
            out = folder / kind.value
            wall_s, cpu_s, peak_mb = _apart(made, kind, out)
            size_mb = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
            peer = "zarr without levels" if kind is ExportFormat.OME_ZARR else "tifffile"
            rows += [
                at_least(
                    f"{kind}: MB of pixels a second, {pixel_mb:.0f} MB", pixel_mb / wall_s, 100, digits=0
                ),
                beside(
                    f"{kind}: the same", pixel_mb / wall_s, peers[peer], "MB/s", f"a copy by {peer}", "high"
                ),
                Row(f"{kind}: MB of pixels a second of one core", f"{pixel_mb / cpu_s:.0f}"),
                at_most(f"{kind}: peak memory in tiles of {tile_mb:.0f} MB", peak_mb / tile_mb, 2),
                Row(f"{kind}: size on the disk over that of the images", f"{size_mb / pixel_mb:.2f}"),
            ]
            rows.append(
                Row(f"{kind}: looking again, with nothing to do", f"{_apart(made, kind, out)[0]:.2f} s")
            )
        made.close()
    return rows


@contextmanager
def _all_cores() -> Iterator[None]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(os.cpu_count() or 1)
    yield
    cv2.setNumThreads(threads)


def _run(path: Path) -> MadeRun:
    made, rng = made_run(path, sections=SECTIONS), np.random.default_rng(5)
    pose = Pose((0.0, 0.0), (0.1 * UM, 0.1 * UM))
    for number in range(1, SECTIONS + 1):
        section = f"S{number:04d}"
        made.save_frame(f"{section}/F000", _image(rng, FRAME_PX, "uint16"), pose)
        made.expose(section, _image(rng, IMAGE_PX, "uint8"), (0.0, 0.0), 15e-9)
    return made


def _image(rng: np.random.Generator, side: int, dtype: str) -> NDArray[Any]:
    coarse = rng.normal(128, 40, (side // 16, side // 16)).astype(np.float32)
    smooth = cv2.resize(coarse, (side, side)) + rng.normal(0, _NOISE_ADU, (side, side)).astype(np.float32)
    return np.clip(smooth, 0, 255).astype(dtype) * (1 if dtype == "uint8" else 16)


def _timed_s(copy: Callable[[Path, Path], None], made: MadeRun, out: Path) -> float:
    out.mkdir()
    begun = time.perf_counter()
    for number, path in enumerate(made.files.values()):
        copy(path, out / str(number))
    for path in [one for one in out.rglob("*") if one.is_file()]:
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    return time.perf_counter() - begun


def _copy_tiff(path: Path, out: Path) -> None:
    tifffile.imwrite(out, tifffile.imread(path))


def _copy_zarr(path: Path, out: Path) -> None:
    pixels = tifffile.imread(path)
    array = zarr.create_array(out, shape=pixels.shape, chunks=(1024, 1024), dtype=pixels.dtype)
    array[...] = pixels


def _apart(made: MadeRun, kind: ExportFormat, out: Path) -> tuple[float, float, float]:
    """Export in a process of its own; return times of wall and processor, s, and growth of its memory, MB."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=_measured, args=(made.folder, made.info, kind, out, answers))
    process.start()
    wall_s, cpu_s, grown_mb = answers.get()
    process.join()
    return float(wall_s), float(cpu_s), float(grown_mb)


def _measured(folder: Any, info: Any, kind: ExportFormat, out: Path, answers: Any) -> None:
    from service.export import exporting

    exporting._format(kind)
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory_mb("VmRSS")
    begun, begun_cpu = time.perf_counter(), time.process_time()
    export(folder, info, kind, out)
    times_s = time.perf_counter() - begun, time.process_time() - begun_cpu
    answers.put((*times_s, _memory_mb("VmHWM") - before))


def _memory_mb(name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1e3
