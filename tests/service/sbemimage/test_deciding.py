"""Decisions for SBEMimage: what must never happen does not, whatever its calibration and its history."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.sbemimage.deciding import FIRST_ROI, decide
from service.sbemimage.placing import Placing, same_stage
from service.sbemimage.theirs.coordinates import Coordinates
from service.sbemimage.theirs.dialect import State, read_state, reply
from service.sbemimage.theirs.logs import begun_tiles
from service.sbemimage.theirs.session_file import KnownGrid
from service.sbemimage.values import Answer, Frame, Past, Verdict, Work
from service.words.sbemimage import VERDICTS
from tests.service.sbemimage.theirs import STATE, TILES, TheirGrid, TheirMicroscope

UM = 1e-6
ASKED = State.model_validate(STATE)
WORK = Work(
    (
        Frame("S0001", "J000001", (0.0, 0.0, 20 * UM, 15 * UM)),
        Frame("S0001", "J000002", (90 * UM, 0.0, 140 * UM, 15 * UM)),
        Frame("S0002", "J000003", (300 * UM, -40 * UM, 325 * UM, -22 * UM)),
    )
)


NEW = Past()


def answer(
    theirs: TheirMicroscope, past: Past = NEW, work: Work = WORK, placing: Placing | None = None
) -> Answer:
    folder = str(theirs.base_dir or "gone")
    folders = {folder, *(one.base_dir for one in past.offers)}
    begun = {one: begun_tiles(Path(one)) for one in folders}
    return decide(ASKED, work, theirs.session(), placing or same_stage(), past, begun, folder)


def after(past: Past, given: Answer) -> Past:
    return replace(past, offers=(*past.offers, *given.offers))


scales = st.tuples(
    *[st.sampled_from([-1, 1]).flatmap(lambda s: st.floats(0.8, 1.3).map(lambda v: s * v))] * 2
)
turns = st.tuples(st.floats(-3.1, 3.1), st.floats(-0.05, 0.05)).map(lambda t: (t[0], t[0] + t[1]))


@given(scales, turns, st.floats(-math.pi, math.pi), st.booleans(), st.floats(0, 3), st.data())
def test_tiles_cover_frames_under_any_calibration(
    scale: tuple[float, float],
    turn: tuple[float, float],
    rotated: float,
    mirrored: bool,
    margin: float,
    data: st.DataObject,
) -> None:
    tiles = replace(TILES, overlap_px=data.draw(st.floats(0, 600)))
    theirs = TheirMicroscope(Coordinates(scale, turn))
    theirs.grids[None, None].tiles = tiles
    c, s = math.cos(rotated), math.sin(rotated)
    linear = np.array([[c, -s], [s, c]]) @ np.diag([1.0, -1.0 if mirrored else 1.0])
    placing = Placing(linear, np.array([1000.0, -500.0]), margin)
    theirs.execute(answer(theirs, placing=placing).commands)
    for frame, key in zip(WORK.frames, [(1, FIRST_ROI), (1, FIRST_ROI + 1), (2, FIRST_ROI)], strict=True):
        grid = theirs.grids[key]
        assert grid.active
        assert grid.on == frozenset(range(grid.rows * grid.columns))
        x0, y0, x1, y1 = frame.rect_m
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        seen = theirs.coordinates.to_sem(placing.to_theirs(corners))
        rects = np.array(list(grid.rects().values()))
        assert (rects[:, :2].min(axis=0) - 2e-3 <= seen.min(axis=0) - margin).all()
        assert (rects[:, 2:].max(axis=0) + 2e-3 >= seen.max(axis=0) + margin).all()
        # Without a tile to spare.
        reach = rects[:, 2:].max(axis=0) - rects[:, :2].min(axis=0)
        needed = seen.max(axis=0) - seen.min(axis=0) + 2 * margin
        step = np.array(tiles.size_um) - tiles.overlap_um
        assert ((reach - needed < step + 2e-3) | (np.array([grid.columns, grid.rows]) == 1)).all()


def test_only_what_is_planned_is_exposed() -> None:
    theirs = TheirMicroscope()
    theirs.grids[None, 3] = TheirGrid((0.0, 0.0), 1, 1, (9.0, 9.0), on=frozenset({0}))
    theirs.grids[5, 0] = TheirGrid((0.0, 0.0), 1, 1, (9.0, 9.0), on=frozenset({0}))
    given = answer(theirs)
    assert given.verdict is Verdict.GRIDS
    theirs.execute(given.commands)
    done = theirs.acquire()
    assert {key for key, _ in done} == {(1, 1000), (1, 1001), (2, 1000)}
    # The frame of 50 um needs three tiles.
    assert len(done) == 5


@pytest.mark.parametrize(
    ("work", "verdict"),
    [
        (replace(WORK, unfinished=("S0009",)), Verdict.FLUORESCENCE_MISSING),
        (replace(WORK, at_work=True), Verdict.SESSION_AT_WORK),
        (Work(()), Verdict.NOTHING_LEFT),
    ],
)
def test_without_fluorescence_there_is_a_pause_and_no_grid(work: Work, verdict: Verdict) -> None:
    theirs = TheirMicroscope()
    given = answer(theirs, work=work)
    assert (given.verdict, given.offers) == (verdict, ())
    theirs.execute(given.commands)
    assert theirs.paused
    assert list(theirs.grids) == [(None, None)]


def test_nothing_is_exposed_twice_over_pauses_and_crashes(tmp_path: Path) -> None:
    """The logs say what was begun, also after SBEMimage was killed and forgot its grids."""
    theirs, past = TheirMicroscope(base_dir=tmp_path), Past()
    seen = []
    for most, killed in (
        (0, False),
        (1, False),
        (2, True),
        (1, False),
        (None, False),
        (None, True),
        (None, False),
    ):
        given = answer(theirs, past)
        past = after(past, given)
        theirs.execute(given.commands)
        seen += theirs.acquire(most)
        if killed:
            theirs = TheirMicroscope(base_dir=tmp_path)
    assert len(seen) == len(set(seen)) == 5
    assert answer(theirs, past).verdict is Verdict.NOTHING_LEFT


def test_unseen_logs_count_as_exposed() -> None:
    theirs = TheirMicroscope()
    given = answer(theirs)
    past = after(Past(), given)
    assert answer(theirs, past).verdict is Verdict.NOTHING_LEFT
    # New frames are still offered, and those before are switched off.
    more = replace(WORK, frames=(*WORK.frames, Frame("S0001", "J000009", (0.0, 1e-4, 1e-5, 1.1e-4))))
    theirs.execute(given.commands)
    theirs.acquire()
    second = answer(theirs, past, more)
    assert [(one.frame, one.number) for one in second.offers] == [("S0001/J000009", (1, 1002))]
    theirs.execute(second.commands)
    assert {key for key, _ in theirs.acquire()} == {(1, 1002)}


def test_a_person_may_ask_for_a_frame_once_more(tmp_path: Path) -> None:
    theirs = TheirMicroscope(base_dir=tmp_path)
    given = answer(theirs)
    theirs.execute(given.commands)
    theirs.acquire()
    past = replace(after(Past(), given), released=frozenset({(1, 1000)}))
    again = answer(theirs, past)
    assert [(one.frame, one.number) for one in again.offers] == [("S0001/J000001", (1, 1002))]
    theirs.execute(again.commands)
    assert theirs.acquire() == [((1, 1002), 0)]


def test_the_same_answer_twice_changes_nothing(tmp_path: Path) -> None:
    """The button Test, a second connection, a reply that was lost."""
    theirs = TheirMicroscope(base_dir=tmp_path)
    first = answer(theirs)
    theirs.execute(first.commands)
    second = answer(theirs, after(Past(), first))
    assert [one.number for one in second.offers] == [one.number for one in first.offers]
    before = {key: replace(one) for key, one in theirs.grids.items()}
    theirs.execute(second.commands)
    assert theirs.grids == before


def test_a_grid_that_a_person_switched_off_stays_off(tmp_path: Path) -> None:
    theirs = TheirMicroscope(base_dir=tmp_path)
    first = answer(theirs)
    theirs.execute(first.commands)
    theirs.grids[2, 1000].active = False
    second = answer(theirs, after(Past(), first))
    theirs.execute(second.commands)
    assert (2, 1000) not in {key for key, _ in theirs.acquire()}


def test_settings_that_would_expose_more_pause() -> None:
    theirs = TheirMicroscope()
    session = theirs.session()
    grid = session.grids[0]

    def verdict(**changes: Any) -> Verdict:
        other = replace(session, **changes)
        return decide(ASKED, WORK, other, same_stage(), Past(), {}, "gone").verdict

    def tiles(**changes: Any) -> Verdict:
        return verdict(grids=(replace(grid, tiles=replace(TILES, **changes)),))

    ours = KnownGrid(1, 1000, True, 0.0, TILES)
    assert verdict() is Verdict.GRIDS
    assert verdict(microtome=True) is Verdict.MICROTOME
    assert verdict(focuses_elsewhere=True) is Verdict.FOCUS_ELSEWHERE
    assert tiles(pixel_size_nm=51.0) is Verdict.TILE_TOO_LARGE
    assert (
        tiles(overlap_px=601.0) is tiles(row_shift_px=5.0) is tiles(overlap_px=-1.0) is Verdict.TEMPLATE_UNFIT
    )
    assert verdict(grids=(grid, ours)) is Verdict.FOREIGN_GRID
    past = after(Past(), answer(theirs))
    other = replace(session, grids=(grid, replace(ours, tiles=replace(TILES, dwell_us=3.0))))
    assert decide(ASKED, WORK, other, same_stage(), past, {}, "gone").verdict is Verdict.GRID_CHANGED
    moved = replace(WORK, frames=(replace(WORK.frames[0], rect_m=(0.0, 0.0, 19 * UM, 15 * UM)),))
    assert answer(theirs, past, moved).verdict is Verdict.PLAN_CHANGED


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert read_state(data) is None


@pytest.mark.parametrize("number", [-1, "x", None, 1.5, 10**9])
def test_a_state_with_impossible_overviews_is_none(number: object) -> None:
    assert read_state(reply([])) is None
    assert read_state(b'{"overviews": {"number_ov": 3}, "z_depth": NaN}') is not None
    assert read_state(f'{{"overviews": {{"number_ov": {number!r}}}}}'.encode()) is None


def test_every_verdict_has_words() -> None:
    assert set(VERDICTS) == {one.value for one in Verdict}
