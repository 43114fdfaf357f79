"""A frame that was taken again: all that tells where an image is from has both of its images."""

from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from service.model.images.checks import CheckKind
from service.model.jobs import ExposureState, JobState
from service.report.summary import summarise
from service.words.checks import counts_say
from tests.service.conftest import Start
from tests.service.faults import Spoiled, blank, cut_off
from tests.service.report.html.test_write import report_of
from tests.service.saying import Said

pytestmark = pytest.mark.usefixtures("frames_once")


def test_both_images_are_in_the_crate_the_trace_and_the_report_once(
    start: Start, say: Said, tmp_path: Path
) -> None:
    session = start(Spoiled(lambda image: cut_off(image, 150), {1}).into)
    store, folder = session.store, session.folder.path
    job = store.queue.jobs()[0]
    first, second = store.images.of_jobs([job.id])[job.id]
    assert job.image == second.file

    assert say("trace", folder, "--crate")[0] == 0
    crate = ROCrate(folder)
    assert {one.id for one in crate.data_entities} >= {
        str(path.relative_to(folder)) for path in folder.rglob("*.tiff")
    }
    ended = {one.data["exposure"]: one.at for one in store.events.of("job") if one.data["to"] == "exposed"}
    for action, image in ((f"#{job.id}", second), (f"#{job.id}-exposure-{first.exposure}", first)):
        assert crate.get(action)["result"] == crate.get(image.file)
        assert crate.get(action)["endTime"] == ended[image.exposure]
        assert crate.get(image.file)["sha256"] == image.sha256

    _, text, _ = say("trace", folder / first.file)
    lines = {line.split()[1]: line for line in text.splitlines() if line.startswith("exposure")}
    assert f"{first.file}, unchanged" in lines[str(first.exposure)]
    assert "rows show nothing" in lines[str(first.exposure)]
    assert f"taken again for exposure {first.exposure}; {second.file}" in lines[str(second.exposure)]

    page = report_of(session, tmp_path)
    assert len(page.of_class("frame")) == len(store.ledger.exposures())
    # Hidden beneath the second one, the first would only make the report larger.
    assert len(page.of_class("electron", "image")) == len(store.queue.jobs(JobState.DONE))


def test_the_beam_time_is_that_of_all_scans_that_ended_good_or_bad(start: Start) -> None:
    # The last one needs review: nothing proves the beam after it.
    scans = len(start().store.ledger.exposures())
    session = start(Spoiled(blank, {1, scans + 1}).into)
    store = session.store
    rows = store.ledger.exposures()
    assert {row.state for row in rows} == {ExposureState.CLOSED}
    assert len(rows) == scans + 1
    assert store.queue.jobs(JobState.NEEDS_REVIEW)
    summary = summarise(session.config, store, session.folder, None)
    assert summary.beam_s == pytest.approx(sum(row.beam_s or 0.0 for row in rows))


def test_a_bad_image_that_waits_to_be_taken_again_is_in_the_report_of_a_run_under_way(
    start: Start, tmp_path: Path
) -> None:
    session = start(
        Spoiled(blank, range(1, 99)).into, session={"min_free_disk_gb": 0, "max_failures_in_a_row": 2}
    )
    waiting = session.store.images.waiting()
    assert waiting
    text = report_of(session, tmp_path).text
    states = [job.state for job in session.store.queue.jobs()]
    assert JobState.DONE not in states
    assert f"{len(states)} to do</td>" in text
    assert f"{len(waiting)} to be taken again</td>" in text
    assert all(f"{job.id}, {job.image}, to be taken again: its image is dark" in text for job in waiting)


def test_status_summary_and_report_count_the_same_images(start: Start, say: Said, tmp_path: Path) -> None:
    # One frame is cut off and taken again, and the last one stays so.
    scans = len(start().store.ledger.exposures())
    session = start(Spoiled(lambda image: cut_off(image, 150), {1, scans + 1}).into)
    counts = session.store.images.counts()
    assert (counts.bad, counts.taken_again) == ({CheckKind.TRUNCATED: 2}, 1)
    summary = summarise(session.config, session.store, session.folder, None)
    assert summary.images == counts
    assert len(summary.flagged_images) == 1
    said = counts_say(counts)
    assert said == "2 cut off, 1 taken again"
    assert f"{said}</td>" in report_of(session, tmp_path).text
    _, text, _ = say("status", "--run", session.folder.path)
    assert f"images      {said}" in text
