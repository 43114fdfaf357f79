"""Sequences of useq-schema: the stage positions of frames and fields, each with its own exposure.

Positions are those to which the stage goes, um, Y up: of a frame as the SEM sees it, of a field as
fluorescence sees it. Exposures are in ms, as useq has them; that of a frame is the time of its whole scan.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from useq import Channel, MDASequence, Position

from drivers.pose import FmToSem
from service.export.contents import RunContents
from service.model.jobs import Job
from service.model.specimen import Field, FieldState

GROUP = "ilemtrack"
"""Configuration group of the receiving program; it names what switches light and beam there."""
FLUORESCENCE, ELECTRON = "fluorescence", "electron"
"""Presets of the group."""


def electron_sequence(run: RunContents, left: bool) -> MDASequence:
    """Return the electron frames of the sections of a run, in the order of its queue.

    Parameters
    ----------
    run : RunContents
    left : bool
        Only those that wait for the beam, with all fluorescence near them saved; else all that were planned,
        for the record.
    """
    jobs = sorted(
        (job for section in run.sections for job in section.jobs if not left or job.id in section.ready),
        key=lambda one: one.position,
    )
    positions = [_frame(run.fm_to_sem, job) for job in jobs]
    return _sequence(run, ELECTRON, positions, left)


def fluorescence_sequence(run: RunContents, left: bool) -> MDASequence:
    """Return the fields of the sections of a run, in the order of cutting.

    Parameters
    ----------
    run : RunContents
    left : bool
        Only those whose fluorescence is not taken; else all, for the record.
    """
    fields = [
        field
        for section in run.sections
        for field in section.fields
        if not left or field.state is FieldState.PENDING
    ]
    return _sequence(run, FLUORESCENCE, [_field(run, field) for field in fields], left)


def _sequence(run: RunContents, kind: str, positions: Sequence[Position], left: bool) -> MDASequence:
    about: dict[str, Any] = {"run": run.run, "kind": kind, "left": left}
    about["sections"] = [section.section.id for section in run.sections]
    return MDASequence(axis_order="pc", stage_positions=tuple(positions), metadata={"ilemtrack": about})


def _frame(calibration: FmToSem, job: Job) -> Position:
    stage_m, center_m = calibration.to_sem(np.array([job.stage_m, job.center_m])).tolist()
    about = {
        "section": job.section,
        "job": job.id,
        "kind": job.kind.value,
        "state": job.state.value,
        "cells": list(job.covers),
        "size_px": list(job.size_px),
        "pixel_size_nm": _rounded(job.pixel_size_m * 1e9),
        "dwell_us": _rounded(job.dwell_s * 1e6),
        "center_um": [_rounded(one * 1e6) for one in center_m],
        "beam_shift_um": [
            _rounded((there - here) * 1e6) for there, here in zip(center_m, stage_m, strict=True)
        ],
    }
    return _position(f"{job.section}/{job.id}", stage_m, ELECTRON, job.beam_s, about)


def _field(run: RunContents, field: Field) -> Position:
    x0, y0, x1, y1 = field.rect_m
    about = {
        "section": field.section,
        "field": field.id,
        "state": field.state.value,
        "size_um": [_rounded((x1 - x0) * 1e6), _rounded((y1 - y0) * 1e6)],
    }
    return _position(field.id, field.center_m, FLUORESCENCE, run.fluorescence_s, about)


def _position(
    name: str, stage_m: Sequence[float], preset: str, exposure_s: float, about: dict[str, Any]
) -> Position:
    own = MDASequence(
        channels=(Channel(config=preset, group=GROUP, exposure=_rounded(exposure_s * 1e3)),),
        metadata={"ilemtrack": about},
    )
    x, y = (_rounded(one * 1e6) for one in stage_m)
    return Position(x=x, y=y, name=name, sequence=own)


def _rounded(value: float) -> float:
    """Return a value to a picometre, a picosecond or the like, without the noise of conversions."""
    return round(value, 6)


def sequences(run: RunContents) -> Iterator[tuple[str, MDASequence]]:
    """Yield each sequence and the path of its file."""
    yield "fluorescence.json", fluorescence_sequence(run, left=True)
    yield "electron.json", electron_sequence(run, left=True)
    yield "record/fluorescence.json", fluorescence_sequence(run, left=False)
    yield "record/electron.json", electron_sequence(run, left=False)
