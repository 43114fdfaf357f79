"""Stores of earlier versions are migrated to the present one, and nothing in them is lost."""

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from config.model import Config
from service.errors import StoreError
from service.model.focus import FocusBeam, FocusState
from service.model.images.checks import CheckedImage, CheckKind, ImageCounts
from service.model.jobs import ExposureState, HoldCause, JobKind, JobOrigin, JobState
from service.model.phases import PauseCause, Phase
from service.model.review import EditKind, Verdict
from service.planning.review.asked import Asked
from service.planning.review.edit import edit, undo
from service.store.migrations import migrate
from service.store.migrations.statements import MIGRATIONS
from service.store.schema import VERSION
from service.store.store import Store
from tests.service.store.stores import new_store

VERSION_1 = Path(__file__).parent / "data" / "version1.sql"
"""Store written by version 1, as SQL: a job done, one in review, two queued."""

VERSION_2 = VERSION_1.with_name("version2.sql")
"""Store written by version 2: a focus that is done, known from an event only, and another one queued."""

VERSION_3 = VERSION_1.with_name("version3.sql")
"""Store written by version 3: a simulated session with a pause of every cause, a job held for fluorescence,
one held by a person, and frames added by people. Only the reasons of its cells were set by hand, to sentences
that detection of that version wrote for each source and decision."""


VERSION_4 = VERSION_1.with_name("version4.sql")
"""Store written by version 4: a session in review with two cells and their jobs."""

VERSION_5 = VERSION_1.with_name("version5.sql")
"""Store written by version 5: the same."""

VERSION_5_EXPOSED = VERSION_1.with_name("version5_exposed.sql")
"""Store written by version 5: that session with one of its jobs done."""

VERSION_6 = VERSION_1.with_name("version6.sql")
"""Store written by version 6: a frame skipped by a person, two of a plan that was made again, and one
whose fluorescence was never saved; all four were skipped then."""


VERSION_7 = VERSION_1.with_name("version7.sql")
"""Store written by version 7: a job done, one whose exposure is unknown, one queued."""

VERSION_8 = VERSION_1.with_name("version8.sql")
"""Store written by version 8: a frame that was taken again, one that waits to be taken again, one queued."""


def restored(sample: Path, folder: Path) -> Path:
    path = folder / "session.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sample.read_text(encoding="utf-8"))
        connection.execute("PRAGMA journal_mode = WAL")
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return restored(VERSION_1, tmp_path)


@pytest.fixture
def version_3(tmp_path: Path) -> Path:
    return restored(VERSION_3, tmp_path)


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


def schema(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        # Words and marks only: an added column is spaced otherwise than one of the beginning.
        return {name: " ".join(re.findall(r"[\w']+|[^\w\s]", sql)) for name, sql in found}


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_every_earlier_version_has_a_way() -> None:
    assert sorted(MIGRATIONS) == list(range(1, VERSION))


def test_a_migrated_store_is_like_a_new_one_and_has_all_that_it_had(old: Path, tmp_path: Path) -> None:
    before = content(old)
    store = Store.open(old)
    try:
        assert store.status().phase is Phase.PREFLIGHT
        assert store.queue.counts_in_use() == {JobState.DONE: 1, JobState.NEEDS_REVIEW: 1, JobState.QUEUED: 2}
        assert [row.state for row in store.ledger.exposures()] == [
            ExposureState.CLOSED,
            ExposureState.UNKNOWN,
        ]
        assert store.requests.change_once("r1", "run.pause", {"if_rev": None}, None, dict) == {
            "message": "paused"
        }
        store.queue.set_state("J000003", JobState.SKIPPED, reason="by hand")
        assert store.queue.counts_in_use()[JobState.SKIPPED] == 1
    finally:
        store.close()
    assert version(old) == VERSION
    (tmp_path / "new").mkdir()
    new_store(tmp_path / "new").close()
    assert schema(old) == schema(tmp_path / "new" / "session.sqlite")
    copy = tmp_path / "session.sqlite.version-1"
    assert version(copy) == 1
    assert content(copy) == before


def test_focuses_of_version_2_are_known_and_one_that_is_queued_stays_one(tmp_path: Path) -> None:
    path = restored(VERSION_2, tmp_path)
    store = Store.open(path)
    try:
        kinds = {job.id: job.kind for job in store.queue.jobs()}
        focuses = {name for name, kind in kinds.items() if kind is JobKind.FOCUS}
        assert (len(kinds), focuses) == (5, {"J000004", "J000005"})
        assert store.queue.job("J000005").state is JobState.QUEUED
        (found,) = store.focus.all()
        assert (found.beam, found.section, found.job) == (FocusBeam.ELECTRON, "S0001", "J000004")
        assert (found.state, found.found_m, found.used_m) == (FocusState.USED, 5.812e-3, 5.812e-3)
        assert found.place_m == store.queue.job("J000004").center_m
        assert store.ledger.exposures()[0].beam_s is None
        assert store.status().phase is Phase.PREFLIGHT
    finally:
        store.close()
    (tmp_path / "new").mkdir()
    new_store(tmp_path / "new").close()
    assert schema(path) == schema(tmp_path / "new" / "session.sqlite")
    assert version(tmp_path / "session.sqlite.version-2") == 2


def test_sentences_of_version_3_become_values(version_3: Path, tmp_path: Path) -> None:
    with closing(Store.open(version_3)) as store:
        status = store.status()
        assert (status.phase, status.cause) == (Phase.PAUSED, PauseCause.RESTART)
        jobs = store.queue.jobs()
        held = {job.id: job.hold_cause for job in jobs if job.hold_cause is not None}
        assert held == {"J000001": HoldCause.PERSON, "J000007": HoldCause.FLUORESCENCE}
        by_people = {job.id for job in jobs if job.origin is JobOrigin.PERSON}
        assert by_people == {"J000005", "J000006", "J000007", "J000008"}
        values = [(cell.source.value, cell.decision.value) for cell in store.specimen.cells()][:10]
        assert values == [
            ("frame", "kept"),
            ("frame", "doubtful"),
            ("frame", "doubtful"),
            ("frame", "below_floor"),
            ("averaged", "kept"),
            ("carried", "kept"),
            ("frame", "fixed_pattern"),
            ("frame", "noise"),
            ("frame", "kept"),
            ("carried", "kept"),
        ]
    (tmp_path / "new").mkdir()
    new_store(tmp_path / "new").close()
    assert schema(version_3) == schema(tmp_path / "new" / "session.sqlite")


def test_cells_of_version_4_are_all_chosen_and_of_unknown_brightness(tmp_path: Path) -> None:
    path = restored(VERSION_4, tmp_path)
    with closing(Store.open(path)) as store:
        assert store.status().phase is Phase.REVIEW
        assert store.targets.current() is None
        found = [(c.brightness_adu, c.left_out, c.beside, len(c.jobs)) for c in store.specimen.cells()]
        assert found == [(None, None, None, 1)] * 2
    (tmp_path / "new").mkdir()
    new_store(tmp_path / "new").close()
    assert schema(path) == schema(tmp_path / "new" / "session.sqlite")


def test_a_store_of_version_5_takes_overviews(tmp_path: Path) -> None:
    path = restored(VERSION_5_EXPOSED, tmp_path)
    with closing(Store.open(path)) as store:
        assert store.overviews.all() == []
        (exposure,) = store.ledger.exposures()
        assert (exposure.kind, exposure.beam_s) == (JobKind.FRAME, 1.5)
        # The connection that has migrated knows the new check of kinds, too.
        job = replace(store.queue.jobs()[0], id="J000099", position=-5, covers=(), kind=JobKind.OVERVIEW)
        store.queue.add_plan("S0001", [replace(job, state=JobState.QUEUED)], {})
        assert store.queue.job("J000099").kind is JobKind.OVERVIEW
    with closing(Store.open(path)) as store:
        assert store.queue.job("J000099").kind is JobKind.OVERVIEW
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("UPDATE job SET kind = 'other'")
    (tmp_path / "new").mkdir()
    new_store(tmp_path / "new").close()
    assert schema(path) == schema(tmp_path / "new" / "session.sqlite")


def test_cells_of_version_5_can_be_edited(tmp_path: Path) -> None:
    path = restored(VERSION_5, tmp_path)
    with closing(Store.open(path)) as store:
        cells = store.specimen.cells()
        assert [(c.reach_um, c.extra_um, c.verdict) for c in cells] == [(None, 0.0, None)] * 2
        assert store.specimen.field("S0001/F000").frame is None
        edit(Config(), store, [Asked(EditKind.REJECT, cell=cells[0].id)], "kim", "debris")
        assert store.specimen.cells()[0].verdict is Verdict.REJECTED
        undo(Config(), store, "kim", mine=True)
        assert [(c.image_rect_m, c.verdict) for c in store.specimen.cells()] == [
            (c.image_rect_m, None) for c in cells
        ]
    (tmp_path / "new").mkdir()
    new_store(tmp_path / "new").close()
    assert schema(path) == schema(tmp_path / "new" / "session.sqlite")


def test_frames_of_plans_that_were_made_again_are_withdrawn_from_version_6_on(tmp_path: Path) -> None:
    path = restored(VERSION_6, tmp_path)
    with closing(Store.open(path)) as store:
        assert {job.id: job.state for job in store.queue.jobs()} == {
            "J000001": JobState.SKIPPED,
            "J000002": JobState.WITHDRAWN,
            "J000003": JobState.WITHDRAWN,
            "J000004": JobState.QUEUED,
            "J000005": JobState.SKIPPED,
        }
        assert store.queue.counts_in_use() == {
            JobState.QUEUED: 1,
            JobState.SKIPPED: 2,
            JobState.WITHDRAWN: 2,
        }
    (tmp_path / "new").mkdir()
    new_store(tmp_path / "new").close()
    assert schema(path) == schema(tmp_path / "new" / "session.sqlite")


def test_images_of_version_7_are_not_checked_and_are_taken_again_by_nobody(tmp_path: Path) -> None:
    path = restored(VERSION_7, tmp_path)
    with closing(Store.open(path)) as store:
        done, unknown, queued = store.queue.jobs()
        assert (done.state, unknown.state, queued.state) == (
            JobState.DONE,
            JobState.NEEDS_REVIEW,
            JobState.QUEUED,
        )
        assert store.images.latest(done.id) is None
        assert [row.retake_of for row in store.ledger.exposures()] == [None, None]
        assert store.images.counts() == ImageCounts({}, 0, 0)
        first = store.ledger.exposures(job=done.id)[0]
        store.images.add(CheckedImage(first.id, done.id, "em/S0001/J000001.ome.tiff", "0" * 64))
        assert store.images.latest(done.id) is not None
    (tmp_path / "new").mkdir()
    new_store(tmp_path / "new").close()
    assert schema(path) == schema(tmp_path / "new" / "session.sqlite")


def test_what_the_beam_touched_by_version_8_is_found_and_frames_wait_on(tmp_path: Path) -> None:
    path = restored(VERSION_8, tmp_path)
    before = content(path)
    with closing(Store.open(path)) as store:
        first, second, third = store.queue.jobs()
        assert [job.hold_cause for job in (first, second, third)] == [None, HoldCause.RETAKE, None]
        assert [(old.job, new.job) for old, new in store.images.retakes()] == [(first.id, first.id)]
        assert store.images.counts() == ImageCounts({CheckKind.DARK: 2}, 1, 1)
        assert [row.state for row in store.ledger.exposures()] == [ExposureState.CLOSED] * 3
        on_second = (second.rect_m[0] + 1e-6, second.rect_m[1] + 1e-6, second.rect_m[2] - 1e-6, 2e-6)
        assert [job.id for job in store.queue.jobs_touching(on_second, 9)] == [second.id]
        assert len(store.ledger.exposed_rects((1e-6, 1e-6, 2e-6, 2e-6))) == 3
        assert store.ledger.exposed_rects((1e-3, 1e-3, 2e-3, 2e-3)) == []
    after = content(path)
    assert {name: after[name] for name in before} == before
    (tmp_path / "new").mkdir()
    new_store(tmp_path / "new").close()
    assert schema(path) == schema(tmp_path / "new" / "session.sqlite")


CAUSES = {
    "a fault was acknowledged": PauseCause.FAULT_ACKNOWLEDGED,
    "the frame of": PauseCause.IMAGE_NOT_SAVED,
    "low disk": PauseCause.DISK,
    "asked by a person": PauseCause.PERSON,
    "the image of": PauseCause.IMAGE_NOT_SAVED,
    "all else is done, detection": PauseCause.UNDETECTED_FIELDS,
    "all else is done, 1 jobs": PauseCause.UNDECIDED_JOBS,
}
"""By the beginning of the reasons in the events of the sample."""


def test_every_pause_of_version_3_gets_its_cause(version_3: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(version_3)) as connection:
        rows = connection.execute("SELECT data FROM event WHERE kind = 'session' ORDER BY seq").fetchall()
    events = [json.loads(data) for (data,) in rows]
    reasons = [event["reason"] for event in events if event["phase"] == "paused" and event["reason"]]
    assert len(set(reasons)) == 8
    seen = set()
    for number, reason in enumerate(reasons):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = restored(VERSION_3, folder)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE run SET reason = ?", (reason,))
            connection.commit()
        wanted = next(cause for begins, cause in CAUSES.items() if reason.startswith(begins))
        with closing(Store.open(path)) as store:
            assert store.status().cause is wanted, reason
        seen.add(wanted)
    later = {PauseCause.CHAMBER_BY_HAND}
    assert seen | {PauseCause.RESTART} == set(PauseCause) - later


def test_a_migrated_session_goes_on_by_its_values(version_3: Path) -> None:
    """A frame added by a person keeps its section from being planned again."""
    with closing(Store.open(version_3)) as store:
        assert store.specimen.field("S0003/F000").undetected
        assert store.recover().again == ()
        with pytest.raises(StoreError, match="a held job has a cause"):
            store.queue.set_state("J000008", JobState.HELD)


def test_a_migration_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(old)
    broken = {1: (*MIGRATIONS[1], "INSERT INTO nowhere VALUES (1)")}
    monkeypatch.setattr(migrate, "MIGRATIONS", broken)
    with pytest.raises(
        StoreError, match=f"cannot be brought from version 1 to {VERSION}: no such table: nowhere"
    ):
        Store.open(old)
    assert version(old) == 1
    assert content(old) == before


def test_a_store_that_cannot_be_copied_is_not_changed(old: Path) -> None:
    (old.parent / "session.sqlite.version-1").mkdir()
    (old.parent / "session.sqlite.version-1" / "file").touch()
    with pytest.raises(StoreError, match="cannot be brought"):
        Store.open(old)
    assert version(old) == 1
    assert list(old.parent.glob("*.part")) == []


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (VERSION + 1, f"made by a newer ilemtrack; this one reads up to version {VERSION}"),
        (0, "no way from it"),
    ],
)
def test_other_versions_are_refused(old: Path, stated: int, message: str) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(f"PRAGMA user_version = {stated}")
    with pytest.raises(StoreError, match=message):
        Store.open(old)
    assert version(old) == stated
