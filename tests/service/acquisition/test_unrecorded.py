"""A database that has lost exposures does not repeat them: their images are still there."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import InputError
from service.model.jobs import ExposureState, JobState
from service.session.exposure_map import touched
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")


@pytest.fixture
def reviewed(tmp_path: Path) -> tuple[Session, Path]:
    """A session that waits before the beam, and a backup of its database."""
    session = Session(tmp_path / "run", small_config(session={"min_free_disk_gb": 0, "review": True}))
    session.run()
    backup = session.store.rescue()
    assert backup is not None
    return session, backup.rename(tmp_path / "backup.sqlite")


def restored(session: Session, backup: Path) -> None:
    session.end()
    shutil.copy(backup, session.folder.store)


def test_no_exposure_is_repeated_after_an_older_copy_of_the_database_was_restored(
    reviewed: tuple[Session, Path],
) -> None:
    session, backup = reviewed
    session.go_on(session.control.confirm_review)
    exposed = [job.id for job in session.store.queue.jobs(state=JobState.DONE)]
    assert exposed
    restored(session, backup)
    again = Session.again(session)
    assert {job.id for job in again.store.queue.jobs(state=JobState.NEEDS_REVIEW)} == set(exposed)
    rows = again.store.ledger.exposures()
    assert {row.state for row in rows} == {ExposureState.UNKNOWN}
    assert all(touched(again.store, job.rect_m) for job in again.store.queue.jobs())
    assert "does not know its exposure" in str(again.store.queue.job(exposed[0]).reason)
    again.run()
    again.go_on()
    again.go_on(again.control.confirm_review)
    assert again.store.ledger.exposures() == rows
    again.end()


def test_a_database_with_another_plan_is_not_taken_up(reviewed: tuple[Session, Path]) -> None:
    session, backup = reviewed
    restored(session, backup)
    other = session.folder.em_image("S0001", "J999999")
    other.parent.mkdir(parents=True)
    other.touch()
    with pytest.raises(InputError, match=r"does not know 1 .*J999999\.ome\.tiff.*older copy"):
        Session.again(session)


def test_a_whole_run_is_taken_up_as_it_is(reviewed: tuple[Session, Path]) -> None:
    session, _ = reviewed
    pauses: Callable[[], str] = session.control.pause
    session.go_on(pauses)
    session.end()
    again = Session.again(session)
    assert not again.store.ledger.exposures()
    assert not again.store.queue.jobs(state=JobState.NEEDS_REVIEW)
    again.store.close()
