"""Whole sessions over real sockets: light through Odemis, SEM, stage and chamber through a Quanta server."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache, reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.loading import dump, load
from config.model import Config
from drivers.chamber import VacuumState
from drivers.clock import SystemClock
from drivers.fluorescence import FmFrame, FmSettings
from drivers.microscope import Microscope
from drivers.odemis.client import OdemisClient
from drivers.odemis.microscope import odemis_fluorescence
from drivers.pose import FmToSem, to_pixels
from drivers.quanta.joining import joined
from drivers.recorded.tiff import read_frames
from drivers.sem import ScanRequest
from planner.geometry.rects import grown, hull
from service.model.jobs import ExposureState, JobKind, JobState
from service.model.overviews import OverviewState
from service.report.recall import contained_recall
from service.session.stage_frame import StageFrame
from service.store.store import Store
from simulators.specimen.specimen import SimulatedSpecimen, TruthCell
from tests.service.annotations import annotations_of
from tests.service.daemons import Start, daemons
from tests.service.sessions import Session
from tests.simulators.servers import profile, servers

pytestmark = pytest.mark.timeout(900)
PATIENCE_S = 600
"""For a process that takes a quarter of a minute on an idle computer."""

STAGE_ERROR_M = 1.2e-6
EXPOSURE_S = 0.5
CALIBRATED = {"calibration": {"shift_um": [2, -1], "rotation_mrad": 20}}


@pytest.fixture
def start(runtime_dir: Path) -> Iterator[Start]:
    with daemons(runtime_dir) as launch:
        yield launch


def written(config: Config, folder: Path) -> Path:
    """Write a configuration."""
    path = folder / "my.yaml"
    path.write_text(dump(config), encoding="utf-8")
    return path


def run(start: Start, config: Config, folder: Path) -> dict[str, Any]:
    """Run a session to its end; gives its summary."""
    daemon = start("run", "--config", written(config, folder), "--out", folder / "run", "--json")
    out, err = daemon.communicate(timeout=PATIENCE_S)
    assert daemon.returncode == 0, err
    summary: dict[str, Any] = json.loads(out)
    return summary


@contextmanager
def store_of(folder: Path) -> Iterator[Store]:
    with closing(Store.open(folder / "run" / "session.sqlite")) as store:
        yield store


@contextmanager
def microscope(config: Config) -> Iterator[Microscope]:
    """The devices, in this process."""
    assert config.quanta is not None
    client, clock = OdemisClient(config.odemis, beam=False), SystemClock()
    devices, driven = joined(odemis_fluorescence(config, clock, client), config, config.quanta, clock)
    try:
        yield devices
    finally:
        driven.client.close()
        client.close()


def whole_cells(true: Config, store: Store, ground: list[Any], least: int = 3) -> float:
    """Share of the true cells, as far as they lie where the beam may go, of which the beam met 99 %.

    By what the specimen says was scanned, not by what the session believes. A frame at the border of the
    ground where the beam may go may lie off it by the error of the stage.
    """
    specimen, frame = SimulatedSpecimen(true), StageFrame.of(true)
    whole = total = 0
    for section in store.specimen.sections():
        fields = [field.rect_m for field in store.specimen.fields(section=section.id)]
        allowed = grown(reduce(hull, fields), -frame.reach_m - STAGE_ERROR_M)
        for cell in specimen.truth(section.id):
            points = cell.points_m[_inside(cell.points_m, allowed)]
            if len(points):
                seen = frame.fm_to_sem.to_sem(points)
                total += 1
                whole += bool(np.any([_inside(seen, rect) for rect, _ in ground], axis=0).mean() >= 0.99)
    assert total >= least
    return whole / total


def _inside(points: Any, rect: Any) -> Any:
    return ((points >= rect[:2]) & (points < rect[2:])).all(axis=1)


Truth = Callable[[str], Sequence[TruthCell]]


def contrast(truth_of: Truth, store: Store, folder: Path, off_m: tuple[float, float] = (0.0, 0.0)) -> float:
    """Return the contrast of true cells to their surroundings in the electron images, in standard deviations.

    Each image lies where its file says, each cell where the calibration of the session has it, or off that.
    """
    calibration = FmToSem.of(load(folder / "run" / "config.yaml").calibration)
    found = []
    for job in (job for job in store.queue.jobs(state=JobState.DONE) if job.covers):
        (image,) = read_frames(folder / "run" / str(job.image))
        assert image.center_m is not None
        rows, columns = image.pixels.shape
        cell = np.zeros((rows, columns), bool)
        for truth in truth_of(job.section):
            points = calibration.to_sem(truth.points_m) + off_m
            x, y = to_pixels(image.pose_at(image.center_m), (rows, columns), points).T
            seen = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
            cell[y[seen].astype(int), x[seen].astype(int)] = True
        inside, outside = image.pixels[cell].astype(float), image.pixels[~cell].astype(float)
        found.append(abs(inside.mean() - outside.mean()) / np.hypot(inside.std(), outside.std()))
    return float(np.mean(found))


def shown_where_calibrated(true: Config, store: Store, folder: Path) -> bool:
    """Return True if the images show the cells where the session has them, rather than 4 um off."""
    off_m = ((4e-6, 0.0), (-4e-6, 0.0), (0.0, 4e-6), (0.0, -4e-6))
    truth_of = cache(SimulatedSpecimen(true).truth)
    right, *wrong = (contrast(truth_of, store, folder, off) for off in ((0.0, 0.0), *off_m))
    return right > 1.2 * max(wrong)


def recall_in_memory(true: Config, folder: Path) -> float:
    """Share of whole cells of the same session in one process, without sockets."""
    session = Session(folder / "memory", true.model_copy(update={"driver": "simulator", "quanta": None}))
    session.run()
    session.thread.join(200)
    truth = session.setup.truth
    assert truth is not None
    margin_m = true.planner.outline_margin_um * 1e-6
    reach_m, border_m = StageFrame.of(true).reach_m, true.sem.pixel_size_m / 2
    found = contained_recall(session.store, truth, reach_m, margin_m, border_m=border_m)
    session.store.close()
    assert found is not None
    return found


# One microscope behind both


def test_the_beam_of_one_bleaches_what_the_camera_of_the_other_sees() -> None:
    true = profile(**CALIBRATED, fluorescence={"frame_px": [256, 256], "exposure_s": EXPOSURE_S})
    cell = max(SimulatedSpecimen(true).truth("S0001"), key=lambda cell: cell.contrast_to_noise)
    here_m = (float(cell.points_m[:, 0].mean()), float(cell.points_m[:, 1].mean()))
    at_m = StageFrame.of(true).sem_position_m(here_m)
    with servers(true) as rig, microscope(rig.config) as devices:
        devices.chamber.go_to(VacuumState.HIGH, 200)
        assert rig.ask("get", "chamber", "pressure") == devices.chamber.pressure_pa() < 1e-3
        assert rig.ask("get", "chamber", "position") == {"vacuum": 1e-3}
        devices.stage.move_to(*here_m, 200)
        told = rig.ask("get", "stage", "position")
        assert (told["x"], told["y"]) == pytest.approx(here_m, abs=1e-9)
        before = light_frame(devices)
        devices.stage.move_to(*at_m, 200)
        devices.sem.scan(ScanRequest((240, 240), 66e-9, 1e-5, "n"), 200)
        devices.stage.move_to(*here_m, 200)
        after = light_frame(devices)
        ((scanned_m, _),) = rig.truth()["ground"]
    seen = StageFrame.of(true).fm_to_sem.to_sem(cell.points_m)
    assert _inside(seen, scanned_m).all()
    x, y = to_pixels(before.pose, (256, 256), cell.points_m).astype(int).T
    lit, left = (f.pixels[y, x].mean() - np.median(f.pixels) for f in (before, after))
    assert left < 0.5 * lit
    # The border of the frame was not scanned.
    assert after.pixels[:40].mean() == pytest.approx(before.pixels[:40].mean(), rel=0.05)


def light_frame(devices: Microscope) -> FmFrame:
    """One frame of fluorescence."""
    devices.light.on(488, 0.5, 200)
    try:
        return devices.camera.expose(FmSettings(EXPOSURE_S, 100, 488, 0.5), 200)
    finally:
        devices.light.off()


# Whole sessions


def test_the_profile_from_its_start_to_its_end(start: Start, tmp_path: Path) -> None:
    true = profile(**CALIBRATED)
    with servers(true) as rig:
        doctor = start("doctor", "--config", written(rig.config, tmp_path), "--out", tmp_path, "--json")
        said, _ = doctor.communicate(timeout=PATIENCE_S)
        assert doctor.returncode == 0
        (calibration,) = (c for c in json.loads(said)["checks"] if c["name"] == "calibration")
        assert "shift 2, -1 um, rotation 20 mrad" in calibration["says"]
        summary = run(start, rig.config, tmp_path)
        truth = rig.truth()
        assert rig.quanta("beam_is_blanked") is True
    assert summary["end_state"] == "done"
    assert (summary["sections"], summary["fields"]) == (3, 6)
    assert truth["blanked"]
    assert not truth["light"]
    with store_of(tmp_path) as store:
        phases = [e.data["phase"] for e in store.events.since(0, 10_000) if e.kind == "session"]
        assert phases[1:] == ["to_partial_vacuum", "fluorescence", "to_high_vacuum", "electron", "done"]
        jobs = store.queue.jobs()
        assert {job.state for job in jobs} == {JobState.DONE}
        # What the specimen got is what the ledger says, but for the error of the stage and the turn.
        ledger, frame = store.ledger.exposures(), StageFrame.of(true)
        assert len(ledger) == len(truth["ground"]) == len(jobs) == len({row.job for row in ledger})
        for row, (rect_m, fraction) in zip(ledger, truth["ground"], strict=True):
            assert row.state is ExposureState.CLOSED
            corners = frame.fm_to_sem.to_sem(np.reshape(row.rect_m, (2, 2)))
            assert corners.ravel() == pytest.approx(rect_m, abs=STAGE_ERROR_M + frame.misfit_m)
            assert fraction == pytest.approx(1)
        assert whole_cells(true, store, truth["ground"]) == recall_in_memory(true, tmp_path) == 1
        assert shown_where_calibrated(true, store, tmp_path)
        told = annotations_of(tmp_path / "run" / str(jobs[0].image))
        assert told["ilemtrack.as_configured"] == "aperture_m detector"
        assert float(told["ilemtrack.working_distance_m"]) == 5.8e-3


def test_sections_one_after_the_other_on_the_stage_of_odemis(start: Start, tmp_path: Path) -> None:
    """Pumped for each section, and focused; Odemis has neither beam nor chamber."""
    true = profile(
        **CALIBRATED,
        quanta={"drives_stage": False},
        layout={"sections": 2},
        session={"order": "section", "autofocus": True},
    )
    with servers(true) as rig:
        rig.faults.write(missing=["e-beam", "bs-detector", "chamber"])
        summary = run(start, rig.config, tmp_path)
        truth = rig.truth()
    assert summary["end_state"] == "done"
    assert truth["blanked"]
    with store_of(tmp_path) as store:
        phases = [e.data["phase"] for e in store.events.since(0, 10_000) if e.kind == "session"]
        assert phases.count("to_partial_vacuum") == phases.count("to_high_vacuum") == 2
        spots = [job for job in store.queue.jobs() if not job.covers]
        assert spots
        # A focus scans its spot five times, and an image of it is kept.
        assert len(truth["ground"]) == len(store.ledger.exposures()) + 5 * len(spots)
        assert whole_cells(true, store, truth["ground"]) == 1
        assert shown_where_calibrated(true, store, tmp_path)


def test_a_calibration_that_is_not_told_costs_cells(start: Start, tmp_path: Path) -> None:
    true = profile(**CALIBRATED, layout={"sections": 1, "columns": 1})
    with servers(true) as rig:
        run(start, rig.config.model_copy(update={"calibration": profile().calibration}), tmp_path)
        truth = rig.truth()
    with store_of(tmp_path) as store:
        assert whole_cells(true, store, truth["ground"]) < 0.9
        assert not shown_where_calibrated(true, store, tmp_path)


def test_an_overview_places_the_frames_of_its_position(start: Start, tmp_path: Path) -> None:
    true = profile(
        **CALIBRATED,
        layout={"sections": 1, "columns": 1, "fields": [1, 1]},
        sem={
            "beam_reach_um": [60, 60],
            "max_scan_px": [600, 600],
            # Long enough to be stopped after one frame on a busy computer, too.
            "dwell_us": 40,
            "overview": {"take": True, "pixel_size_nm": 100, "dwell_us": 4.5},
        },
    )
    with servers(true) as rig:
        summary = run(start, rig.config, tmp_path)
        truth = rig.truth()
    assert summary["end_state"] == "done"
    with store_of(tmp_path) as store:
        first, *frames = store.ledger.exposures()
        assert first.kind is JobKind.OVERVIEW
        assert frames
        assert {row.kind for row in frames} == {JobKind.FRAME}
        (overview,) = store.overviews.all()
        assert overview.job == first.job
        assert overview.state in (OverviewState.USED, OverviewState.NOT_PROVEN)
        # The beam has scanned what the ledger says, and the whole of each cell besides the overview.
        assert len(truth["ground"]) == 1 + len(frames)
        assert [fraction for _, fraction in truth["ground"]] == pytest.approx([1] * (1 + len(frames)))
        corners = StageFrame.of(true).fm_to_sem.to_sem(np.reshape(first.rect_m, (2, 2)))
        misfit_m = StageFrame.of(true).misfit_m + StageFrame.of(true).wider_m((40e-6, 40e-6))
        assert corners.ravel() == pytest.approx(truth["ground"][0][0], abs=STAGE_ERROR_M + misfit_m)
        assert whole_cells(true, store, truth["ground"][1:], least=1) == 1
