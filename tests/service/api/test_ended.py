"""A run without a daemon, read as if there were one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.api.ended import EndedSession
from service.api.wire.methods import METHODS
from service.errors import ApiError, InputError
from service.model.phases import Phase
from tests.service.conftest import Start

pytestmark = pytest.mark.usefixtures("frames_once")


@pytest.fixture
def ended(start: Start) -> Iterator[EndedSession]:
    session = start()
    assert session.store.status().phase is Phase.DONE
    made = EndedSession(session.folder.path)
    yield made
    made.close()


def test_it_is_read_like_a_running_session(ended: EndedSession) -> None:
    status = ended.call("status")
    assert (status["phase"], status["devices"]) == ("done", {})
    jobs = ended.call("queue.list", state="done")["jobs"]
    assert len(jobs) == status["jobs"]["done"] > 0
    assert ended.call("queue.get", job=jobs[0]["job"])["image"]
    assert ended.call("fields.image", field="S0001/F000")["base64"]
    assert ended.call("estimate")["left_s"] == 0
    assert ended.call("targets.get")["cells"] > 0
    events = list(ended.events())
    assert [event["seq"] for event in events] == list(range(1, status["last_seq"] + 1))
    assert list(ended.events(events[-1]["seq"])) == []


def test_nothing_can_be_changed(ended: EndedSession) -> None:
    before = ended.call("status")["last_seq"]
    for name, method in METHODS.items():
        if method.changes:
            with pytest.raises(ApiError, match="not changed"):
                ended.call(name)
    with pytest.raises(ApiError, match="there is no job"):
        ended.call("queue.get", job="J9")
    assert ended.call("status")["last_seq"] == before


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder of an ilemtrack run"):
        EndedSession(tmp_path)
    (tmp_path / "fm/S0001").mkdir(parents=True)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(InputError, match=re.escape(f"(it lies in that of a run, {tmp_path})")):
        EndedSession(tmp_path / "fm/S0001")
