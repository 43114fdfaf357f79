"""A focus of the beam beside those of the sections around it, on a SEM that finds what the test gives it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.sem import BeamSettings, ScanImage, ScanRequest
from service.autofocus.beam import FocusScan, focus_elsewhere, focus_for
from service.model.focus import Focus, FocusBeam, FocusState
from service.model.jobs import Job, JobKind
from service.session.context import Context
from tests.service.sessions import Session, small_config
from tests.service.store.stores import job

LEVEL_M, FAR_M = 5e-3, 40e-6
REQUEST = ScanRequest((64, 48), 40e-9, 1e-6, "nonce")


class Column:
    """A SEM that finds a height that it is given, and notes what is set."""

    def __init__(self, found_m: float = LEVEL_M, colours: bool = False) -> None:
        self.found_m, self.scans = found_m, 0
        self.set_m: list[float] = []
        self._shape = (48, 64, 3) if colours else (48, 64)

    def autofocus(self, _: ScanRequest, __: float) -> float:
        return self.found_m

    def set_focus(self, working_distance_m: float) -> None:
        self.set_m.append(working_distance_m)

    def scan(self, request: ScanRequest, _: float) -> ScanImage:
        self.scans += 1
        pixels = np.random.default_rng(1).integers(0, 255, self._shape).astype(np.uint8)
        beam = BeamSettings(2e3, 3.0, 30e-6, LEVEL_M, "ETD")
        return ScanImage(pixels, (0.0, 0.0), request.pixel_size_m, request.dwell_s, request.nonce, beam)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    config = small_config(layout={"sections": 9, "columns": 3}, session={"autofocus": True})
    session = Session(tmp_path / "run", config)
    yield session.context
    session.store.close()


def with_column(context: Context, column: Column, focused: bool = True) -> Context:
    device: Any = column
    return replace(context, devices=replace(context.devices, sem=device, focus=device if focused else None))


def spot(context: Context, section: int) -> Job:
    """Queue the focus of a section."""
    place = context.store.specimen.sections()[section]
    number = context.store.queue.next_number()
    made = replace(job(number, place.id), kind=JobKind.FOCUS, center_m=place.center_m)
    context.store.queue.add_plan(place.id, [made], {})
    return made


def focused(context: Context, section: int, off_m: float = 0.0) -> Focus:
    """Focus on a section that is found so far off the level plate."""
    column = Column(LEVEL_M + off_m)
    FocusScan().execute(with_column(context, column), spot(context, section), REQUEST, 60.0)
    assert column.scans == 1
    known = context.store.focus.latest(FocusBeam.ELECTRON)
    assert known is not None
    # The image is taken at the height that is used.
    assert (column.set_m[1:] or [column.found_m])[-1] == pytest.approx(known.used_m)
    return known


def test_one_focus_off_the_plane_is_overruled_and_those_after_it_on_that_side_are_believed(
    context: Context,
) -> None:
    for section in range(5):
        assert focused(context, section).state is FocusState.USED
    first = focused(context, 5, FAR_M)
    assert first.state is FocusState.OUTLIER
    assert first.used_m == pytest.approx(LEVEL_M)
    for section in (6, 7):
        later = focused(context, section, FAR_M)
        assert later.state is FocusState.USED, section
        assert later.used_m == pytest.approx(LEVEL_M + FAR_M)


def test_a_second_focus_to_the_other_side_is_overruled_as_well(context: Context) -> None:
    for section in range(5):
        focused(context, section)
    assert focused(context, 5, FAR_M).state is FocusState.OUTLIER
    other = focused(context, 6, -FAR_M)
    assert other.state is FocusState.OUTLIER
    assert other.used_m == pytest.approx(LEVEL_M)


def test_a_wrong_focus_that_was_used_is_marked_once_the_sections_around_it_show_it(context: Context) -> None:
    # Of the first few nobody knows which is wrong.
    assert focused(context, 0, FAR_M).state is FocusState.USED
    for section in range(1, 5):
        focused(context, section)
    found = {one.section: one.state for one in context.store.focus.all(FocusBeam.ELECTRON)}
    wrong = context.store.specimen.sections()[0].id
    assert found.pop(wrong) is FocusState.OUTLIER
    assert set(found.values()) == {FocusState.USED}


def test_of_an_image_in_colours_no_sharpness_is_measured(context: Context) -> None:
    FocusScan().execute(with_column(context, Column(colours=True)), spot(context, 0), REQUEST, 60.0)
    known = context.store.focus.latest(FocusBeam.ELECTRON)
    assert known is not None
    assert (known.state, known.score) == (FocusState.USED, None)
    assert focused(context, 1).score is not None


def test_where_the_machine_has_no_automatic_focus_its_spot_is_only_scanned(context: Context) -> None:
    column = Column()
    without = with_column(context, column, focused=False)
    FocusScan().execute(without, spot(context, 0), REQUEST, 60.0)
    assert (column.scans, column.set_m) == (1, [])
    assert context.store.focus.all() == []
    assert not focus_elsewhere(without, job(1)), "nothing is queued that nobody can do"


def test_a_section_whose_height_was_left_as_it_is_stays_there(context: Context) -> None:
    section = context.store.specimen.sections()[0]
    context.store.focus.add(
        Focus(FocusBeam.ELECTRON, section.id, section.center_m, FocusState.NOT_FOUND, used_m=None)
    )
    column = Column()
    assert focus_for(with_column(context, column), job(1, section.id))
    assert column.set_m == []
    assert context.focused.beam == section.id
