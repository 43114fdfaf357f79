"""The daemon that a command reaches, naming one or none."""

import dataclasses
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.api.transport import publishing
from service.api.transport.discovery import ENDED, DaemonInfo, choose, last_ended
from service.api.transport.endpoints import run_endpoints
from service.api.transport.publishing import Publication
from service.errors import InputError, NoDaemonError
from tests.service.daemons import found_by_others

Published = Callable[[DaemonInfo], Publication]


def a_daemon(run: str, kind: str, folder: str = "") -> DaemonInfo:
    """The description of a daemon of this process, whose socket accepts connections."""
    where = run_endpoints(run)
    return DaemonInfo(
        endpoint=where.requests,
        events_endpoint=where.events,
        run=run,
        pid=os.getpid(),
        kind=kind,
        microscope="a simulated microscope" if kind != "run" else "quanta250-secom (Odemis)",
        folder=folder,
    )


@pytest.fixture
def published(runtime: Path) -> Iterator[Published]:
    """Publish a daemon and listen at its endpoint; gives its publication."""
    made: list[Publication] = []
    sockets: list[socket.socket] = []

    def publish(info: DaemonInfo) -> Publication:
        sockets.append(socket.socket(socket.AF_UNIX))
        sockets[-1].bind(info.endpoint.removeprefix("ipc://"))
        sockets[-1].listen()
        made.append(Publication())
        made[-1].publish(info)
        return made[-1]

    yield publish
    for publication in made:
        publication.withdraw()
    for one in sockets:
        one.close()


def test_a_dry_run_is_never_chosen_by_a_command_without_a_name(published: Published) -> None:
    dry = a_daemon("dry-1", "dry-run")
    published(dry)
    with pytest.raises(NoDaemonError, match="dry-1 on a simulated microscope; name it with --run"):
        choose()
    assert choose("dry-1") == dry
    real = a_daemon("real-1", "run")
    published(real)
    published(a_daemon("replay-1", "replay"))
    assert choose() == real
    assert found_by_others() == real


def test_two_sessions_are_refused_with_both_named(published: Published, tmp_path: Path) -> None:
    published(a_daemon("real-1", "run"))
    second = a_daemon("real-2", "run", str(tmp_path))
    published(second)
    with pytest.raises(InputError) as refused:
        choose()
    assert "real-1 on quanta250-secom (Odemis); real-2 on quanta250-secom" in str(refused.value)
    # By its folder, too.
    assert choose(str(tmp_path)) == second
    ended = tmp_path / "ended"
    ended.mkdir()
    with pytest.raises(NoDaemonError, match=r"status --run \S+` shows it; other runs go on: real-1"):
        choose(str(ended))
    with pytest.raises(NoDaemonError, match=r"real-3 is neither the name .*; other runs go on: real-1"):
        choose("real-3")


def test_the_file_of_a_daemon_that_does_not_listen_any_more_misleads_nobody(published: Published) -> None:
    real = a_daemon("real-1", "run")
    published(real)
    # A killed daemon, whose process number another program has by now.
    Publication().publish(a_daemon("killed", "run"))
    assert choose() == real


def test_a_run_that_is_taken_up_after_a_kill_is_found(published: Published) -> None:
    killed = a_daemon("real-1", "run")
    Publication().publish(dataclasses.replace(killed, pid=2**22 + 1))
    published(killed)
    assert choose() == killed


def test_a_file_that_has_vanished_is_written_at_the_next_beat(published: Published, runtime: Path) -> None:
    real = a_daemon("real-1", "run")
    publication = published(real)
    for path in runtime.glob("*daemon*"):
        path.unlink()
    publication.publish(real)
    assert choose() == found_by_others() == real
    publication.withdraw()
    assert last_ended() == real


def test_the_last_run_is_the_last_also_where_the_clock_was_set_back(
    published: Published, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ilemtrack status` showed another run, and the file of the one that had just ended was forgotten."""
    monkeypatch.setattr(publishing, "_MOST_ENDED", 2)
    for number in range(3):
        earlier = Publication()
        earlier.publish(a_daemon(f"earlier-{number}", "run"))
        earlier.withdraw()
    days_on = time.time() + 3 * 86_400
    for path in runtime.glob("*daemon*"):
        os.utime(path, (days_on, days_on))
    for name in ("last-1", "last-2"):
        last = a_daemon(name, "run")
        publication = published(last)
        assert last_ended() == last
        publication.withdraw()
        assert last_ended() == last
    assert len(list(runtime.glob(f"*{ENDED}"))) == 2
