"""The store of a killed session, held against what was acknowledged and what the microscope remembers."""

from collections import Counter
from math import dist
from pathlib import Path
from typing import Any

import numpy as np

from config.model import Config
from drivers.pose import FmToSem, RectM
from service.api.wire.methods import METHODS
from service.image_files.images import read_pixels
from service.model.jobs import ExposureState, Job, JobKind, JobState
from service.model.phases import Phase
from service.model.specimen import FieldState
from service.store.store import Store
from simulators.devices.bleaching import dose_per_nm2
from simulators.devices.memory import Memory
from tests.long.kills.person import Person

_SAME_SIZE_M = 1e-9
_SAME_DOSE = 1e-3
_FAR_M = 3e-6
"""Farther than stage and beam miss their places in the simulator."""


def check(store: Store, person: Person) -> None:
    """Refuse a store that has lost what was acknowledged, or lets a job be exposed unasked."""
    seqs = [event.seq for event in store.events.since(0)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= person.last_seq
    for name, (method, params, result) in person.changes.items():
        asked = METHODS[method].params.model_validate(params).model_dump(mode="json")

        def never(method: str = method) -> dict[str, Any]:
            raise AssertionError(f"{method} was acknowledged and is not kept")

        assert store.requests.change_once(name, method, asked, None, never) == result
    jobs = {job.id: job for job in store.queue.jobs()}
    for name in person.done:
        assert jobs[name].state is JobState.DONE
    rows = [row for row in store.ledger.exposures() if row.state is not ExposureState.VOID]
    # A frame may be taken again by itself for an image that is bad: once for each.
    repeated = [row.retake_of for row in rows if row.retake_of is not None]
    assert len(set(repeated)) == len(repeated)
    for name, count in Counter(row.job for row in rows if row.retake_of is None).items():
        # What helps frames is done once more by itself, on other ground, by a job of its own.
        assert count <= 1 + person.approved[name], f"{name} was exposed {count} times"
    grounds = {row.job: row.retake_of for row in rows if row.retake_of is not None}
    assert all(jobs[name].kind is JobKind.FRAME for name in grounds)


def check_end(store: Store, config: Config, run: Path) -> int:
    """Refuse an ended session in which a frame is missing, or the beam was on without a row of the ledger.

    Returns
    -------
    int
        Frames that are done.
    """
    assert store.status().phase is Phase.DONE, store.status()
    assert {field.state for field in store.specimen.fields()} == {FieldState.PLANNED}
    jobs = store.queue.jobs()
    # A focus or an overview of which nothing good has come is skipped.
    waiting = {JobState.NEEDS_REVIEW, JobState.HELD}
    for job in jobs:
        ends = {JobState.SKIPPED} if job.kind is not JobKind.FRAME else waiting
        assert job.state in {JobState.DONE, JobState.WITHDRAWN} | ends, job
    done = [job for job in jobs if job.state is JobState.DONE]
    for job in done:
        read_pixels(run / str(job.image), job.sha256)
    frames = [job for job in jobs if job.kind is JobKind.FRAME]
    memory = Memory(run / "simulator.json")
    assert memory.get("unblanked") is False
    _check_beam(store, config, frames, memory)
    return sum(job.kind is JobKind.FRAME for job in done)


def _check_beam(store: Store, config: Config, frames: list[Job], memory: Memory) -> None:
    """Hold the scans that the microscope remembers against the ledger, frame by frame.

    What was closed was scanned once; of what became unknown only the microscope knows.
    """
    rows = [
        row
        for row in store.ledger.exposures()
        if row.kind is JobKind.FRAME and row.state is not ExposureState.VOID
    ]
    to_sem = FmToSem.of(config.calibration).to_sem
    middles = to_sem(np.array([_middle_and_size(row.rect_m)[0] for row in rows]))
    dose = dose_per_nm2(config.sem.beam_current_pa * 1e-12, frames[0].dwell_s, frames[0].pixel_size_m)
    seen: Counter[str] = Counter()
    for scan in memory.exposures():
        # Not those of a focus or an overview, which are quicker or coarser.
        if abs(scan["dose_per_nm2"] / dose - 1) < _SAME_DOSE:
            middle, size = _middle_and_size(scan["rect_m"])
            alike = [
                n for n, row in enumerate(rows) if dist(_middle_and_size(row.rect_m)[1], size) < _SAME_SIZE_M
            ]
            nearest = min(alike, key=lambda n: dist(middles[n], middle))
            assert dist(middles[nearest], middle) < _FAR_M, scan
            seen[rows[nearest].job] += 1
    for job in frames:
        known = Counter(row.state for row in rows if row.job == job.id)
        least, most = known[ExposureState.CLOSED], known.total()
        assert least <= seen[job.id] <= most, (job, known, seen[job.id])


def _middle_and_size(rect_m: RectM) -> tuple[tuple[float, float], tuple[float, float]]:
    x0, y0, x1, y1 = rect_m
    return ((x0 + x1) / 2, (y0 + y1) / 2), (x1 - x0, y1 - y0)
