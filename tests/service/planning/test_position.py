"""Frames of a stage position are planned again only where nothing else was decided about them."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.model import Config
from service.model.images.checks import CheckedImage
from service.model.jobs import Job, JobState
from service.planning.position import Replanned, replan_position
from service.store.store import Store
from service.store.tables.steering import Word
from tests.service.planning.review.review_store import CONFIG, plan_all, review_store

SECTION = "S0001"
SEM = {"pixel_size_nm": 50, "beam_reach_um": [80, 80], "max_scan_px": [400, 400]}
BEAM = Config.model_validate(CONFIG.model_dump(mode="json", exclude_defaults=True) | {"sem": SEM})


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Store]:
    """A section of which all frames are scanned from one position."""
    store = review_store(tmp_path, plan=False)
    plan_all(store, BEAM)
    yield store
    store.close()


def frames(store: Store) -> list[Job]:
    found = store.queue.jobs(section=SECTION)
    assert len(found) > 1
    assert len({job.stage_m for job in found}) == 1
    return found


def again(store: Store, job: Job) -> Replanned:
    found = replan_position(BEAM, store, SECTION, job.stage_m, None)
    assert found is not None
    return found


def test_queued_frames_are_planned_again_for_the_same_cells_where_they_stand(planned: Store) -> None:
    old = frames(planned)
    found = again(planned, old[0])
    assert {job.id for job in found.old} == {job.id for job in old}
    covered = {cell for job in found.new for cell in job.covers}
    assert covered | set(found.skipped) == {cell for job in old for cell in job.covers}
    assert all(math.dist(job.stage_m, old[0].stage_m) < 1e-9 for job in found.new)
    elsewhere = replace(old[0], center_m=(1.0, 1.0), beam_shift_m=(0.0, 0.0))
    assert replan_position(BEAM, planned, SECTION, elsewhere.stage_m, None) is None


def test_a_frame_that_is_to_be_taken_again_stays_as_it_was_taken(planned: Store) -> None:
    first, *others = frames(planned)
    row = planned.ledger.arm(first.id, first.rect_m, 0.0)
    planned.ledger.done(row.id)
    planned.queue.set_state(first.id, JobState.SAVED, image="em/first.tiff", sha256="0" * 64)
    planned.images.add(CheckedImage(row.id, first.id, "em/first.tiff", "0" * 64, ()))
    planned.images.hold_for_retake(first.id, row.id, "black")
    planned.queue.set_state(first.id, JobState.QUEUED)
    assert {job.id for job in again(planned, first).old} == {job.id for job in others}


def test_a_frame_that_a_person_steered_stays_as_it_is(planned: Store) -> None:
    first, *others = frames(planned)
    planned.steering.hold([first.id], Word("kim", "a fold"))
    planned.steering.release([first.id], Word("kim", "no fold"))
    assert planned.queue.job(first.id).state is JobState.QUEUED
    assert {job.id for job in again(planned, first).old} == {job.id for job in others}
