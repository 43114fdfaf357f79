from pathlib import Path

from service.acquisition.scans import FrameScan, scan_of
from service.autofocus.beam import FocusScan
from service.model.jobs import Job, JobKind, JobState
from tests.service.sessions import Session, small_config


def job(kind: JobKind) -> Job:
    return Job("J000001", "S0001", 1, (0, 0, 1e-5, 1e-5), (5e-6, 5e-6), (10, 10), 1e-6, 6e-5, (), kind=kind)


def test_every_kind_of_job_has_its_scan() -> None:
    assert isinstance(scan_of(job(JobKind.FRAME)), FrameScan)
    assert isinstance(scan_of(job(JobKind.FOCUS)), FocusScan)
    assert {scan_of(job(kind)).unexposed for kind in JobKind} == {JobState.NEEDS_REVIEW, JobState.FAILED}


def test_a_focus_takes_longer_and_is_prepared_by_nothing(tmp_path: Path) -> None:
    session = Session(tmp_path / "run", small_config(session={"autofocus": True}))
    frame, focus = scan_of(job(JobKind.FRAME)), scan_of(job(JobKind.FOCUS))
    assert focus.extra_s > frame.extra_s == 0
    # No field is saved: there is no ground for a focus, and the frame is ready.
    assert frame.prepare(session.context, job(JobKind.FRAME))
    assert session.context.focused.beam == "S0001"
    assert focus.prepare(session.context, job(JobKind.FOCUS))
    assert frame.beam_s(session.context, job(JobKind.FRAME)) == job(JobKind.FRAME).beam_s
    assert focus.beam_s(session.context, job(JobKind.FOCUS)) == job(JobKind.FOCUS).beam_s
    session.store.close()
