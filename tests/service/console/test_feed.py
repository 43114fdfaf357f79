import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import Queue
from typing import Any

import pytest

from service.console import feed as feeds
from service.console.computer.source import Opened
from service.console.feed import KEPT_EVENTS, Feed
from service.console.pace import Budget
from service.console.run_state import Link
from service.errors import ApiError, NoDaemonError
from tests.service.daemons import until


class Run:
    """A run that a feed follows, and that the test moves."""

    def __init__(self) -> None:
        self.name, self.alive, self.ended = "run-1", True, False
        self.silent = False
        self.unexpected: set[str] = set()
        self.last_seq = 0
        self.asked: list[str] = []
        self.counting, self.open_sources = threading.Lock(), 0
        self._coming: list[Queue[dict[str, Any] | None]] = []

    def open(self) -> Opened:
        self._fail("open")
        if not self.alive and not self.ended:
            raise NoDaemonError("no daemon is running")
        return Opened(RunSource(self, self.ended), live=not self.ended)

    def feed(self) -> Feed:
        made = Feed(self.open, self.running, lambda: self._fail("changed"))
        made.start()
        return made

    def running(self) -> bool:
        self._fail("running")
        return self.alive and not self.ended

    def _fail(self, what: str) -> None:
        if what in self.unexpected:
            raise ZeroDivisionError(f"in {what}")

    def happen(self, count: int = 1) -> None:
        for _ in range(count):
            self.last_seq += 1
            for queue in self._coming:
                queue.put({"seq": self.last_seq})

    def die(self) -> None:
        self.alive = False
        for queue in self._coming:
            queue.put(None)

    def listen(self) -> Queue[dict[str, Any] | None]:
        self._coming.append(Queue())
        return self._coming[-1]


class RunSource:
    def __init__(self, run: Run, stored: bool) -> None:
        self._run, self._stored = run, stored
        self._closed = False
        with run.counting:
            run.open_sources += 1

    def call(self, method: str, *, request_id: str | None = None, **params: Any) -> dict[str, Any]:  # noqa: ARG002
        self._run.asked.append(method)
        self._run._fail(method)
        if (self._run.silent or not self._run.alive) and not self._stored:
            raise NoDaemonError("the daemon does not answer")
        if method == "queue.get":
            raise ApiError("not_found", "there is no such job")
        return {"run": self._run.name, "last_seq": self._run.last_seq}

    def events(self, since: int | None = None) -> Iterator[dict[str, Any]]:
        queue = self._run.listen()
        for seq in range((since or 0) + 1, self._run.last_seq + 1):
            yield {"seq": seq}
        while not self._stored:
            event = queue.get()
            if event is None:
                raise NoDaemonError("the daemon does not answer")
            yield event

    def close(self) -> None:
        with self._run.counting:
            self._run.open_sources -= not self._closed
            self._closed = True
        self._run._fail("close")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_QUIET_S", "_BUSY_S", "_AGAIN_S"):
        monkeypatch.setattr(feeds, name, 0.01)


@pytest.fixture
def run() -> Run:
    return Run()


@pytest.fixture
def feed(run: Run) -> Iterator[Feed]:
    made = run.feed()
    yield made
    run.die()
    made.stop()


def seqs(feed: Feed) -> list[int]:
    return [event["seq"] for event in feed.events()]


def test_events_come_without_gaps(run: Run, feed: Feed) -> None:
    until(lambda: feed.state.link is Link.UP)
    run.happen(5)
    until(lambda: len(seqs(feed)) == 5)
    until(lambda: feed.state.status is not None and feed.state.status["last_seq"] == 5)
    assert seqs(feed) == [1, 2, 3, 4, 5]


def test_what_happened_while_the_daemon_was_away_is_caught_up(run: Run, feed: Feed) -> None:
    run.happen(2)
    until(lambda: len(seqs(feed)) == 2)
    run.die()
    until(lambda: feed.state.link is Link.LOST)
    assert feed.state.status is not None, "the last that is known"
    run.happen(3)
    run.alive = True
    until(lambda: feed.state.link is Link.UP and len(seqs(feed)) == 5)
    assert seqs(feed) == [1, 2, 3, 4, 5]


def test_the_events_of_another_run_replace_those_of_the_first(run: Run, feed: Feed) -> None:
    run.happen(4)
    until(lambda: len(seqs(feed)) == 4)
    run.die()
    until(lambda: feed.state.link is Link.LOST)
    run.name, run.last_seq, run.alive = "run-2", 2, True
    until(lambda: feed.state.hello is not None and feed.state.hello["run"] == "run-2")
    until(lambda: seqs(feed) == [1, 2])


def test_memory_stays_flat_whatever_happens(run: Run) -> None:
    run.last_seq = 1_000_000
    feed = run.feed()
    until(lambda: len(seqs(feed)) == KEPT_EVENTS)
    run.happen(5000)
    until(lambda: seqs(feed)[-1] == 1_005_000)
    assert len(seqs(feed)) == KEPT_EVENTS
    for n in range(300):
        feed.recent("queue.list", 60.0, after=n)
    assert len(feed._results) <= 100
    run.die()
    feed.stop()


def test_a_silence_is_not_paid_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that is away for minutes is found again within seconds."""
    now_s = [0.0]
    monkeypatch.setattr("service.console.pace.time.monotonic", lambda: now_s[0])
    budget = Budget()
    for _ in range(2):
        with suppress(NoDaemonError), budget:
            now_s[0] += 60.0
            raise NoDaemonError("silent")
    assert budget.wait_s() == 0
    for _ in range(20):
        with budget:
            now_s[0] += 0.03
    assert 10 < budget.wait_s() < 60, "a share of a hundredth in the long run"
    now_s[0] += 60.0
    assert budget.wait_s() == 0


def test_a_daemon_that_is_busy_is_waited_for(run: Run, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it listens, and not for ever."""
    until(lambda: feed.state.link is Link.UP)
    run.silent = True
    begun = len(run.asked)
    until(lambda: len(run.asked) > begun + 2)
    assert feed.state.link is Link.UP
    waiting = threading.Thread(target=feed.call, args=("queue.list",))
    waiting.start()
    until(lambda: run.asked.count("queue.list") > 1)
    run.silent = False
    waiting.join()
    monkeypatch.setattr(feeds, "_PATIENCE_S", 0.01)
    run.silent = True
    until(lambda: feed.state.link is Link.LOST)
    with pytest.raises(NoDaemonError):
        feed.call("queue.list")
    run.silent = False
    until(lambda: feed.state.link is Link.UP)


@pytest.mark.parametrize("where", ["open", "hello", "status"])
def test_an_error_that_nobody_expected_is_shown_and_logged_and_the_feed_goes_on(
    run: Run, feed: Feed, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its thread would have ended, and the page shown for ever what it showed."""
    logging.getLogger("ilemtrack").addHandler(caplog.handler)
    until(lambda: feed.state.link is Link.UP)
    run.happen()
    until(lambda: seqs(feed) == [1])
    if where != "status":
        # These are asked for a run that is opened anew.
        run.die()
        until(lambda: feed.state.link is Link.LOST)
    run.unexpected, run.alive = {where}, True
    until(lambda: feed.state.link is Link.FAILED)
    assert feed.state.problem == f"ZeroDivisionError: in {where}"
    assert feed.state.status is not None, "the last that is known"
    assert f"in {where}" in caplog.text
    run.unexpected.clear()
    run.happen()
    until(lambda: feed.state.link is Link.UP and feed.state.problem == "")
    until(lambda: seqs(feed) == [1, 2])
    logging.getLogger("ilemtrack").removeHandler(caplog.handler)


def test_what_fails_beside_the_questions_ends_no_thread(run: Run, feed: Feed) -> None:
    until(lambda: feed.state.link is Link.UP)
    run.unexpected = {"changed", "close", "running"}
    run.happen()
    run.die()
    asked = len(run.asked)
    run.alive = True
    until(lambda: len(run.asked) > asked + 4)
    run.unexpected.clear()
    run.happen()
    until(lambda: feed.state.link is Link.UP and seqs(feed) == [1, 2])


def test_no_daemon_at_first(run: Run) -> None:
    run.alive = False
    feed = run.feed()
    until(lambda: feed.state.link is Link.NONE)
    assert feed.state.problem == "no daemon is running"
    run.alive = True
    until(lambda: feed.state.link is Link.UP)
    run.die()
    feed.stop()


def test_an_ended_run_is_asked_no_more(run: Run) -> None:
    run.ended = True
    run.last_seq = 3
    feed = run.feed()
    until(lambda: not feed.state.live and feed.state.status is not None and len(seqs(feed)) == 3)
    assert not feed.state.was_live
    feed.stop()


def test_a_run_whose_daemon_died_is_read_from_its_folder_until_it_is_resumed(run: Run, feed: Feed) -> None:
    run.happen(2)
    until(lambda: len(seqs(feed)) == 2)
    run.ended = True
    run.die()
    until(lambda: not feed.state.live and feed.state.link is Link.UP)
    assert feed.state.was_live
    run.ended, run.alive, run.last_seq = False, True, 4
    until(lambda: feed.state.live and seqs(feed) == [1, 2, 3, 4])
    run.happen()
    until(lambda: seqs(feed) == [1, 2, 3, 4, 5])


def test_people_who_look_at_the_same_cost_the_daemon_one_answer(run: Run, feed: Feed) -> None:
    threads = [threading.Thread(target=feed.recent, args=("queue.list", 60.0)) for _ in range(2)]
    feed.recent("queue.list", 60.0)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert run.asked.count("queue.list") == 1
    with pytest.raises(ApiError, match="no such job"):
        feed.call("queue.get", job="J1")


def test_a_run_that_is_followed_no_more_leaves_no_connection_open(run: Run) -> None:
    """It would stay open for as long as the console."""
    feed = run.feed()
    until(lambda: feed.state.link is Link.UP)
    feed.call("queue.list")
    feed.stop()
    # Its threads end at their next wait; the one of events at the next event.
    run.happen()
    until(lambda: run.open_sources == 0)
    # A page that still shows it asks once more.
    feed.call("queue.list")
    assert run.open_sources == 0
