"""Sessions whose cells a person edits in the review."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.cli.live.session_summary import print_summary
from service.model.jobs import JobState
from service.model.phases import Phase
from service.model.review import EditKind, PolicyChange, Verdict
from service.planning.review.asked import Asked
from service.report.summary import summarise
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    config = small_config(session={"review": True}, simulator={"specimen": {"cells_per_field": 6, "seed": 5}})
    made = Session(tmp_path / "run", config)
    made.run()
    yield made
    made.end()


def frames(session: Session) -> set[Any]:
    session.analysis.wait(lambda: None)
    return {job.rect_m for job in session.store.queue.jobs(JobState.QUEUED)}


def test_edits_of_a_review_are_imaged_undone_and_kept_through_a_restart(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    store, control = session.store, session.control
    assert store.status().phase is Phase.REVIEW
    before, cells = frames(session), store.specimen.cells()
    assert all(cell.reach_um is not None for cell in cells if cell.seen)
    assert store.specimen.fields()[0].frame is not None
    first = next(cell for cell in cells if cell.image_rect_m is not None)
    box = (4, 4, 40, 40)
    control.edit([Asked(EditKind.REJECT, cell=first.id)], "kim", "a fold")
    control.edit([Asked(EditKind.DRAW, field=first.field, box_px=box)], "kim", "")
    tried = PolicyChange(dilate_um=1.5)
    seen = control.preview_policy(tried, first.field)
    # Neither an event that leaves the cells alone nor a plan made meanwhile changes the cells of a preview.
    store.events.note("focus", first.section, {})
    frames(session)
    again_seen = control.preview_policy(tried, first.field)
    assert (again_seen.cells, again_seen.boxes_px) == (seen.cells, seen.boxes_px)
    assert again_seen.electron_s is not None
    control.set_policy(tried, "kim", "")
    after = frames(session)
    assert after != before
    now = {cell.id: cell for cell in store.specimen.cells()}
    assert {name: now[name].image_box_px for name in seen.boxes_px} == dict(seen.boxes_px)
    drawn = now[f"{first.field}/p0001"]
    assert (now[first.id].verdict, drawn.verdict) == (Verdict.REJECTED, Verdict.DRAWN)
    for _ in range(3):
        control.undo("kim", mine=True)
    assert frames(session) == before
    # Killed before anything is planned again: the next process does it.
    session.runner.plan_again = lambda: None  # type: ignore[method-assign]
    control.edit([Asked(EditKind.REJECT, cell=first.id, whole_track=True)], "kim", "a fold")
    control.edit([Asked(EditKind.DRAW, field=first.field, box_px=box)], "ben", "")
    assert store.queue.next_job(first.section) is None
    session.end()
    again = Session.again(session)
    again.run()
    again.go_on()
    assert again.store.status().phase is Phase.REVIEW
    again.go_on(again.control.confirm_review)
    assert again.store.status().phase is Phase.DONE
    found = {cell.id: cell for cell in again.store.specimen.cells()}
    assert all(cell.jobs == () for cell in found.values() if cell.verdict is Verdict.REJECTED)
    assert found[first.id].verdict is Verdict.REJECTED
    last = max(name for name in found if "/p" in name)
    assert {again.store.queue.job(name).state for name in found[last].jobs} == {JobState.DONE}
    assert all(cell.jobs or cell.skipped for cell in found.values())
    summary = summarise(again.config, again.store, again.folder, None)
    rejected = sum(cell.verdict is Verdict.REJECTED for cell in found.values())
    assert summary.reviewed_cells == {"rejected": rejected, "drawn": 1}
    # Frames of the plans before are withdrawn: nobody has skipped one.
    assert again.store.queue.counts()[JobState.WITHDRAWN] > summary.jobs["skipped"] == 0
    assert summary.well
    print_summary(summary, again.folder)
    assert f"cells by hand: {rejected} rejected, 1 drawn" in capsys.readouterr().out
    # The fixture ends the first session, whose store is closed.
    again.end()
    session.end = lambda: None  # type: ignore[method-assign]
