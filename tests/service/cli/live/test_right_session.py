"""Commands reach the session that a person means, and say which one it was."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.loading import dump
from service.api.handler import Handler
from service.api.transport.discovery import DaemonInfo
from service.api.transport.endpoints import run_endpoints
from service.api.transport.publishing import Publication
from service.api.transport.server import ApiServer
from service.model.phases import Phase, SessionEvent
from service.store.store import Store
from tests.service.api.api_session import DirectControl
from tests.service.saying import Said
from tests.service.sessions import small_config

pytestmark = pytest.mark.usefixtures("frames_once")


class Daemon:
    """Sockets and file of a daemon in this process."""

    def __init__(self, folder: Path, run: str, kind: str, microscope: str) -> None:
        folder.mkdir()
        self.store = Store.create(folder / "session.sqlite", run, "", kind)
        self.store.apply(SessionEvent.START)
        where = run_endpoints(run)
        control = DirectControl(self.store)
        answer = Handler(self.store, control, where.events, microscope).answer
        self._server = ApiServer(self.store, answer, control.time_s, where)
        self._server.start()
        self._publication = Publication()
        self._publication.publish(
            DaemonInfo(
                endpoint=where.requests,
                events_endpoint=where.events,
                run=run,
                pid=os.getpid(),
                kind=kind,
                microscope=microscope,
                folder=str(folder),
            )
        )

    def phase(self) -> Phase:
        return self.store.status().phase

    def end(self) -> None:
        self._server.stop()
        self._publication.withdraw()
        self.store.close()


@pytest.fixture
def dry(runtime: Path, tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path / "dry", "dry-1", "dry-run", "a simulated microscope")
    yield made
    made.end()


@pytest.fixture
def real(dry: Daemon, tmp_path: Path) -> Iterator[Daemon]:
    """A session on a microscope that begins after a dry run."""
    made = Daemon(tmp_path / "real", "real-1", "run", "quanta250-secom (Odemis)")
    yield made
    made.end()


def test_a_bare_abort_ends_the_session_on_the_microscope_and_not_the_dry_run(
    dry: Daemon, real: Daemon, say: Said
) -> None:
    status, said, _ = say("abort")
    assert status == 0
    assert said.startswith("real-1 on quanta250-secom (Odemis): ")
    assert (dry.phase(), real.phase()) == (Phase.PREFLIGHT, Phase.ABORTED)
    status, said, _ = say("pause", "--run", "dry-1")
    assert (status, said.partition(":")[0]) == (0, "dry-1 on a simulated microscope")
    assert say("continue", "--run", "dry-1")[0] == 0
    assert "dry-1 (dry-run" in say("status", "--run", "dry-1")[1]


def test_beside_a_dry_run_alone_a_bare_command_says_how_to_reach_it(dry: Daemon, say: Said) -> None:
    for command in (("abort",), ("status",), ("queue", "list"), ("estimate",), ("events",)):
        status, _, said = say(*command)
        assert status == 3
        assert "dry-1 on a simulated microscope; name it with --run" in said
    assert dry.phase() is Phase.PREFLIGHT


def test_two_sessions_are_refused_with_both_named(
    dry: Daemon, real: Daemon, tmp_path: Path, say: Said
) -> None:
    other = Daemon(tmp_path / "other", "real-2", "run", "helios (Odemis)")
    try:
        status, _, said = say("abort")
        assert status == 2
        assert "real-1 on quanta250-secom (Odemis); real-2 on helios (Odemis)" in said
        assert (real.phase(), other.phase()) == (Phase.PREFLIGHT, Phase.PREFLIGHT)
        assert say("abort", "--run", tmp_path / "other")[0] == 0
        assert (real.phase(), other.phase()) == (Phase.PREFLIGHT, Phase.ABORTED)
    finally:
        other.end()


def dry_run(say: Said, out: Path) -> Any:
    """Run a small session to its end, and return its summary."""
    config = out.with_name("small.yaml")
    config.write_text(dump(small_config(layout={"sections": 1})), encoding="utf-8")
    return say("dry-run", "--config", config, "--out", out, "--json")[1]


def test_a_session_that_has_ended_shows_how_and_where_it_lies(
    runtime: Path, tmp_path: Path, say: Said
) -> None:
    out = tmp_path / "run"
    done = dry_run(say, out)
    # Without a name, only sessions on a microscope are meant.
    assert say("status")[0] == 3
    for name in (done["run"], str(out)):
        status, text, _ = say("status", "--run", name)
        assert status == 0
        assert "ended       done" in text
        assert f"lies in     {out}" in text
        assert f"{done['jobs']['done']} done" in text
    status, document, _ = say("status", "--run", out, "--json")
    assert (document["daemon"], document["end_state"], document["folder"]) == (False, "done", str(out))


def test_a_killed_session_is_shown_with_the_way_to_take_it_up(
    runtime: Path, tmp_path: Path, say: Said
) -> None:
    out = tmp_path / "run"
    done = dry_run(say, out)
    ended = DaemonInfo(
        endpoint="ipc:///a", events_endpoint="ipc:///b", run=done["run"], pid=2**22 + 1, folder=str(out)
    )
    Publication().publish(ended)
    status, text, said = say("status")
    assert status == 3
    assert f"lies in     {out}" in text
    assert "no daemon of this user is running" in said


def test_events_are_words(dry: Daemon, say: Said) -> None:
    note = dry.store.events.note
    note("job", "J000001", {"from": "needs_review", "to": "queued", "reason": "approved by anna", "by": None})
    note("devices_busy", "session", {"busy_s": 3.25, "none": None, "flag": False})
    note("found", "microscope", {"settings": {"ccd": {"binning": [1, 1], "emGain": None}}, "light": True})
    note("preflight", "session", {"checks": [{"name": "disk", "level": "warn", "says": "little room"}]})
    status, text, _ = say("events", "--run", "dry-1")
    assert status == 0
    for words in (
        "idle -> preflight",
        "J000001  needs review -> queued: approved by anna",
        "devices busy  session  busy 3.25 s, flag no",
        "1 checks, not ok: little room",
    ):
        assert words in text
    assert not set("{}[]'") & set(text)
