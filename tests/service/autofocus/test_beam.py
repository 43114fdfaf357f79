"""The focus of light and beam in sessions: on a tilted plate, with a machine that errs, across a restart."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from config.instrument import SemConfig
from config.model import Config
from drivers.errors import DeviceTimeoutError, FocusNotFoundError, NotReadyError
from drivers.pose import RectM
from drivers.sem import ScanRequest
from planner.focus_plane import fit_focus_plane
from planner.geometry.rects import touch
from service.api.handler import Handler
from service.api.wire.focus import FocusRow
from service.autofocus import beam as beam_focus
from service.autofocus.expected_height import measured
from service.autofocus.spot import choose_spot
from service.cli.live.focusing import focus_text, height_text
from service.errors import StoreError
from service.model.focus import Focus, FocusBeam, FocusState
from service.model.jobs import ExposureState, Job, JobKind, JobState
from service.model.phases import Phase
from service.model.specimen import Section
from service.report.summary import summarise
from service.session.context import Context
from service.session.setup import Setup
from service.session.stage_frame import StageFrame
from service.store.tables.steering import Word
from simulators.devices.plate import defocus_sigma_m, plate_height_m, sharp_working_distance_m
from tests.service.annotations import annotations_of
from tests.service.api.api_session import DirectControl
from tests.service.faults import Faulty, faulty, raising, with_device
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")

SECTIONS = 15


def on_plate(sections: int, autofocus_um: float = 0.0, **simulator: object) -> Config:
    """Sections of a tilted plate, small and with few cells, on which the beam is focused."""
    return small_config(
        layout={"sections": sections, "pitch_um": 500, "columns": 5, "first_um": [-1000, 700]},
        fluorescence={"autofocus_um": autofocus_um, "frame_px": [208, 208]},
        sem={"pixel_size_nm": 40},
        session={"autofocus": True},
        planner={"context_um": 0.5},
        simulator={
            "plate_height_um": 5,
            "plate_tilt_mrad": [4, -3],
            "specimen": {"cells_per_field": 1, "cell_radius_um": 4, "seed": 5},
            **simulator,
        },
    )


def level(sections: int, **specimen: object) -> Config:
    """The same where the plate is level, so that the light needs no focus."""
    cells = {"cells_per_field": 1, "cell_radius_um": 4, "seed": 5} | specimen
    return on_plate(sections, plate_height_um=0, plate_tilt_mrad=[0, 0], specimen=cells)


class WrongTwice:
    """An automatic focus that is far off at its seventh and tenth time."""

    def __init__(self, focus: Any) -> None:
        self._focus, self._times = focus, 0

    def autofocus(self, request: ScanRequest, timeout_s: float) -> float:
        self._times += 1
        off_m = {7: 40e-6, 10: -25e-6}.get(self._times, 0.0)
        found_m = self._focus.autofocus(request, timeout_s) + off_m
        self._focus.set_focus(found_m)
        return float(found_m)

    def set_focus(self, working_distance_m: float) -> None:
        self._focus.set_focus(working_distance_m)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Fifteen sections; two focuses of the beam are wrong."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    session = Session(folder, on_plate(SECTIONS, autofocus_um=4), with_device("focus", WrongTwice))
    session.run(300)
    assert session.store.status().phase is Phase.DONE
    yield session
    session.end()


def test_every_image_is_sharp_though_two_focuses_were_wrong(whole: Session) -> None:
    jobs = whole.store.queue.jobs(state=JobState.DONE)
    assert {job.section for job in jobs} == {f"S{n:04d}" for n in range(1, SECTIONS + 1)}
    for job in jobs:
        used_m = float(annotations_of(whole.folder.path / str(job.image))["ilemtrack.working_distance_m"])
        off_m = used_m - sharp_working_distance_m(whole.config, job.center_m)
        # The scan of a spot that was found wrong is taken as the plane has it, too.
        assert abs(off_m) < 2e-6, (job.id, job.section)
        assert defocus_sigma_m(off_m, 30e-6, used_m) < 0.2 * job.pixel_size_m


def test_the_plane_is_found_and_who_is_off_it(whole: Session) -> None:
    found = measured(whole.store.focus.all(FocusBeam.ELECTRON))
    assert len(found) == SECTIONS
    wrong = [one for one in found if one.state is FocusState.OUTLIER]
    off_um = sorted(
        ((one.found_m or 0) - sharp_working_distance_m(whole.config, one.place_m)) * 1e6 for one in wrong
    )
    assert off_um == [pytest.approx(-25, abs=3), pytest.approx(40, abs=3)]
    good = [one for one in found if one.state is FocusState.USED]
    fit = fit_focus_plane([one.place_m for one in good], [one.found_m or 0.0 for one in good], 5e-6)
    assert fit.outliers == ()
    for section in whole.store.specimen.sections():
        true_m = sharp_working_distance_m(whole.config, section.center_m)
        assert fit.plane.at(section.center_m) == pytest.approx(true_m, abs=0.7e-6)


def test_outliers_are_told_everywhere(whole: Session) -> None:
    found = whole.store.focus.all(FocusBeam.ELECTRON)
    wrong = [one.section for one in found if one.state is FocusState.OUTLIER]
    assert len(wrong) == 2
    events = whole.store.events.since(0)
    assert [e.subject for e in events if e.kind == "focus" and e.data["state"] == "outlier"] == wrong
    (beam, light) = summarise(whole.config, whole.store, whole.folder, None).focus
    assert (beam.beam, beam.used, beam.outliers) == ("electron", SECTIONS - 2, tuple(wrong))
    assert (light.beam, light.used) == ("light", SECTIONS)
    handler = Handler(whole.store, DirectControl(whole.store), "ipc:///nowhere")

    def ask(method: str, **params: object) -> Any:
        request = {"v": 1, "id": "a", "method": method, "params": params}
        return json.loads(handler.answer(json.dumps(request).encode()))["result"]

    page = ask("focus.list", beam="electron", limit=10)
    rest = ask("focus.list", beam="electron", after=page["after"])
    rows = page["focuses"] + rest["focuses"]
    assert rest["after"] is None
    assert [row["section"] for row in rows if row["state"] == "outlier"] == wrong
    assert all(row["score"] > 0 and row["reason"] for row in rows if row["state"] == "outlier")
    told = {one["beam"]: one for one in ask("status")["focus"]}
    assert (told["electron"]["used"], told["electron"]["outliers"]) == (SECTIONS - 2, 2)
    detail = ask("queue.get", job=rows[-1]["job"])
    assert detail["row"]["kind"] == "focus"
    assert detail["focus"]["found_m"] == rows[-1]["found_m"]
    assert {path.name for path in whole.folder.pictures.glob("focus_*")} == {
        "focus_electron.png",
        "focus_light.png",
    }


def test_what_a_focus_exposes_is_in_the_ledger_with_its_time(whole: Session) -> None:
    store = whole.store
    spots = [job for job in store.queue.jobs() if job.kind is JobKind.FOCUS]
    assert len(spots) == SECTIONS
    for spot in spots:
        (row,) = store.ledger.exposures(job=spot.id)
        assert row.state is ExposureState.CLOSED
        # Five quick scans and what lies between them, before the one that is kept.
        assert row.beam_s is not None
        assert row.beam_s > spot.beam_s + 5 * spot.size_px[0] * spot.size_px[1] * 1e-6
    frame = next(job for job in store.queue.jobs() if job.kind is JobKind.FRAME)
    assert store.ledger.exposures(job=frame.id)[0].beam_s == pytest.approx(frame.beam_s)
    summary = summarise(whole.config, store, whole.folder, None)
    beam_s = [row.beam_s for row in store.ledger.exposures()]
    assert summary.beam_s == pytest.approx(sum(s for s in beam_s if s is not None))


def test_the_light_follows_the_plate_with_fewer_exposures(whole: Session) -> None:
    found = whole.store.focus.all(FocusBeam.LIGHT)
    for one in found:
        assert one.used_m == pytest.approx(plate_height_m(whole.config, one.place_m), abs=0.6e-6)
    taken = [one.exposures for one in found]
    assert taken[:5] == [9] * 5
    assert taken.count(5) > SECTIONS / 2
    assert sum(taken) < 0.8 * 9 * SECTIONS
    assert found[0].exposed_s == pytest.approx(9 * whole.config.fluorescence.exposure_s)


Start = Callable[..., Session]


@pytest.fixture
def start(tmp_path: Path, unpictured: None) -> Iterator[Start]:
    sessions: list[Session] = []

    def make(config: Config, change: Callable[[Setup], Setup] = lambda setup: setup) -> Session:
        session = Session(tmp_path / f"run{len(sessions)}", config, change)
        sessions.append(session)
        return session

    yield make
    for session in sessions:
        session.end()


def pause_at_spot(session: Session, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pause as soon as that focus is queued."""
    real, seen = beam_focus._queue, [0]

    def queue(context: Context, job: Job) -> bool:
        seen[0] += 1
        if seen[0] == number:
            session.control.pause()
        return real(context, job)

    monkeypatch.setattr(beam_focus, "_queue", queue)


def test_a_restart_goes_on_with_the_same_heights_and_a_focus_stays_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unpictured: None
) -> None:
    old = Session(tmp_path / "run", on_plate(7, autofocus_um=4))
    pause_at_spot(old, 6, monkeypatch)
    old.run()
    assert old.store.status().phase is Phase.PAUSED
    before = old.store.focus.all()
    (waiting,) = (job for job in old.store.queue.jobs(state=JobState.QUEUED) if job.kind is JobKind.FOCUS)
    old.end()
    starts: list[float] = []

    def noting(real: Any, working_distance_m: float) -> None:
        starts.append(working_distance_m)
        real(working_distance_m)

    new = Session.again(old, with_device("focus", lambda focus: Faulty(focus, "set_focus", noting, times=1)))
    new.run()
    new.go_on()
    assert new.store.status().phase is Phase.DONE, new.store.status()
    after = new.store.focus.all()
    assert after[: len(before)] == before
    electron = [one for one in after if one.beam is FocusBeam.ELECTRON]
    assert len(electron) == 7
    assert new.store.queue.job(waiting.id).state is JobState.DONE
    assert electron[5].job == waiting.id
    # It begins where the sections before the restart say, not where the column is configured.
    assert starts == [electron[5].start_m]
    assert starts[0] == pytest.approx(sharp_working_distance_m(new.config, waiting.center_m), abs=2e-6)
    # The light was focused before, and is not searched again.
    assert [one.beam for one in after].count(FocusBeam.LIGHT) == 7
    new.end()


@pytest.mark.parametrize("times", [1, 2])
def test_a_focus_that_is_interrupted_is_given_up_and_once_another_follows_on_another_spot(
    start: Start, times: int
) -> None:
    lost = faulty("focus", "autofocus", raising(DeviceTimeoutError("no answer")), times=times)
    session = start(level(2), lost)
    session.run()
    store = session.store
    assert store.status().phase is Phase.DONE
    focuses = [one for one in store.queue.jobs(section="S0001") if one.kind is JobKind.FOCUS]
    first, second = sorted(focuses, key=lambda one: one.id)
    assert not touch(first.rect_m, second.rect_m)
    assert first.state is JobState.SKIPPED
    assert second.state is (JobState.DONE if times == 1 else JobState.SKIPPED)
    assert [("another spot" in str(one.reason)) for one in (first, second)] == [True, False]
    (row,) = store.ledger.exposures(job=first.id)
    assert (row.state, row.beam_s) == (ExposureState.UNKNOWN, None)
    known = store.focus.latest(FocusBeam.ELECTRON, "S0001")
    assert known is not None
    assert known.state is (FocusState.USED if times == 1 else FocusState.NOT_FOUND)
    if times == 2:
        assert known.used_m == session.config.sem.working_distance_mm / 1e3
        assert second.id in str(known.reason)
    # Nobody has anything left to decide, and no ground is exposed twice.
    assert not store.queue.jobs(state=JobState.NEEDS_REVIEW)
    assert {job.state for job in store.queue.jobs() if job.kind is JobKind.FRAME} == {JobState.DONE}
    assert len({row.job for row in store.ledger.exposures()}) == len(store.ledger.exposures())


def test_a_focus_that_is_refused_asks_nobody_and_costs_no_image(start: Start) -> None:
    session = start(level(2), faulty("focus", "set_focus", raising(NotReadyError("busy")), times=3))
    session.run()
    store = session.store
    assert store.status().phase is Phase.DONE
    (refused,) = store.queue.jobs(state=JobState.FAILED)
    assert refused.kind is JobKind.FOCUS
    assert "nothing was exposed" in str(refused.reason)
    assert {row.state for row in store.ledger.exposures(job=refused.id)} == {ExposureState.VOID}
    assert {job.state for job in store.queue.jobs() if job.id != refused.id} == {JobState.DONE}


def test_a_focus_that_finds_nothing_costs_no_image(start: Start) -> None:
    session = start(level(3), faulty("focus", "autofocus", raising(FocusNotFoundError("nothing")), times=2))
    session.run()
    store = session.store
    assert {job.state for job in store.queue.jobs()} == {JobState.DONE}
    states = [one.state for one in store.focus.all(FocusBeam.ELECTRON)]
    assert states == [FocusState.NOT_FOUND, FocusState.NOT_FOUND, FocusState.USED]
    (beam,) = summarise(session.config, store, session.folder, None).focus
    assert len(beam.not_found) == 2


def test_a_section_without_a_spot_gets_the_height_of_the_nearest(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(sem: SemConfig, frame: StageFrame, section: Section, *rest: Any) -> RectM | None:
        return None if section.id == "S0002" else choose_spot(sem, frame, section, *rest)

    monkeypatch.setattr(beam_focus, "choose_spot", choose)
    session = start(level(3))
    session.run()
    by_section = {one.section: one for one in session.store.focus.all(FocusBeam.ELECTRON)}
    without = by_section["S0002"]
    assert (without.state, without.job) == (FocusState.NOT_FOUND, None)
    assert "no saved ground" in str(without.reason)
    order = session.store.focus.all(FocusBeam.ELECTRON)
    earlier = order[order.index(without) - 1]
    assert without.used_m == earlier.used_m
    assert [job.section for job in session.store.queue.jobs() if job.kind is JobKind.FOCUS].count(
        "S0002"
    ) == 0


def test_a_raster_leaves_room_for_the_focus(start: Start) -> None:
    config = level(2)
    planner = config.planner.model_copy(update={"method": "raster"})
    session = start(config.model_copy(update={"planner": planner}))
    session.run()
    assert [one.state for one in session.store.focus.all(FocusBeam.ELECTRON)] == [FocusState.USED] * 2


def test_back_in_a_section_its_own_height_is_set_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    config = on_plate(2, plate_height_um=0, plate_tilt_mrad=[0, 0])
    session = start(config)
    pause_at_spot(session, 2, monkeypatch)
    session.run()
    store = session.store
    assert store.status().phase is Phase.PAUSED
    (first,) = store.focus.all(FocusBeam.ELECTRON)
    template = next(job for job in store.queue.jobs(section=first.section) if job.kind is JobKind.FRAME)
    position = store.queue.jobs()[-1].position + 1
    name = f"J{store.queue.next_number():06d}"
    late = replace(template, id=name, position=position, covers=(), state=JobState.QUEUED)
    store.steering.add([late], Word("anna", "once more"))
    session.go_on()
    _, second = store.focus.all(FocusBeam.ELECTRON)
    assert second.used_m != first.used_m
    notes = annotations_of(session.folder.path / str(store.queue.job(name).image))
    assert float(notes["ilemtrack.working_distance_m"]) == pytest.approx(first.used_m, rel=1e-9)


def test_light_that_was_interrupted_begins_where_it_had_begun(tmp_path: Path, unpictured: None) -> None:
    config = on_plate(1, autofocus_um=4, plate_height_um=1, plate_tilt_mrad=[0, 0])
    old = Session(tmp_path / "run", config)
    old.context.store.focus.add(
        Focus(FocusBeam.LIGHT, "S0001", (0.0, 0.0), FocusState.BEGUN, start_m=0.5e-6, used_m=0.5e-6)
    )
    drive = old.setup.devices.light_focus
    assert drive is not None
    drive.move_to(-3.5e-6, 30)
    old.run()
    found = old.store.focus.latest(FocusBeam.LIGHT, "S0001")
    assert found is not None
    assert (found.state, found.start_m) == (FocusState.USED, 0.5e-6)
    assert found.used_m == pytest.approx(1e-6, abs=0.6e-6)
    old.end()


@pytest.mark.parametrize(("height_um", "exposures"), [(4.4, 18), (-4.6, 18)])
def test_light_that_is_sharpest_at_the_end_of_the_range_is_looked_for_beyond(
    start: Start, height_um: float, exposures: int
) -> None:
    session = start(on_plate(1, autofocus_um=4, plate_height_um=height_um, plate_tilt_mrad=[0, 0]))
    session.run()
    (found,) = session.store.focus.all(FocusBeam.LIGHT)
    assert (found.state, found.exposures) == (FocusState.USED, exposures)
    assert found.used_m == pytest.approx(height_um * 1e-6, abs=0.6e-6)


def test_light_without_anything_to_focus_on_stays(start: Start) -> None:
    specimen = {"cells_per_field": 0, "background_photons": 20, "seed": 5}
    session = start(on_plate(1, autofocus_um=4, specimen=specimen))
    drive = session.setup.devices.light_focus
    assert drive is not None
    drive.move_to(2e-6, 30)
    session.run()
    (found,) = session.store.focus.all(FocusBeam.LIGHT)
    assert (found.state, found.used_m) == (FocusState.NOT_FOUND, 2e-6)
    assert drive.position() == pytest.approx(2e-6)


def test_spots_keep_off_cells_and_frames(whole: Session) -> None:
    for spot in (job for job in whole.store.queue.jobs() if job.kind is JobKind.FOCUS):
        assert not any(
            touch(spot.rect_m, cell.rect_m) for cell in whole.store.specimen.cells(section=spot.section)
        )


def test_a_disk_that_does_not_take_a_focus_costs_no_image(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = start(level(1))

    def full(focus: Focus) -> Focus:
        raise StoreError("the disk is full")

    monkeypatch.setattr(session.store.focus, "add", full)
    session.run()
    assert session.store.status().phase is Phase.DONE
    (spot,) = (job for job in session.store.queue.jobs() if job.kind is JobKind.FOCUS)
    assert session.store.focus.all() == []
    assert {job.state for job in session.store.queue.jobs()} == {JobState.DONE}
    assert [row.state for row in session.store.ledger.exposures(job=spot.id)] == [ExposureState.CLOSED]


def test_people_see_what_a_focus_found(whole: Session) -> None:
    found = whole.store.focus.all(FocusBeam.ELECTRON)
    wrong = next(one for one in found if one.state is FocusState.OUTLIER)
    row = FocusRow.of(wrong).model_dump(mode="json")
    assert "outlier, started at 5.7" in height_text(row)
    assert "off the plane of the sections around it, which is used" in height_text(row)
    (beam, light) = summarise(whole.config, whole.store, whole.folder, None).focus
    assert f"{SECTIONS - 2} sections, 2 off the plane ({', '.join(beam.outliers)}); " in focus_text(
        asdict(beam)
    )
    assert focus_text(asdict(light)).endswith("of light")
