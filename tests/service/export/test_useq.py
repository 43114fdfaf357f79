"""Sequences for useq-schema: read by its own model and iterated as pymmcore-plus does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from useq import MDASequence

from drivers.pose import FmToSem
from service.export.contents import RunContents
from service.export.exporting import Exported, export
from service.export.items import ExportFormat
from service.export.reading import section_contents
from service.export.useq.sequences import electron_sequence
from service.model.jobs import HoldCause, Job, JobKind, JobState
from tests.service.export.runs import FM_SHAPE, POSE, UM, MadeRun, made_run, noise
from tests.service.sessions import small_config


def exported(made: MadeRun, out: Path, *sections: str) -> Exported:
    return export(made.folder, made.info, ExportFormat.USEQ, out, sections)


def sequence(path: Path) -> MDASequence:
    found = MDASequence.from_file(path)
    assert isinstance(found, MDASequence)
    return found


def about(of: MDASequence) -> list[dict[str, Any]]:
    """Return what each event's position says of itself, in the order of the events."""
    found = []
    for event in of:
        position = list(of.stage_positions)[event.index["p"]]
        assert position.name == event.pos_name
        assert position.sequence is not None
        found.append(position.sequence.metadata["ilemtrack"])
    return found


def job(number: int, x_um: float, kind: JobKind = JobKind.FRAME, section: str = "S0001") -> Job:
    rect = ((x_um - 0.4) * UM, -0.2 * UM, (x_um + 0.4) * UM, 0.2 * UM)
    return Job(
        f"J{number:06d}",
        section,
        number,
        rect,
        (x_um * UM, 0.0),
        (40, 20),
        20e-9,
        50e-6,
        ("S0001/F000/c0001",),
        kind=kind,
        beam_shift_m=(0.5 * UM, 0.0),
    )


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[MadeRun]:
    """Give a run of a section with two fields; the second has no fluorescence yet."""
    run = made_run(tmp_path / "run", fields=2)
    run.save_frame("S0001/F000", noise(FM_SHAPE, 2, "uint16"), POSE)
    run.find("S0001/F000", [(5, 6, 20, 25)], POSE)
    run.store.queue.add_plan(
        "S0001", [job(1, 1.0), job(2, -1.0, JobKind.FOCUS), job(3, 0.0), job(4, 2.0), job(5, 5.2)], {}
    )
    yield run
    run.close()


def test_frames_that_are_left_are_events_before_any_was_taken(planned: MadeRun, tmp_path: Path) -> None:
    planned.store.queue.set_state("J000004", JobState.HELD, reason="by anna", hold_cause=HoldCause.PERSON)
    exported(planned, tmp_path / "out")
    found = sequence(tmp_path / "out" / "electron.json")
    events = list(found)
    # J000005 would bleach the field whose fluorescence is not taken.
    assert [one.pos_name for one in events] == ["S0001/J000001", "S0001/J000002", "S0001/J000003"]
    first = events[0]
    assert (first.x_pos, first.y_pos) == pytest.approx((0.5, 0.0))
    assert first.exposure == pytest.approx(40 * 20 * 50e-6 * 1e3)
    assert first.channel is not None
    assert (first.channel.group, first.channel.config) == ("ilemtrack", "electron")
    facts = about(found)[0]
    assert (facts["job"], facts["cells"], facts["dwell_us"]) == ("J000001", ["S0001/F000/c0001"], 50.0)
    assert (facts["size_px"], facts["pixel_size_nm"], facts["beam_shift_um"]) == ([40, 20], 20.0, [0.5, 0.0])
    fields = sequence(tmp_path / "out" / "fluorescence.json")
    assert [one.pos_name for one in fields] == ["S0001/F001"]
    assert next(iter(fields)).exposure == small_config().fluorescence.exposure_s * 1e3


def test_what_was_exposed_is_in_the_record_alone(planned: MadeRun, tmp_path: Path) -> None:
    exported(planned, tmp_path / "out")
    ledger, queue = planned.store.ledger, planned.store.queue
    ledger.done(ledger.arm("J000001", queue.job("J000001").rect_m, 1e-6).id)
    ledger.arm("J000003", queue.job("J000003").rect_m, 1e-6)
    again = exported(planned, tmp_path / "out")
    # The fields are as before.
    assert (again.written, again.kept) == (2, 2)
    left = sequence(tmp_path / "out" / "electron.json")
    assert [one.pos_name for one in left] == ["S0001/J000002", "S0001/J000004"]
    record = sequence(tmp_path / "out" / "record" / "electron.json")
    states = {one["job"]: one["state"] for one in about(record)}
    assert states == {
        "J000001": "exposed",
        "J000002": "queued",
        "J000003": "armed",
        "J000004": "queued",
        "J000005": "queued",
    }
    assert len(list(sequence(tmp_path / "out" / "record" / "fluorescence.json"))) == 2


def test_nothing_left_is_no_event(tmp_path: Path) -> None:
    made = made_run(tmp_path / "run")
    exported(made, tmp_path / "out")
    assert list(sequence(tmp_path / "out" / "electron.json")) == []
    made.close()


def test_frames_are_where_the_sem_sees_them(planned: MadeRun, tmp_path: Path) -> None:
    calibration = FmToSem((10 * UM, -5 * UM), 0.01, 1.002)
    (section,) = planned.store.specimen.sections()
    contents = section_contents(planned.store, planned.folder.path, section, 0.1 * UM)
    run = RunContents("r", planned.folder.path, False, calibration, 0.0, 1e-8, 2.0, (contents,))
    (event, *_) = electron_sequence(run, left=True)
    x, y = calibration.to_sem(np.array([[0.5 * UM, 0.0]]))[0] / UM
    assert (event.x_pos, event.y_pos) == pytest.approx((x, y))
