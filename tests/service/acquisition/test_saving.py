"""Errors that may pass, such as too many open files, never make a job or a field final."""

import errno
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import tifffile

from service.acquisition import saving
from service.errors import ImageError, UnreadableImageError
from service.image_files import images
from service.image_files.images import SavedImage, read_fm, read_pixels, require_unchanged
from service.image_files.saving import save_em, save_fm
from service.model.event import MISSING
from service.model.jobs import JobState
from service.model.phases import PauseCause, Phase
from service.report.summary import summarise
from service.watch.alarms import alarm_of
from tests.service.conftest import Start
from tests.service.faults import faulty
from tests.service.image_files.samples import FRAME, IN_VACUUM, IN_VAPOUR, LIGHT_PATH, PIXELS, SCAN
from tests.service.sessions import Session

pytestmark = pytest.mark.usefixtures("frames_once")

PASSING = [errno.EMFILE, errno.ENFILE, errno.EIO, errno.EINTR, errno.ENOMEM, errno.ESTALE, errno.EAGAIN]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_AGAIN_S", 0.0)


class Failing:
    """A function that fails so often."""

    def __init__(self, real: Callable[..., Any], error: Exception, times: int, only: str = "") -> None:
        self._real, self._error, self.left, self._only = real, error, times, only

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.left and (not self._only or self._only in str(args[0])):
            self.left -= 1
            raise self._error
        return self._real(*args, **kwargs)


@pytest.mark.parametrize("code", PASSING, ids=[errno.errorcode[code] for code in PASSING])
@pytest.mark.parametrize("times", [1, 99])
def test_an_image_that_cannot_be_read_now_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, times: int
) -> None:
    em = save_em(tmp_path / "J000001.ome.tiff", SCAN, "S0001", "J000001", (), IN_VACUUM)
    fm = save_fm(tmp_path / "F000.ome.tiff", FRAME, "S0001", "S0001/F000", LIGHT_PATH, IN_VAPOUR)
    reads: tuple[Callable[[], Any], ...] = (
        lambda: read_pixels(em.path, em.sha256),
        lambda: read_fm(fm.path, fm.sha256)[0],
    )
    with monkeypatch.context() as breaks:
        breaks.setattr(images, "checksum", Failing(images.checksum, OSError(code, "now"), times))
        with nullcontext() if times == 1 else pytest.raises(UnreadableImageError, match="cannot be read now"):
            require_unchanged(em.path, em.sha256)
    for read in reads:
        with monkeypatch.context() as breaks:
            breaks.setattr(images, "checksum", Failing(images.checksum, OSError(code, "now"), times))
            if times == 1:
                assert read().shape == PIXELS.shape
            else:
                with pytest.raises(UnreadableImageError, match="cannot be read now"):
                    read()


def test_a_frame_that_the_reader_cannot_open_now_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fm = save_fm(tmp_path / "F000.ome.tiff", FRAME, "S0001", "S0001/F000", LIGHT_PATH, IN_VAPOUR)
    opens = Failing(tifffile.TiffFile, OSError(errno.EMFILE, "Too many open files"), 2)
    monkeypatch.setattr(tifffile, "TiffFile", opens)
    assert read_fm(fm.path, fm.sha256)[0].shape == PIXELS.shape
    assert opens.left == 0


def test_a_file_that_is_not_there_is_lost_at_once(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as lost:
        read_pixels(tmp_path / "none.tiff", "00")
    assert not isinstance(lost.value, UnreadableImageError)


def test_a_write_that_fails_once_is_tried_again_and_a_full_disk_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = Failing(os.fsync, OSError(errno.EIO, "Input/output error"), 1)
    monkeypatch.setattr(os, "fsync", sync)
    assert save_em(tmp_path / "J000001.ome.tiff", SCAN, "S0001", "J000001", (), IN_VACUUM).path.is_file()
    full = Failing(os.fsync, OSError(errno.ENOSPC, "No space left on device"), 99)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_em(tmp_path / "J000002.ome.tiff", SCAN, "S0001", "J000002", (), IN_VACUUM)
    assert full.left == 98


def unreadable(times: int) -> Callable[[pytest.MonkeyPatch], Failing]:
    def break_it(monkeypatch: pytest.MonkeyPatch) -> Failing:
        fails = Failing(
            images.require_unchanged, UnreadableImageError("cannot be read now"), times, "J000001"
        )
        monkeypatch.setattr(saving, "require_unchanged", fails)
        return fails

    return break_it


def test_a_job_whose_image_cannot_be_read_back_at_first_is_done_later(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = unreadable(1)(monkeypatch)
    session = start()
    assert fails.left == 0
    assert session.store.status().phase is Phase.DONE
    assert {job.state for job in session.store.queue.jobs()} == {JobState.DONE}
    assert [event.data["to"] for event in session.store.queue.history("J000001")][-2:] == ["saved", "done"]


def test_a_job_whose_image_cannot_be_read_back_until_the_end_needs_review_and_keeps_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable(999)(monkeypatch)
    session = start()
    first, *others = session.store.queue.jobs()
    assert first.state is JobState.NEEDS_REVIEW
    assert "its image cannot be read back" in str(first.reason)
    assert first.image is not None
    assert (session.folder.path / first.image).is_file()
    assert {job.state for job in others} == {JobState.DONE}


@pytest.mark.parametrize("gone", [False, True])
def test_a_job_whose_image_is_changed_or_removed_after_it_was_saved_fails(
    start: Start, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    def harmed(path: Path, *given: Any) -> SavedImage:
        saved = save_em(path, *given)
        if "J000001" in path.name:
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
            if gone:
                path.unlink()
        return saved

    monkeypatch.setattr(saving, "save_em", harmed)
    first, *others = start().store.queue.jobs()
    assert first.state is JobState.FAILED
    assert "exposed, but its image is lost" in str(first.reason)
    assert {job.state for job in others} == {JobState.DONE}


def test_an_image_that_does_not_read_back_as_written_stays_in_memory_until_it_does(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Failing(save_em, ImageError("does not read back as written"), 1)
    monkeypatch.setattr(saving, "save_em", bad)
    session: Session = start()
    status = session.store.status()
    assert (status.phase, status.cause) == (Phase.PAUSED, PauseCause.IMAGE_NOT_SAVED)
    assert len(session.context.unsaved) == 1
    session.go_on()
    assert {job.state for job in session.store.queue.jobs()} == {JobState.DONE}


def test_images_that_somebody_removes_are_named_and_the_run_does_not_end_well(start: Start) -> None:
    removed: list[str] = []

    def scan(real: Callable[..., Any], *args: Any) -> Any:
        image = real(*args)
        done = session_of[0].store.queue.jobs(state=JobState.DONE)
        if done and not removed:
            removed.extend([str(session_of[0].store.specimen.fields()[0].image), str(done[0].image)])
            for name in removed:
                (session_of[0].folder.path / name).unlink()
        return image

    session_of: list[Session] = []
    session = start(faulty("sem", "scan", scan, times=-1), session_of.append)
    store = session.store
    assert store.status().phase is Phase.DONE
    assert len(removed) == 2
    (event,) = [event for event in store.events.each() if event.kind == MISSING]
    assert event.data == {"images": removed, "number": 2}
    alarm = alarm_of(event, store)
    assert alarm is not None
    assert alarm.what == f"2 saved images are no longer in the folder of the run: {', '.join(removed)}."
    (end,) = [event for event in store.events.each() if event.data.get("phase") == "done"]
    finished = alarm_of(end, store)
    assert finished is not None
    assert finished.to_do == "No longer there: 2 images; incidents.md of the run says why."
    summary = summarise(session.config, store, session.folder, None)
    assert summary.missing_images == tuple(removed)
    assert summary.end_state == "done"
    assert not summary.well
