"""A detection that failed is made up for after a restart, once its cause is mended."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from detection.errors import DetectionError
from detection.image.frames import Frame
from detection.image.hits import Hit
from drivers.fluorescence import FmFrame, FmSettings
from service.analysis import worker as analysis
from service.model.jobs import JobState
from service.model.phases import Phase
from service.model.specimen import FieldState
from service.store.store import Store
from tests.service.faults import faulty
from tests.service.linked import BAD_ADU, Picky
from tests.service.saying import Said
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("runtime_dir", "frames_once")


def test_a_failed_detection_is_made_up_for_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Said
) -> None:
    class Broken:
        def find(self, _: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
            raise DetectionError("no licence")

    with monkeypatch.context() as broken:
        broken.setattr(analysis, "open_detector", lambda _: Broken())
        session = Session(tmp_path / "run", small_config(), attended=True)
        session.run()
        status = session.store.status()
        session.end()
    assert status.phase is Phase.PAUSED
    assert "detection failed in 2 fields: S0001/F000, S0002/F000" in str(status.reason)
    code, text, told = say("resume", tmp_path / "run", "--continue")
    assert code == 0
    assert "once more: S0001/F000, S0002/F000" in told
    assert "session          done\n" in text
    assert "failed fields" not in text
    with closing(Store.open(tmp_path / "run" / "session.sqlite")) as store:
        assert {field.state for field in store.specimen.fields()} == {FieldState.PLANNED}
        assert store.queue.counts_in_use().keys() == {JobState.DONE}


def test_the_section_of_a_field_that_failed_is_planned_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(real: Callable[..., FmFrame], settings: FmSettings, timeout_s: float) -> FmFrame:
        frame = real(settings, timeout_s)
        frame.pixels[9, 9] = BAD_ADU
        return frame

    config = small_config(
        layout={"sections": 1, "fields": [2, 1]}, session={"min_free_disk_gb": 0, "review": True}
    )
    with monkeypatch.context() as broken:
        broken.setattr(analysis, "open_detector", lambda _: Picky())
        session = Session(tmp_path / "run", config, faulty("camera", "expose", spoil), attended=True)
        session.run()
        before = session.store.queue.jobs()
        session.end()
    store = Store.open(session.folder.store)
    assert store.recover().again == ("S0001/F000",)
    again = analysis.Analysis(config, store, session.folder, session.setup.clock)
    again.submit_unfinished()
    again.wait(lambda: None)
    again.close()
    assert {field.state for field in store.specimen.fields()} == {FieldState.PLANNED}
    jobs = store.queue.jobs()
    assert [job.id for job in jobs if job.state is JobState.WITHDRAWN] == [job.id for job in before] != []
    queued = {job.id for job in jobs if job.state is JobState.QUEUED}
    cells = store.specimen.cells()
    assert {cell.field for cell in cells} == {"S0001/F000", "S0001/F001"}
    assert all(cell.skipped or set(cell.jobs) <= queued for cell in cells)
    assert sum(way.work.frames for way in store.durations.ways() if way.chosen) == len(queued)
    store.close()
