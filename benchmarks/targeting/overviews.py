"""Sessions with an overview of each field beside sessions without: where frames land, and hours.

Whole simulated sessions of one field a section, with the beam moving, for two errors of the stage. A cell is
whole if the beam has truly scanned 99 % of the part that it may reach, by what the simulated specimen says.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.measuring.rows import Row, beside
from config.model import Config
from drivers.pose import FmToSem
from planner.geometry.rects import grown
from service.evaluation.synthetic import realistic_config
from service.model.jobs import JobKind, JobState
from service.session.stage_frame import StageFrame
from simulators.devices.bleaching import BleachedGround
from simulators.devices.memory import Memory
from tests.service.sessions import Session

TITLE = "sessions with overviews"
ON_REQUEST = True
"""It takes a quarter of an hour."""
FIRST_SEED = 700 if os.environ.get("ILEMTRACK_BENCH_SEEDS") == "development" else 31_000
SEEDS, SECTIONS, CELLS = 2, 2, 18.0
LIMIT_S = 1800.0
STAGE_ERRORS_UM = (1.0, 3.0)
"""Largest error of a move; the sessions believe 1 um."""
_IMAGE_DOSE = 20.0
"""Dose that only images have, e/nm2."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One session: frames, electron time at 5 s a frame, s, and true cells, whole and in all."""

    frames: int
    electron_s: float
    whole: int
    cells: int
    proven_um: tuple[float, ...]
    overviews: int


def run() -> list[Row]:
    """Run every session."""
    rows = []
    for error_um in STAGE_ERRORS_UM:
        with_, without = (
            [outcome(configured(seed, error_um, take)) for seed in range(FIRST_SEED, FIRST_SEED + SEEDS)]
            for take in (True, False)
        )
        what = f"stage errors up to {error_um:g} um"
        ours, theirs = (sum(one.electron_s for one in found) / 3600 for found in (with_, without))
        rows.append(beside(f"{what}: electron time", ours, theirs, "h", "sessions without"))
        for name, found in (("with", with_), ("without", without)):
            whole, cells = sum(one.whole for one in found), sum(one.cells for one in found)
            rows.append(
                Row(f"{what}, {name} overviews: whole cells", f"{whole} of {cells}, {whole / cells:.3f}")
            )
        proven = [value for one in with_ for value in one.proven_um]
        count = sum(one.overviews for one in with_)
        to = f", to {median(proven):.2f} um" if proven else ""
        rows.append(Row(f"{what}: fields proven", f"{len(proven)} of {count}{to}"))
    return rows


def configured(seed: int, error_um: float, take: bool) -> Config:
    """Return the configuration of a session."""
    config = realistic_config(
        seed,
        SECTIONS,
        cells_per_field=CELLS,
        brightness_photons=60.0,
        brightness_sd_percent=35.0,
        debris_per_field=0.0,
        folds_per_section=0.0,
        resin_texture_percent=3.0,
    )
    values: dict[str, Any] = config.model_dump()
    values["sem"] |= {"beam_reach_um": (101, 67), "databar_px": 0, "max_scan_px": (1536, 1024)}
    values["sem"]["overview"]["take"] = take
    # Errors end at three standard deviations.
    values["simulator"]["stage_error_um"] = error_um / 3
    values["detection"]["serial"] = False
    values["session"]["min_free_disk_gb"] = 0
    return Config.model_validate(values)


def outcome(config: Config) -> Outcome:
    """Run a session and judge it by the specimen."""
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Path(folder) / "run", config)
        session.run(LIMIT_S)
        session.thread.join(LIMIT_S)
        store = session.store
        done = [job for job in store.queue.jobs() if job.state is JobState.DONE]
        frames = [job for job in done if job.kind is JobKind.FRAME]
        whole, cells = _whole_cells(session)
        overviews = store.overviews.all()
        found = Outcome(
            len(frames),
            sum(job.beam_s + config.sem.overhead_s for job in done),
            whole,
            cells,
            tuple(one.proven_m * 1e6 for one in overviews if one.proven_m is not None),
            len(overviews),
        )
        store.close()
    return found


def _whole_cells(session: Session) -> tuple[int, int]:
    """Return the number of true cells that were scanned whole, and of all that the beam may reach."""
    config, frame = session.config, StageFrame.of(session.config)
    calibration = FmToSem.of(config.calibration)
    ground = BleachedGround(Memory(session.folder.simulator), calibration).exposures()
    scanned = [one.rect_m for one in ground if one.dose_per_nm2 > _IMAGE_DOSE]
    truth = session.setup.truth
    assert truth is not None
    whole = cells = 0
    for field in session.store.specimen.fields():
        x0, y0, x1, y1 = grown(field.rect_m, -frame.reach_m - frame.position_error_m)
        for points in truth(field.section):
            x, y = points.T
            inside = points[(x >= x0) & (x < x1) & (y >= y0) & (y < y1)]
            if not len(inside):
                continue
            u, v = calibration.to_sem(inside).T
            seen = np.zeros(len(inside), np.bool_)
            for left, below, right, above in scanned:
                seen |= (u >= left) & (u < right) & (v >= below) & (v < above)
            cells += 1
            whole += bool(seen.mean() >= 0.99)
    return whole, cells
