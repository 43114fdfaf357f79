"""Checks of the computer before a session: room on the disk, its speed, the clock."""

import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from config.instrument import SemConfig
from config.light.fluorescence import FluorescenceConfig
from config.model import Config
from planner.geometry.rects import area_m2
from service.diagnostics.checks import Check, Level
from service.model.specimen import Field
from service.store.store import Store

_SAMPLE_BYTES = 4 * 1024 * 1024
"""Size of the write test: more than an image of 1536 x 1103 pixels with 16 bit."""
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""An earlier clock is wrong: this program did not exist yet."""
_BACK = timedelta(seconds=5)
"""Largest step back of a clock; NTP steps clocks by less. Chosen by hand."""


def disk_checks(config: Config, folder: Path, fields: Sequence[Field]) -> Iterator[Check]:
    """Check the disk for the forecast of data plus 10 %, and its write speed."""
    fm_bytes, em_bytes = forecast_bytes(config.fluorescence, config.sem, fields)
    keep = config.session.min_free_disk_gb * 1e9
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield Check("disk", Level.RED, f"{folder}: cannot be read ({error.strerror})")
        return
    sentence = (
        f"{free / 1e9:.2f} GB free in {folder}; fluorescence takes {fm_bytes / 1e9:.2f} GB, electron images"
        f" at most {em_bytes / 1e9:.2f} GB, {config.session.min_free_disk_gb:g} GB must stay free"
    )
    if free < 1.1 * fm_bytes + keep:
        yield Check("disk", Level.RED, f"low disk: {sentence}")
    elif free < 1.1 * (fm_bytes + em_bytes) + keep:
        yield Check("disk", Level.WARN, f"{sentence}: the session pauses at that limit")
    else:
        yield Check("disk", Level.OK, sentence)
    yield _write_speed(config, folder)


def forecast_bytes(
    fluorescence: FluorescenceConfig, sem: SemConfig, fields: Sequence[Field]
) -> tuple[float, float]:
    """Return the bytes of all fluorescence frames (16 bit), and of electron images of all ground."""
    width, height = fluorescence.frame_px
    ground_m2 = sum(area_m2(f.rect_m) for f in fields)
    em_bytes = ground_m2 / sem.pixel_size_m**2 * sem.image_bits / 8
    return float(len(fields) * width * height * 2), em_bytes


def _write_speed(config: Config, folder: Path) -> Check:
    """Check the write speed with a sample that is written, synced and deleted."""
    sample = folder / f".write-test-{secrets.token_hex(4)}"
    begun = time.perf_counter()
    try:
        with sample.open("wb") as file:
            # No file system compresses it, and it is quickly made.
            file.write(np.random.default_rng().bytes(_SAMPLE_BYTES))
            file.flush()
            os.fsync(file.fileno())
        rate = _SAMPLE_BYTES / (time.perf_counter() - begun)
    except OSError as error:
        return Check("write speed", Level.RED, f"{folder}: cannot be written ({error.strerror})")
    finally:
        with suppress(OSError):
            sample.unlink(missing_ok=True)
    width, height = config.fluorescence.frame_px
    fm_rate = width * height * 2 / (config.fluorescence.exposure_s + config.stage.settle_s)
    em_rate = 1 / config.sem.dwell_s
    needed = max(fm_rate, em_rate)
    says = f"{rate / 1e6:.1f} MB/s with fsync; the microscope produces at most {needed / 1e6:.2f} MB/s"
    return Check("write speed", Level.OK if rate >= 2 * needed else Level.WARN, says)


def clock_check(now: datetime, last: datetime | None) -> Check:
    """Check that the wall clock is not before this program, nor before the last event of the run.

    The latter is a warning: the clock may have been wrong then and be right now. Nothing is decided by it,
    and a run that is left alone must go on.
    """
    if now < _BUILT:
        return Check(
            "clock", Level.RED, f"the clock says {now:%Y-%m-%d %H:%M} UTC, which is in the past; set it"
        )
    if last is not None and now < last - _BACK:
        return Check(
            "clock",
            Level.WARN,
            f"the clock says {now:%Y-%m-%d %H:%M:%S} UTC, before the last event of the run"
            f" ({last:%Y-%m-%d %H:%M:%S}); set it if it is wrong",
        )
    return Check("clock", Level.OK, f"the clock says {now:%Y-%m-%d %H:%M:%S} UTC")


def last_event_at(store: Store) -> datetime | None:
    """Return the wall clock of the last event of a run; None if there is none."""
    events = store.events.since(store.events.last_seq() - 1, 1)
    return datetime.fromisoformat(events[-1].at) if events else None
