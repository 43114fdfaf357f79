"""`ilemtrack replay RUN_DIR`: another detector over a run, which stays as it is."""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from detection.image.frames import Frame
from detection.image.hits import Hit
from service.analysis import worker
from service.analysis.detectors import open_detector
from service.cli.live.shadow import ahead as looking_ahead
from service.cluster.workers import Here
from service.image_files.images import checksum
from service.model.review import EditKind, PolicyChange
from service.planning.review.asked import Asked
from service.session.folders import database_copy
from service.session.folders.run_folder import RunFolder, open_existing
from service.shadow.replay import shadow_of
from service.shadow.result import shadow_document
from service.store.schema import VERSION
from service.store.store import Store
from tests.service.conftest import Start
from tests.service.saying import Said
from tests.service.sessions import Session, small_config
from tests.service.store.test_migrations import VERSION_3, restored

pytestmark = pytest.mark.usefixtures("frames_once")


class Blind:
    """A detector that finds nothing."""

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:  # noqa: ARG002
        return [], []


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, frames_once: None) -> Path:
    """Folder of a run that has ended."""
    session = Session(tmp_path_factory.mktemp("shadow") / "run", small_config())
    session.run()
    session.end()
    return session.folder.path


@pytest.fixture
def untouched(ended: Path) -> Iterator[Path]:
    """The same; whatever the test does, no file of it may change."""
    before = state_of(ended)
    yield ended
    assert state_of(ended) == before


def state_of(folder: Path) -> dict[str, tuple[str | None, int]]:
    return {
        str(path): (checksum(path) if path.is_file() else None, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


def test_the_detector_of_the_run_loses_and_gains_nothing(untouched: Path, say: Said) -> None:
    status, found, _ = say("replay", untouched, "--json")
    assert status == 0
    assert (found["v"], found["kind"], found["ended"], found["phase"]) == (1, "dry-run", True, "done")
    assert found["of_run"] == found["of_shadow"]
    assert (
        found["of_run"]
        == {"cells": found["of_run"]["cells"], "imaged": found["kept"]} | found["people"]["as_run"]
    )
    assert found["kept"] == found["of_run"]["imaged"] > 0
    assert (found["lost"], found["gained"], found["partly"], found["settings"]) == ([], [], 0, [])
    with closing(sqlite3.connect(f"file:{untouched / 'session.sqlite'}?immutable=1", uri=True)) as run:
        frames, beam_s = run.execute("SELECT SUM(frames), SUM(beam_s) FROM way WHERE chosen").fetchone()
    assert found["of_shadow"]["frames"] == frames
    assert found["of_shadow"]["beam_s"] == pytest.approx(beam_s)
    for key in ("cells", "imaged", "frames", "beam_s", "electron_s", "data_bytes"):
        assert sum(one["of_shadow"][key] for one in found["sections"]) == pytest.approx(
            found["of_shadow"][key]
        )


def test_a_blind_detector_loses_all_cells_and_saves_all_hours(
    untouched: Path, say: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(worker, "open_detector", lambda _: Blind())
    status, found, _ = say("replay", untouched, "--no-serial", "--out", tmp_path / "pictures", "--json")
    assert status == 0
    assert found["settings"] == ["detection.serial: False, was True"]
    assert (found["of_shadow"]["imaged"], found["of_shadow"]["frames"], found["of_shadow"]["beam_s"]) == (
        0,
        0,
        0,
    )
    assert len(found["lost"]) == found["of_run"]["imaged"]
    assert {(one["why"], one["share"], one["in_frames"]) for one in found["lost"]} == {("not_found", 0, 0)}
    assert found["electron_h_more"] == pytest.approx(-found["of_run"]["electron_s"] / 3600, abs=1e-4)
    assert found["frames_more"] == -found["of_run"]["frames"]
    confidences = [one["confidence"] for one in found["lost"]]
    assert confidences == sorted(confidences, reverse=True)
    pictures = sorted((tmp_path / "pictures").iterdir())
    assert [path.name for path in pictures] == ["S0001_F000.png", "S0002_F000.png"]
    picture = cv2.imread(str(pictures[0]))
    assert picture is not None
    assert np.all(picture == (0, 94, 213), axis=2).sum() > 100
    status, said, _ = say("replay", untouched, "--no-serial")
    assert status == 0
    assert f"{len(found['lost'])} of {len(found['lost'])} cells that the run images would be lost" in said
    assert found["lost"][0]["cell"] in said


def test_another_policy_of_a_file_counts_on_the_frames_of_the_run(
    untouched: Path, say: Said, tmp_path: Path
) -> None:
    # The layout is not that of the run, whose fluorescence is taken.
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "{detection: {min_confidence: 1.0}, layout: {kind: grid, sections: 9},"
        " sem: {pixel_size_nm: 100, max_scan_px: [400, 400]}, planner: {method: greedy}}"
    )
    status, found, _ = say("replay", untouched, "--config", policy, "--json")
    assert status == 0
    assert any(text.startswith("detection.min_confidence: 1.0") for text in found["settings"])
    assert not any("layout" in text for text in found["settings"])
    assert len(found["sections"]) == 2
    assert found["lost"]
    assert {one["why"] for one in found["lost"]} == {"not_kept"}
    assert found["of_shadow"]["electron_s"] < found["of_run"]["electron_s"]


def test_what_people_decided_is_apart_and_a_run_under_way_says_so(start: Start, say: Said) -> None:
    session = start(session={"review": True})
    first = session.store.specimen.cells()[0]
    asked = [
        Asked(EditKind.REJECT, cell=first.id),
        Asked(EditKind.DRAW, field=first.field, box_px=(200, 200, 230, 230)),
        Asked(EditKind.RESIZE, cell=f"{first.field}/p0001", box_px=(200, 200, 240, 230)),
    ]
    for one in asked:
        session.control.edit([one], "anna", "")
    session.control.set_policy(PolicyChange(dilate_um=3.0), "ben", "")
    session.analysis.wait(lambda: None)
    status, found, _ = say("replay", session.folder.path, "--json")
    assert status == 0
    assert (found["ended"], found["phase"]) == (False, "review")
    assert (found["lost"], found["gained"], found["partly"]) == ([], [], 0)
    assert found["of_run"] == found["of_shadow"]
    people = found["people"]
    decided = {one["cell"]: (one["verdict"], one["share"]) for one in people["decided"]}
    assert decided == {first.id: ("rejected", 1.0), f"{first.field}/p0001": ("resized", 0.0)}
    assert (people["margins"], people["choice"]) == (True, False)
    assert people["as_run"]["beam_s"] != found["of_run"]["beam_s"]
    _, said, _ = say("replay", session.folder.path)
    assert "NOT ENDED YET" in said
    assert "1 cell rejected by a person; the shadow images 1 whole" in said


def test_a_run_of_an_earlier_version_is_migrated_on_a_copy(ended: Path, say: Said, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    store = restored(VERSION_3, folder)
    info = (ended / "run.json").read_text()
    (folder / "run.json").write_text(info)
    before = state_of(folder)
    # Its frames are gone, so that detection fails in every field.
    status, found, _ = say("replay", folder, "--json")
    assert status == 1
    assert found["failed_fields"]
    assert all(str(folder) in reason for reason in found["failed_fields"].values())
    assert {one["why"] for one in found["lost"]} == {"no_detection"}
    assert state_of(folder) == before
    with closing(sqlite3.connect(store)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 3 < VERSION


def test_a_run_whose_program_was_killed_is_read_with_its_last_changes(
    ended: Path, say: Said, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    shutil.copytree(ended, folder)
    with closing(Store.open(folder / "session.sqlite")) as store:
        field = store.specimen.fields()[0]
        store.specimen.unplan([field.section])
        left = tmp_path / "left"
        shutil.copytree(folder, left)
    assert (left / "session.sqlite-wal").stat().st_size > 0
    before = state_of(left)
    status, found, _ = say("replay", left, "--json")
    assert (status, found["lost"]) == (0, [])
    assert state_of(left) == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--detector", "nonsense"], "there is no detector named nonsense"),
        (["--detector", "no: such"], "there is no detector named no: such"),
        (["--out", "{run}/pictures"], "lies in the folder of the run"),
        (["--out", "{run}/../run"], "lies in the folder of the run"),
        (["--clock", "real"], "is the folder of a run"),
        (["--config", "{run}/nothing.yaml"], "no such file"),
        (["{run}"], "name it alone"),
    ],
)
def test_bad_input_gets_a_sentence(untouched: Path, say: Said, options: list[str], says: str) -> None:
    status, _, said = say("replay", untouched, *(one.format(run=untouched) for one in options))
    assert status == 2
    assert says in said
    assert said.count("\n") == 1


def test_a_damaged_database_gets_a_sentence(ended: Path, say: Said, tmp_path: Path) -> None:
    folder: Any = tmp_path / "damaged"
    folder.mkdir()
    shutil.copy(ended / "run.json", folder)
    (folder / "session.sqlite").write_bytes(b"no database" * 1000)
    status, _, said = say("replay", folder)
    assert status == 2
    assert "session.sqlite" in said
    assert said.count("\n") == 1


def test_the_database_of_a_session_that_writes_all_the_time_is_copied_whole(
    ended: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if it were changed during each copy of its files.
    stamps = iter(range(100))
    monkeypatch.setattr(database_copy, "_stamp", lambda _: [next(stamps)])
    folder = tmp_path / "busy"
    shutil.copytree(ended, folder)
    with closing(Store.open(folder / "session.sqlite")) as store:
        store.specimen.unplan([store.specimen.fields()[0].section])
        copy = database_copy.copy_database(RunFolder(folder), tmp_path)
        with closing(Store.open(copy)) as read:
            assert read.specimen.fields() == store.specimen.fields()


def test_workers_look_ahead_and_the_result_is_the_same(
    untouched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def here(*_: object) -> Iterator[Here]:
        yield Here()

    class Unasked:
        """A detector that need not look at any frame."""

        least_contrast = open_detector(small_config().detection).least_contrast  # type: ignore[attr-defined]

        def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
            raise AssertionError(f"asked of a frame of {frame.values.shape}")

    monkeypatch.setattr(looking_ahead, "opened_workers", here)
    monkeypatch.setattr(looking_ahead, "open_detector", lambda _: Unasked())
    folder, info = open_existing(untouched)
    alone = shadow_document(shadow_of(folder, info, lambda kept: kept))
    ahead = looking_ahead.ahead_of_shadow(folder, None, 2)
    assert shadow_document(shadow_of(folder, info, lambda kept: kept, ahead=ahead)) == alone
