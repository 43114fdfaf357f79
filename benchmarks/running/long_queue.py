"""A run with a long queue, and a daemon of its own process that takes it up; to measure the API on."""

import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.loading import dump
from config.model import Config
from planner.geometry.rects import centered
from service.api.client import Client
from service.errors import NoDaemonError
from service.model.jobs import Job
from service.model.phases import SessionEvent
from service.model.specimen import Cell, Field, FieldCells, FieldState, Section
from service.session.folders.run_folder import RunFolder, create
from service.store.store import Store

SECTIONS, PER_SECTION = 100, 1000
JOBS = SECTIONS * PER_SECTION

CONFIG = Config.model_validate(
    {
        "layout": {"kind": "grid", "sections": SECTIONS, "fields": [1, 1], "pitch_um": 150, "columns": 10},
        "sem": {"pixel_size_nm": 33, "dwell_us": 10, "overhead_s": 0},
        "session": {"min_free_disk_gb": 0, "max_failures_in_a_row": 1000},
        "stage": {"settle_s": 0},
        "simulator": {
            "specimen": {"cells_per_field": 3, "seed": 5},
            "stage_settle_s": 0,
            "stage_speed_mm_per_s": 50,
            "pump_to_high_vacuum_min": 0.005,
            "pump_to_partial_min": 0.005,
            "scan_overhead_s": 0,
        },
    }
)
"""Scans of 0.9 s of 300 x 300 px, in real time, one behind the other."""


def make(folder: Path, count: int = SECTIONS, per_section: int = PER_SECTION) -> RunFolder:
    """Make a run that was interrupted in its electron phase, with jobs in all of its sections."""
    # In a square, inside the safe area of the stage.
    columns = max(10, math.isqrt(count))
    layout = CONFIG.layout.model_copy(update={"sections": count, "columns": columns})
    config = dump(CONFIG.model_copy(update={"layout": layout}))
    run, info = create(folder, "run", "real", config)
    store = Store.create(run.store, info.run, config, "run")
    sections, fields = [], []
    for n in range(count):
        name, center_m = f"S{n + 1:04d}", ((n % columns) * 150e-6, (n // columns) * -150e-6)
        sections.append(Section(name, n, center_m))
        fields.append(Field(f"{name}/F000", name, 0, center_m, centered(center_m, (91e-6, 91e-6))))
    store.specimen.add_sections(sections, fields)
    for field in fields:
        store.specimen.set_field(field.id, FieldState.SAVED, image=f"fm/{field.id}.ome.tiff", sha256="0" * 64)
        _plan(store, field, per_section)
    for event in (
        SessionEvent.START,
        SessionEvent.PREFLIGHT_PASSED,
        SessionEvent.PARTIAL_VACUUM_REACHED,
        SessionEvent.FLUORESCENCE_COMPLETE,
        SessionEvent.HIGH_VACUUM_REACHED,
    ):
        store.apply(event)
    store.close()
    return run


def _plan(store: Store, field: Field, per_section: int) -> None:
    size_m = (300 * 33e-9, 300 * 33e-9)
    centers = [
        (field.center_m[0] + (n % 32 - 16) * 2e-6, field.center_m[1] + (n // 32 - 16) * 2e-6)
        for n in range(per_section)
    ]
    box = (0, 0, 10, 10)
    cells = [
        Cell(f"{field.id}/c{n:04d}", field.id, field.section, box, box, rect, rect, 0.9, "kept: confident")
        for n, rect in enumerate(centered(at, size_m) for at in centers)
    ]
    store.tracks.record_section([FieldCells(field.id, tuple(cells), 10.0)], ())
    index = int(field.section[1:]) - 1
    first = index * per_section + 1
    jobs = [
        Job(f"J{first + n:06d}", field.section, index * 1_000_000 + n, centered(at, size_m), at, (300, 300),
            33e-9, 10e-6, (cells[n].id,))
        for n, at in enumerate(centers)
    ]  # fmt: skip
    store.queue.add_plan(field.section, jobs, {})


@contextmanager
def daemon(run: Path, runtime: Path, *, orderly: bool = True) -> Iterator[tuple[Client, float]]:
    """Take a run up in a process of its own; a client of it, and the time to its first answer, s.

    It ends in order, with a summary of the session, or by a kill.
    """
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    code = "from service.cli.app import main; main()"
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code, "resume", str(run)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        client = _first_answer(process)
        answered_s = time.perf_counter() - begun
        with client:
            yield client, answered_s
    finally:
        if orderly:
            process.terminate()
        else:
            process.kill()
        # The summary at its end looks for the simulated truth of all sections.
        process.communicate(timeout=600)


def _first_answer(process: "subprocess.Popen[bytes]") -> Client:
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the daemon ended: {process.communicate()[1].decode()}")
        try:
            client = Client()
            client.call("hello")
        except NoDaemonError:
            time.sleep(0.005)
        else:
            return client
