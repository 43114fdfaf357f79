"""Stitched images of simulated sessions by the true places of their scans: seams, sections, speed.

Seams are compared with the read-back of the stage, and with the phase correlation of scikit-image on the
overlap by the read-back, which ashlar and multiview-stitcher are built on. The speed is compared with a plain
copy of the pixels.
"""

import math
import os
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from skimage.registration import phase_cross_correlation

from benchmarks.measuring.rows import Row, at_least, at_most
from config.model import Config
from detection.registration.rigid import Rigid
from service.evaluation.synthetic import realistic_config
from service.image_files.images import read_pixels
from service.session.folders.kept_config import kept_config
from service.session.folders.run_folder import open_existing
from service.stitching.canvas import bands, canvas_over, pieces_on
from service.stitching.documents import Registered
from service.stitching.grounds import Ground, Run, Wanted
from service.stitching.placing.neighbours import Errors, place
from service.stitching.run import Asked, stitch_run
from service.stitching.section import stitch_section
from service.stitching.tiles import TileReader, tiles_of
from service.stitching.values import Tile
from service.stitching.writing import BAND_ROWS, ImageFacts, write_image
from service.store.store import Store
from tests.service.stitching.sessions import Truth, error_nm, record

TITLE = "stitched images"
FIRST_SEED = 700 if os.environ.get("ILEMTRACK_BENCH_SEEDS") == "development" else 34_000
GOAL_NM, GOAL_MB_PER_S = 30.0, 100.0
_NOISE_NM = 33.0
"""Two pixels: a measured shift further off is wrong."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A kind of session."""

    name: str
    sections: int
    cells: float
    beam_moves: bool
    specimen: dict[str, Any] = field(default_factory=dict)
    dwell_us: float = 60.0


SCENES = (
    Scene("stage moves, crowded", 2, 25.0, beam_moves=False),
    Scene("stage moves, sparse", 2, 6.0, beam_moves=False),
    Scene("beam moves, crowded", 2, 25.0, beam_moves=True),
    Scene("stage moves, 5 us: noise", 1, 15.0, beam_moves=False, dwell_us=5.0),
    Scene(
        "stage moves, dirt and knife marks",
        1,
        15.0,
        False,
        {"dirt_per_field": 30, "knife_marks_per_field": 6},
    ),
)
SERIAL = Scene("through sections", 6, 12.0, beam_moves=False)


def run() -> list[Row]:
    """Record a session of each kind, and stitch it."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, scene in enumerate(SCENES):
            path = Path(folder) / str(number)
            truth = record(path, configured(scene, FIRST_SEED + number))
            rows += _seams(scene, path, truth)
        rows += _speed(Path(folder) / "0")
        path = Path(folder) / "serial"
        rows += _sections(path, record(path, configured(SERIAL, FIRST_SEED + len(SCENES))))
    return rows


def configured(scene: Scene, seed: int) -> Config:
    """Return the configuration of a session; stage errors are up to 1 um, beam errors up to .06 um."""
    config = realistic_config(
        seed,
        scene.sections,
        cells_per_field=scene.cells,
        brightness_photons=60.0,
        brightness_sd_percent=35.0,
        debris_per_field=0.0,
        folds_per_section=0.0,
        **scene.specimen,
    )
    values: dict[str, Any] = config.model_dump()
    reach = (101, 67) if scene.beam_moves else (0, 0)
    scans = {"databar_px": 0, "max_scan_px": (1536, 1024), "dwell_us": scene.dwell_us}
    values["sem"] |= {"beam_reach_um": reach, **scans}
    # Errors end at three standard deviations.
    values["simulator"]["stage_error_um"] = 1 / 3
    values["session"]["min_free_disk_gb"] = 0
    return Config.model_validate(values)


def _seams(scene: Scene, path: Path, truth: Truth) -> list[Row]:
    """Return the errors of all seams, and of those that are proven."""
    every: list[tuple[float, float]] = []
    proven: list[tuple[float, float]] = []
    peer: list[float] = []
    wrong = 0
    with closing(Store.open(path / "session.sqlite")) as store:
        config = kept_config(*open_existing(path))
        errors = Errors(config.stage.position_error_um * 1e-6, config.sem.beam_error_um * 1e-6)
        for section in store.specimen.sections():
            reader = TileReader(path)
            found = place(tiles_of(store, section.id).tiles, reader, errors)
            at = {tile.job: (tile, center) for tile, center in zip(found.tiles, found.centers_m, strict=True)}
            for seam in found.seams:
                (one, first), (other, second) = at[seam.first], at[seam.second]
                pair = (
                    truth.seam_nm(one, other, (one.center_m, other.center_m)),
                    truth.seam_nm(one, other, (first, second)),
                )
                every.append(pair)
                if seam.measured_m is not None:
                    proven.append(pair)
                    peer.append(_peer_nm(one, other, reader, truth))
                    wrong += _off_nm(seam.measured_m, one, other, truth) > _NOISE_NM
    rows = [
        Row(f"{scene.name}: seams proven", f"{len(proven)} of {len(every)}, {wrong} of them wrongly"),
        Row(f"{scene.name}: all seams, median, 95 %, worst", f"{_three([after for _, after in every])} nm"),
    ]
    if proven:
        after = [after for _, after in proven]
        rows += [
            at_most(f"{scene.name}: proven seams, median, nm", float(np.median(after)), GOAL_NM, 1),
            Row(f"{scene.name}: proven seams, median, 95 %, worst", f"{_three(after)} nm"),
            Row("  by the read-back of the stage", f"{_three([before for before, _ in proven])} nm"),
            Row("  by phase correlation of scikit-image", f"{_three(peer)} nm"),
        ]
    return rows


def _off_nm(measured_m: tuple[float, float], one: Tile, other: Tile, truth: Truth) -> float:
    return truth.seam_nm(one, other, ((0.0, 0.0), measured_m))


def _peer_nm(one: Tile, other: Tile, reader: TileReader, truth: Truth) -> float:
    """Return the error of phase correlation on what both show by the read-back."""
    size_m = one.pixel_size_m
    a, b = reader.read(one), reader.read(other)
    dx = round((other.center_m[0] - one.center_m[0]) / size_m + a.shape[1] / 2 - b.shape[1] / 2)
    dy = round(-(other.center_m[1] - one.center_m[1]) / size_m + a.shape[0] / 2 - b.shape[0] / 2)
    rows, columns = _span(a.shape[0], b.shape[0], dy), _span(a.shape[1], b.shape[1], dx)
    first = a[rows[0] : rows[1], columns[0] : columns[1]].astype(np.float32)
    second = b[rows[0] - dy : rows[1] - dy, columns[0] - dx : columns[1] - dx].astype(np.float32)
    found, *_ = phase_cross_correlation(first, second, upsample_factor=10)  # type: ignore[no-untyped-call]
    x = (dx + float(found[1]) + b.shape[1] / 2 - a.shape[1] / 2) * size_m
    y = -(dy + float(found[0]) + b.shape[0] / 2 - a.shape[0] / 2) * size_m
    return _off_nm((x, y), one, other, truth)


def _span(size: int, other: int, apart: int) -> tuple[int, int]:
    return max(0, apart), min(size, apart + other)


def _speed(path: Path) -> list[Row]:
    """Return pixels a second of CPU on two cores, beside a plain copy; the best of three turns."""
    writing, copying, placing = math.inf, math.inf, math.inf
    with closing(Store.open(path / "session.sqlite")) as store, tempfile.TemporaryDirectory() as out:
        tiles = tiles_of(store, "S0001").tiles
        errors = Errors(1e-6, 1e-7)
        for _ in range(3):
            begun = time.process_time()
            reader = TileReader(path)
            found = place(tiles, reader, errors)
            placing = min(placing, time.process_time() - begun)
            begun = time.process_time()
            placed = list(zip(found.tiles, found.centers_m, strict=True))
            canvas = canvas_over(placed)
            assert canvas is not None
            facts = ImageFacts(
                "S0001", 1, "Z", canvas.size_px, "uint8", canvas.pixel_size_m, canvas.center_m, None, (), {}
            )
            lines = bands(canvas, pieces_on(canvas, placed), TileReader(path), BAND_ROWS)
            write_image(Path(out) / "a.ome.tiff", facts, lines)
            writing = min(writing, time.process_time() - begun)
            begun = time.process_time()
            for tile in tiles:
                tifffile.imwrite(Path(out) / f"{tile.job}.tiff", read_pixels(path / tile.image))
            copying = min(copying, time.process_time() - begun)
    mb = sum(tile.size_px[0] * tile.size_px[1] for tile in tiles) / 1e6
    both = placing + writing
    return [
        at_least("places and one file, MB of tiles a second of two cores", 2 * mb / both, GOAL_MB_PER_S, 0),
        Row("  places alone", f"{2 * mb / placing:.0f} MB/s"),
        Row("  a plain copy of the tiles, one file each", f"{2 * mb / copying:.0f} MB/s"),
    ]


def _sections(path: Path, truth: Truth) -> list[Row]:
    """Return the errors from one section to the next, within cells."""
    folder, info = open_existing(path)
    stitched = stitch_run(folder, info, path / "stitched", Asked())
    with closing(Store.open(folder.store)) as store:
        run = Run(kept_config(folder, info), store, path / "stitched")
        grounds: dict[str, Ground] = {}
        for section in store.specimen.sections():
            found = stitch_section(run, section.id, Wanted(frozenset(), frozenset()))
            grounds |= {} if found is None else found.cells
    errors: dict[Registered, list[float]] = {}
    for track in stitched.tracks:
        placed = {one.section: one for one in track.slices if one.cell is not None}
        for one in placed.values():
            other = placed.get(one.target or "")
            if other is None or one.cell is None or other.cell is None:
                continue
            from_one = Rigid(one.rotation_rad, one.shift_um)
            moved = Rigid(other.rotation_rad, other.shift_um).inverse().after(from_one)
            true = truth.to_block(other.section, grounds[other.cell]).inverse()
            true = true.after(truth.to_block(one.section, grounds[one.cell]))
            errors.setdefault(one.registered, []).append(error_nm(moved, true))
    by_electrons = errors.get(Registered.ELECTRONS, [])
    rows = [
        at_most("section to section, by electrons: median, nm", float(np.median(by_electrons)), GOAL_NM, 1),
        Row("section to section, by electrons: median, 95 %, worst", f"{_three(by_electrons)} nm"),
    ]
    for kind, values in errors.items():
        if kind is not Registered.ELECTRONS:
            rows.append(Row(f"section to section, by {kind}: {len(values)} of them", f"{_three(values)} nm"))
    counts = ", ".join(f"{n} {kind}" for kind, n in stitched.slices.items())
    return [*rows, Row(f"slices of {len(stitched.tracks)} cells", counts)]


def _three(values: list[float]) -> str:
    if not values:
        return "none"
    return ", ".join(f"{value:.1f}" for value in np.percentile(values, [50, 95, 100]))
