"""Words of `ilemtrack status` and of the summary at the end of a session."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service.api.transport.endpoints import run_endpoints
from service.cli.live.session_summary import print_summary
from service.model.focus import Focus, FocusBeam, FocusState
from service.model.overviews import NotUsed, Overview, OverviewState
from service.model.phases import PauseCause, SessionEvent
from service.report.durations import SessionWay
from service.report.found_sections import FoundSections
from service.report.summary import Measured, Summary, summarise
from service.session.folders.run_folder import RunFolder
from service.store.store import Store
from tests.service.api.api_session import DirectControl, api_server
from tests.service.saying import Said
from tests.service.sessions import Session, small_config
from tests.service.store.stores import queue_jobs, rect


class Control(DirectControl):
    """A control of a session that says how it is."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.says: dict[str, Any] = {"step": None}

    def health(self) -> dict[str, Any]:
        return self.says


@pytest.fixture
def control(store: Store) -> Iterator[Control]:
    queue_jobs(store)
    made = Control(store)
    server = api_server(store, run_endpoints("run-1"), made)
    server.start()
    yield made
    server.stop()


def rows(say: Said) -> dict[str, str]:
    """Return the rows of `status`."""
    status, said, _ = say("status", "--connect", run_endpoints("run-1").requests)
    assert status == 0
    return {name: text.strip() for name, _, text in (line.partition("  ") for line in said.splitlines())}


def test_status_says_where_the_devices_are(control: Control, say: Said) -> None:
    control.device_values = {
        "stage_m": (1.2e-3, -0.4e-3),
        "vacuum": "high",
        "pressure_pa": 2.5e-4,
        "beam_blanked": True,
        "light_on": False,
    }
    found = rows(say)
    assert [found[name] for name in ("stage", "vacuum", "beam", "light")] == [
        "x 1.2000 mm, y -0.4000 mm", "high, 0.00025 Pa", "blanked", "off",
    ]  # fmt: skip
    control.device_values |= {"beam_blanked": False, "light_on": True}
    found = rows(say)
    assert (found["beam"], found["light"]) == ("ON", "ON")


def test_status_says_what_is_done_and_what_is_wrong(control: Control, store: Store, say: Said) -> None:
    calm = rows(say)
    assert not {"doing", "BLOCKED", "will land", "NOT NOTIFIED", "notified", "now"} & set(calm)
    store.ledger.arm("J000001", rect(20, 0), 1e-6)
    doing = {"step": "the scan of J000001", "running_s": 12.0, "allowed_s": 60.0, "stalled": False}
    control.says = {
        **doing,
        "blocked": "the disk refuses",
        "landing": "after this scan",
        "not_notified": 2,
        "last_not_notified": "no route",
        "channels": 0,
    }
    found = rows(say)
    assert found["now"] == "frame J000001, 14 s of beam"
    assert found["doing"] == "the scan of J000001, for 12 s; alarm after 1 min"
    assert found["BLOCKED"] == "the disk refuses"
    assert found["will land"] == "after this scan"
    assert found["NOT NOTIFIED"] == "2 times, most recently: no route"
    assert found["notified"] == "nobody: notify.urls is empty"
    control.says = {**doing, "stalled": True, "channels": 1, "not_notified": 0}
    late = rows(say)
    assert late["doing"].startswith("STALLED: the scan of J000001")
    assert "notified" not in late


def test_status_says_where_a_pause_goes_on(control: Control, store: Store, say: Said) -> None:
    store.apply(SessionEvent.START)
    store.apply(SessionEvent.PAUSE, "to change the oil", PauseCause.PERSON)
    assert rows(say)["phase"] == "paused, then preflight: to change the oil"


@pytest.fixture
def summary(store: Store, tmp_path: Path) -> Summary:
    queue_jobs(store)
    return summarise(small_config(), store, RunFolder(tmp_path), None)


def said(summary: Summary, folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_summary(summary, RunFolder(folder))
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_a_plain_summary_has_no_more_rows_than_it_needs(
    summary: Summary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = said(
        replace(summary, contained_recall=None, clipped_cells={}, frameless_cells={}), tmp_path, capsys
    )
    assert [line for line in found if line.startswith(("session", "sections", "cells", "SEM", "beam"))] == [
        "session idle",
        "sections 2 with 4 fields",
        "cells 3 found",
        "SEM jobs 0 done, 0 skipped, 0 failed, 0 needs review",
        "beam 0 s",
    ]
    absent = (
        *("overview", "stitched", "full raster:", "review", "below", "left out", "whole", "taken again"),
        "failed",
    )
    assert not [line for line in found if line.startswith(absent)]


def test_a_summary_says_all_that_happened(
    summary: Summary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = (
        SessionWay("exact", True, 10, 100.0, 3600.0, 10**7),
        SessionWay("raster", False, 40, 400.0, 7200.0, 4 * 10**7),
    )
    overviews = (
        Measured("S0001", "S0001/F000", "J000009", "used", None, (0.1, 0.2), 0.2),
        Measured("S0001", "S0001/F001", "J000010", "used", None, (0.1, 0.2), 0.4),
        Measured("S0002", None, None, "not_used", "aborted", None, 0.3),
    )
    full = replace(
        summary,
        alternatives=ways,
        tracks=2,
        contained_recall=0.996,
        stitched_cells=("S0001/F000/c0001",),
        raster_sections=("S0002",),
        reviewed_cells={"rejected": 2, "drawn": 1},
        below_floor_cells=1,
        left_out_cells={"below the chosen brightness": 4, "too small": 1},
        beside_cells={"imaged": 2},
        overviews=overviews,
        remarks={"J000001": "the stage crept"},
        flagged_images={"J000002": {"focus": 3.0}},
        missing_images=("em/S0001/J000004.ome.tiff",),
        retaken=("J000003", "J000003"),
        failed_fields={f"S0001/F00{n}": "no light" for n in range(9)},
        undone_jobs={"J000004": "refused"},
        clipped_cells={"S0001/F000/c0002": "at the edge"},
        frameless_cells={"S0001/F000/c0003": "beyond the edge"},
        found_sections=FoundSections(true=12, found=11, false=1, least_overlap=0.93),
    )
    found = said(full, tmp_path, capsys)
    for line in (
        "cells 3 found, 1 of them below the floor and not imaged, in 2 tracks through the sections",
        "overview 11 of 12 simulated sections found, 1 false; the worst outline overlaps its section by 93%",
        "stitched 1 cells, each from several frames",
        "review cells by hand: 2 rejected, 1 drawn",
        "left out 5 cells by choice, 2 imaged beside others",
        "full raster would take 2 h 0 min, 2.00 x; 40 frames, 40.0 MB",
        "whole cells 99.6% of the simulated cells",
        "image kept 1 (J000001): the stage crept",
        "image flagged 1 (J000002): out of focus",
        "images missing 1 no longer in the folder: em/S0001/J000004.ome.tiff",
        "taken again 2 exposures of J000003",
        "undone jobs 1 (J000004): refused",
        "not imaged 1 (S0001/F000/c0003): beyond the edge",
        "cells in part 1 (S0001/F000/c0002): at the edge",
    ):
        assert line in found, (line, found)
    (failed,) = [line for line in found if line.startswith("failed fields 9 (")]
    assert failed.endswith("; see --json): no light")
    (measured,) = [line for line in found if line.startswith("overviews")]
    assert measured.startswith("overviews 2 of 3 positions measured, to 0.30 um in the median; 1 (S0002) ")


def test_a_summary_without_a_section_found_names_no_outline(
    summary: Summary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = replace(summary, found_sections=FoundSections(12, 0, 0, None), overviews=(), alternatives=())
    assert "overview 0 of 12 simulated sections found, 0 false" in said(nothing, tmp_path, capsys)


def test_status_says_how_the_beam_is_focused_and_what_overviews_were_good_for(
    control: Control, store: Store, say: Said
) -> None:
    assert not {"focus, electron", "overviews"} & set(rows(say))
    for section, state in (("S0001", FocusState.USED), ("S0002", FocusState.OUTLIER)):
        store.focus.add(
            Focus(FocusBeam.ELECTRON, section, (0.0, 0.0), state, found_m=5e-3, used_m=5e-3, exposed_s=2.0)
        )
    store.overviews.add(Overview("S0001", (0.0, 0.0), OverviewState.NOT_USED, reason=NotUsed.ABORTED))
    found = rows(say)
    assert found["focus, electron"] == "1 sections, 1 off the plane; 4 s under the beam"
    assert found["overviews"] == "1 not used"


def test_status_without_a_daemon_says_how_to_take_up_a_run_that_has_not_ended(
    tmp_path: Path, say: Said
) -> None:
    session = Session(tmp_path / "run", small_config())
    session.store.close()
    status, text, _ = say("status", "--run", tmp_path / "run")
    assert status == 0
    found = {name: text.strip() for name, _, text in (line.partition("  ") for line in text.splitlines())}
    assert found["stopped in"] == f"idle; `ilemtrack resume {tmp_path / 'run'}` takes it up again"
    assert "ended" not in found
    assert found["run"].endswith("(dry-run), no daemon")


def test_a_run_without_a_daemon_has_no_finish(tmp_path: Path, say: Said) -> None:
    session = Session(tmp_path / "run", small_config())
    session.store.apply(SessionEvent.START)
    said = say("estimate", "--run", tmp_path / "run")[1]
    assert "no daemon drives it now; " in said
    assert "finished" not in said
    session.store.apply(SessionEvent.ABORT)
    session.store.close()
    said = say("estimate", "--run", tmp_path / "run")[1]
    assert "left: nothing, as the session was aborted" in said
    assert "finished" not in said


def test_a_paused_session_is_finished_then_only_if_it_goes_on(
    control: Control, store: Store, say: Said
) -> None:
    store.apply(SessionEvent.START)
    assert "if nothing stops it" in say("estimate", "--connect", run_endpoints("run-1").requests)[1]
    store.apply(SessionEvent.PAUSE, cause=PauseCause.PERSON)
    assert "if it goes on now" in say("estimate", "--connect", run_endpoints("run-1").requests)[1]


@pytest.mark.parametrize(
    ("times", "says"), [(0, "never"), (1, "at most once"), (2, "at most twice"), (3, "at most 3 times")]
)
def test_status_says_how_often_a_frame_is_taken_again(
    control: Control, say: Said, monkeypatch: pytest.MonkeyPatch, times: int, says: str
) -> None:
    monkeypatch.setattr(control, "retakes", lambda: times)
    assert rows(say)["images"].endswith(f"a frame is taken again by itself {says}")


def test_states_are_counted_in_words(control: Control, store: Store, say: Said) -> None:
    store.ledger.arm("J000001", rect(20, 0), 1e-6)
    assert "1 under the beam" in rows(say)["jobs"]
