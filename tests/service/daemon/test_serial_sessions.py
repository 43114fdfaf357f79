"""Sessions that follow cells through their sections."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from detection.image.hits import CellSource
from detection.serial import fixed_pattern
from drivers.errors import DeviceTimeoutError
from service.analysis.linking import Found, Linking
from service.analysis.mosaic import FieldFrame
from service.analysis.worker import Analysis
from service.api.handler import Handler
from service.image_files.images import read_pixels
from service.model.phases import Phase
from service.model.specimen import Cell, FieldState, Track
from service.report.summary import summarise
from service.store.store import Store
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")

SECTIONS = 7
REVIEWED: dict[str, dict[str, Any]] = {
    "layout": {"sections": SECTIONS, "fields": [2, 1], "pitch_um": 400},
    "session": {"min_free_disk_gb": 0, "review": True},
    "simulator": {"specimen": {"cells_per_field": 6, "seed": 5}},
}
"""As far as the plan: seven sections of two small fields."""

Start = Callable[..., Session]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Make sessions, and end them after the test."""
    sessions: list[Session] = []

    def make(change: Callable[[Session], None] = lambda _: None, **changes: dict[str, Any]) -> Session:
        session = Session(tmp_path / f"run{len(sessions)}", small_config(**REVIEWED | changes))
        sessions.append(session)
        change(session)
        session.run()
        return session

    yield make
    for session in sessions:
        session.end()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session that nothing disturbed."""
    session = Session(tmp_path_factory.mktemp("whole") / "run", small_config(**REVIEWED))
    session.run()
    yield session
    session.end()


def known(store: Store) -> tuple[list[Cell], list[Track]]:
    return sorted(store.specimen.cells(), key=lambda cell: cell.id), store.tracks.all()


def planned(store: Store) -> list[str]:
    """Sections in the order in which they were planned."""
    return [event.subject for event in store.events.since(0) if event.kind == "plan"]


def test_cells_have_tracks_through_the_array_and_are_all_accounted_for(whole: Session) -> None:
    session, store = whole, whole.store
    assert {field.state for field in store.specimen.fields()} == {FieldState.PLANNED}
    cells, tracks = known(store)
    assert all(cell.jobs or cell.skipped for cell in cells)
    assert [track for track in tracks if track.sections == SECTIONS]
    assert {name for cell in cells for name in cell.tracks} == {track.id for track in tracks}
    carried = [cell for cell in cells if not cell.seen]
    assert {cell.source for cell in carried} == {CellSource.CARRIED}
    summary = summarise(session.config, store, session.folder, None)
    assert (summary.tracks, summary.cells) == (len(tracks), len(cells))
    assert planned(store) == [f"S{n:04d}" for n in range(1, SECTIONS + 1)]


def test_every_section_and_the_run_have_a_picture(whole: Session) -> None:
    names = {path.name for path in whole.folder.pictures.iterdir()}
    assert names == {f"S{n:04d}.png" for n in range(1, SECTIONS + 1)} | {"montage.png"}


def test_queue_rows_say_which_cell_it_is_in_other_sections(whole: Session) -> None:
    handler = Handler(whole.store, whole.control, "ipc:///nowhere")
    request = {"v": 1, "id": "1", "method": "queue.list", "params": {"limit": 1000}}
    jobs = json.loads(handler.answer(json.dumps(request).encode()))["result"]["jobs"]
    tracks = {cell.id: list(cell.tracks) for cell in whole.store.specimen.cells()}
    told = {covered["cell"]: covered["tracks"] for job in jobs for covered in job["covers"]}
    assert told
    assert any(told.values())
    assert all(tracks[cell] == names for cell, names in told.items())


def test_a_restart_goes_on_as_if_there_had_been_none(start: Start, whole: Session) -> None:
    """The same frames, analysed in one go and by two processes, give the same cells and the same tracks."""

    def saved_only(session: Session) -> None:
        # As if each frame came just before the program was killed.
        session.analysis.submit = session.analysis.finish = lambda: None  # type: ignore[method-assign]
        session.analysis.wait = lambda check: None  # type: ignore[method-assign]  # noqa: ARG005

    killed = start(saved_only)
    store = killed.store
    assert {field.state for field in store.specimen.fields()} == {FieldState.SAVED}
    for field in store.specimen.fields():
        one, other = (read_pixels(s.folder.fm_image(field.id)) for s in (whole, killed))
        assert np.array_equal(one, other)

    first = Analysis(killed.config, store, killed.folder, killed.setup.clock)
    first.submit()
    first._pending[0].result()
    first.close()
    # The last five wait for later sections.
    assert planned(store) == [f"S{n:04d}" for n in range(1, SECTIONS - 4)]
    before = {cell.id: cell for cell in store.specimen.cells()}

    second = Analysis(killed.config, store, killed.folder, killed.setup.clock)
    with capture_logs() as logged:
        second.submit_unfinished()
        second.wait(lambda: None)
    second.close()
    going_on, linked_again = [entry for entry in logged if "again" in entry["event"]]
    assert (going_on["done"], going_on["recorded"], linked_again["sections"]) == (0, 2, 2)
    assert known(store) == known(whole.store)
    assert before.items() <= {cell.id: cell for cell in store.specimen.cells()}.items()
    assert sorted(planned(store)) == planned(whole.store)

    # And where all is done, nothing is computed anew.
    third = Analysis(killed.config, store, killed.folder, killed.setup.clock)
    third.submit_unfinished()
    third.wait(lambda: None)
    third.close()
    assert known(store) == known(whole.store)


def test_sections_without_fluorescence_are_gaps_and_hold_up_nothing(start: Start) -> None:
    def dark(session: Session) -> None:
        camera = session.setup.devices.camera
        real = camera.expose
        bad = [field.center_m for field in session.setup.fields if field.section in ("S0004", "S0007")]

        def expose(*arguments: Any) -> Any:
            here = session.setup.devices.stage.position()
            if any(abs(here[0] - x) + abs(here[1] - y) < 1e-6 for x, y in bad):
                raise DeviceTimeoutError("no frame")
            return real(*arguments)

        camera.expose = expose  # type: ignore[method-assign, assignment]

    store = start(dark).store
    failed = [field.section for field in store.specimen.fields(state=FieldState.FAILED)]
    assert failed == ["S0004", "S0004", "S0007", "S0007"]
    assert planned(store) == ["S0001", "S0002", "S0003", "S0005", "S0006"]
    through = [t for t in store.tracks.all() if (t.first_section, t.last_section) == ("S0001", "S0006")]
    assert through


def test_section_by_section_only_earlier_sections_count(start: Start) -> None:
    session = start(
        layout={"sections": 3, "fields": [1, 1]}, session={"min_free_disk_gb": 0, "order": "section"}
    )
    store = session.store
    assert store.status().phase is Phase.DONE
    events = store.events.since(0)
    order = [
        (event.subject[:5], event.data.get("to", event.kind))
        for event in events
        if event.kind == "plan" or (event.kind == "field" and event.data["to"] == "saved")
    ]
    sections = ("S0001", "S0002", "S0003")
    assert order == [(section, what) for section in sections for what in ("saved", "plan")]
    assert store.tracks.count()
    for cell in store.specimen.cells():
        seen_in = [word for word in cell.reason.split() if word.startswith("S0")]
        assert all(word < cell.section for word in seen_in)


def test_switched_off_sections_are_not_linked(start: Start) -> None:
    layout = {"sections": 2, "fields": [2, 1], "pitch_um": 400}
    session = start(layout=layout, detection={"serial": False})
    assert session.store.specimen.cells()
    assert not any(cell.tracks for cell in session.store.specimen.cells())
    assert session.store.tracks.count() == 0
    names = {path.name for path in session.folder.pictures.iterdir()}
    assert names == {f"S{n:04d}_F{field:03d}.png" for n in (1, 2) for field in (0, 1)}


def test_a_frame_that_is_lost_costs_its_field_only(start: Start) -> None:
    def lose(session: Session) -> None:
        real = session.analysis.submit

        def submit() -> None:
            path = session.folder.fm_image("S0002/F000")
            if path.exists():
                path.unlink()
            real()

        session.analysis.submit = submit  # type: ignore[method-assign]

    store = start(lose, layout={"sections": 3, "fields": [2, 1], "pitch_um": 400}).store
    states = {field.id: field.state for field in store.specimen.fields()}
    assert states.pop("S0002/F000") is FieldState.FAILED
    assert set(states.values()) == {FieldState.PLANNED}


def test_what_the_store_did_not_take_is_kept_for_the_next_time(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that fails once, in the middle, is a fault; after it no section is missing."""

    def fail_once(session: Session) -> None:
        real = session.store.tracks.record_section
        calls = []

        def record(*arguments: Any) -> None:
            calls.append(1)
            if len(calls) == 2:
                raise OSError("disk I/O error")
            real(*arguments)

        monkeypatch.setattr(session.store.tracks, "record_section", record)

    session = start(fail_once, layout={"sections": 3, "fields": [1, 1]})
    assert session.store.status().phase is Phase.FAULT
    session.go_on(session.control.acknowledge)
    session.go_on()
    assert session.store.status().phase is Phase.REVIEW
    assert {field.state for field in session.store.specimen.fields()} == {FieldState.PLANNED}


def test_nobody_waits_for_a_long_recomputation(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """An abort lands while sections are linked, and the program then ends with the section in hand."""
    sessions: list[Session] = []
    real = Linking.add
    added: list[str] = []

    def add(link: Linking, frames: Sequence[FieldFrame], angle_rad: float | None = None) -> list[Found]:
        added.append(frames[0].field.section)
        if len(added) == 2:
            sessions[0].control.abort()
            assert sessions[0].runner.landed.wait(200)
        return real(link, frames, angle_rad)

    monkeypatch.setattr(Linking, "add", add)
    session = start(sessions.append)
    assert session.store.status().phase is Phase.ABORTED
    session.thread.join(200)
    assert added == ["S0001", "S0002"]


def test_dust_on_the_camera_is_told_in_every_field_of_mosaics(start: Start) -> None:
    """The stage errs, so that no two mosaics are of one size."""
    session = start(
        layout={"sections": 4, "fields": [2, 2], "pitch_um": 400},
        simulator={"dust_spots": 2, "specimen": {"cells_per_field": 2, "seed": 5, "brightness_photons": 40}},
    )
    marked = [cell for cell in session.store.specimen.cells() if cell.reason == fixed_pattern.REASON]
    columns = {round((cell.box_px[0] + cell.box_px[2]) / 20) for cell in marked}
    assert len(marked) >= 12
    assert len({cell.field for cell in marked}) >= 9
    assert len(columns) <= 3
    assert all(cell.image_rect_m is None and not cell.tracks for cell in marked)
