import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from nicegui import Event, ui

from service.console.ask import Answer, Question, ask
from service.console.changes import controls, steering
from service.console.pages import review
from service.console.review import edits
from service.console.run_state import State
from service.console.safety import Role
from service.console.view import FollowedRun, View
from service.errors import ApiError, NoDaemonError
from service.model.jobs import JobState
from service.words.events import event_words
from tests.service.console.consoles import run_alone


class Answers:
    """A feed that answers as it is given to, and keeps what it was asked."""

    state = State(hello={"run": "r1"})
    stopped = False

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.asked.append({"method": method, **params})
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, dict) else {"message": str(answer)}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sentences: list[str] = []
    monkeypatch.setattr(ui, "notify", lambda text, **_: sentences.append(text))
    return sentences


def changed(feed: Answers, role: Role = Role.OPERATE, **params: Any) -> bool:
    run = FollowedRun(feed, Event[[]](), None)  # type: ignore[arg-type]
    view = View(run, None, role, {}, "kim", True, "/")  # type: ignore[arg-type]
    return run_alone(view.change("run.pause", **params))


def test_a_change_whose_reply_is_lost_is_asked_for_again_under_one_identifier(said: list[str]) -> None:
    feed = Answers(NoDaemonError("no answer"), NoDaemonError("no answer"), "pauses")
    assert changed(feed)
    assert [one["method"] for one in feed.asked] == ["run.pause"] * 3
    assert len({one["request_id"] for one in feed.asked}) == 1
    assert {one["if_run"] for one in feed.asked} == {"r1"}
    assert said == ["pauses"]


def test_a_change_without_any_reply_may_have_been_made(said: list[str]) -> None:
    assert not changed(Answers(*[NoDaemonError("no answer")] * 4))
    assert said == ["Not known if it was done: no answer"]


def test_a_change_that_is_refused_is_not_made(said: list[str]) -> None:
    feed = Answers(ApiError("refused", "too late"))
    assert not changed(feed)
    assert (len(feed.asked), said) == (1, ["Not done: too late"])


def test_who_may_only_watch_asks_for_no_change(said: list[str]) -> None:
    feed = Answers()
    assert not changed(feed, Role.WATCH)
    assert (feed.asked, said) == ([], ["You may watch, but not change anything."])


def test_a_daemon_from_before_an_upgrade_pauses_although_it_takes_no_name(said: list[str]) -> None:
    feed = Answers(ApiError("bad_params", "by: extra inputs are not permitted"), "pauses")
    assert changed(feed, by="kim")
    assert [one.get("by") for one in feed.asked] == ["kim", None]
    assert said == ["pauses"]
    assert not changed(Answers(ApiError("bad_params", "another fault")))


@pytest.mark.parametrize(("stopped", "ends"), [(True, asyncio.CancelledError), (False, RuntimeError)])
def test_a_page_that_reads_while_the_console_ends_is_cancelled(
    stopped: bool, ends: type[BaseException]
) -> None:
    """Its thread was refused, and the terminal showed where."""
    feed = Answers({})
    feed.stopped = stopped
    run = FollowedRun(feed, Event[[]](), None)  # type: ignore[arg-type]
    view = View(run, None, Role.WATCH, {}, "kim", True, "/")  # type: ignore[arg-type]

    async def read() -> None:
        await asyncio.get_running_loop().shutdown_default_executor()
        with pytest.raises(ends):
            await view.call("status")

    run_alone(read())
    assert feed.asked == []


def test_a_move_in_the_queue_is_said_in_words() -> None:
    for moved, before, says in (
        ([9, -1], None, "moved forward, by kim"),
        ([1, 200], None, "moved back, by kim"),
        ([9, 3], "J000004", "moved before J000004, by kim"),
    ):
        data = {"moved": moved, "before": before, "by": "kim", "reason": ""}
        assert event_words({"kind": "job", "data": data}) == says


@pytest.mark.parametrize(
    ("role", "live", "phase", "may"),
    [
        (Role.OPERATE, True, "electron", True),
        (Role.OPERATE, True, None, False),
        (Role.OPERATE, True, "done", False),
        (Role.OPERATE, True, "aborted", False),
        (Role.OPERATE, False, "done", False),
        (Role.OPERATE, False, "electron", False),
        (Role.WATCH, True, "electron", False),
    ],
)
def test_the_queue_is_steered_by_operators_of_a_session_that_is_known_and_goes_on(
    role: Role, live: bool, phase: str | None, may: bool
) -> None:
    assert (
        view_of(role, State(status=None if phase is None else {"phase": phase}, live=live)).may_steer is may
    )


def view_of(role: Role, state: State) -> View:
    feed = Answers()
    feed.state = state
    return View(FollowedRun(feed, Event[[]](), None), None, role, {}, "kim", True, "/")  # type: ignore[arg-type]


def test_a_change_by_oneself_is_no_change_by_somebody_else(said: list[str]) -> None:
    assert view_of(Role.OPERATE, State()).rev is None
    view = view_of(Role.OPERATE, State())
    feed: Any = view.run.feed
    feed.state = State(status={"phase": "electron", "rev": 7})
    feed._answers = [{"message": "held", "rev": 8}, {"message": "paused", "rev": 12}]
    assert run_alone(view.change("queue.hold", if_rev=view.rev))
    # The status is asked for now and then only.
    assert view.rev == 8
    # What was changed whatever others did leaves open what they did.
    assert run_alone(view.change("run.pause"))
    assert view.rev == 8
    feed.state = State(status={"phase": "electron", "rev": 20})
    assert view.rev == 20


@pytest.mark.parametrize(
    ("press", "phase", "method"),
    [
        (controls._continue, "paused", "run.resume"),
        (controls._continue, "review", "review.confirm"),
        (controls._acknowledge, "fault", "fault.ack"),
        (review._confirm, "review", "review.confirm"),
    ],
)
def test_what_a_person_confirms_is_refused_if_the_session_was_changed_since_the_question_and_not_before(
    press: Callable[[View], Coroutine[Any, Any, None]],
    phase: str,
    method: str,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    view = view_of(Role.OPERATE, State(hello={"run": "r1"}, status={"phase": phase, "rev": 3}))
    feed: Any = view.run.feed
    now = {"phase": phase, "rev": 5, "reason": "the door was open"}
    figures = [{"imaged": 4, "cells": 10}, {"electron_s": None}] if press is review._confirm else []
    feed._answers = [now, *figures, {"message": "done", "rev": 6}]
    questions: list[str] = []

    async def ask(_: View, question: Any) -> Answer:
        questions.append(question.effect)
        return Answer("kim", "")

    monkeypatch.setattr(controls, "ask", ask)
    run_alone(press(view))
    assert feed.asked[0]["method"] == "status"
    assert (feed.asked[-1]["method"], feed.asked[-1]["if_rev"]) == (method, 5)
    assert said == ["done"]
    assert len(questions) == 1
    if figures:
        assert "4 of 10 cells, which takes a time that is still being planned" in questions[0]
    # Where nothing is known, nothing is asked.
    feed._answers = [NoDaemonError("no answer")]
    run_alone(press(view))
    assert (len(questions), said[1:]) == (1, ["Not done: no answer"])


class Shown:
    """A button of which only the visibility and the state count."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.visible = self.enabled = True

    def classes(self, _: str) -> "Shown":
        return self

    def set_visibility(self, visible: bool) -> None:
        self.visible = visible

    def set_enabled(self, enabled: bool) -> None:
        self.enabled = enabled


def test_the_buttons_of_the_queue_go_when_it_turns_out_that_the_run_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Shown] = []

    def button(label: str, _: object) -> Shown:
        made.append(Shown(label))
        return made[-1]

    monkeypatch.setattr(steering, "button", button)
    view = view_of(Role.OPERATE, State())
    check = steering.buttons(view, lambda: {"J000001": JobState.QUEUED})
    assert made
    assert not any(one.visible for one in made), "nothing is known yet"
    feed: Any = view.run.feed
    feed.state = State(status={"phase": "electron"})
    check()
    assert all(one.visible for one in made)
    assert {one.label for one in made if one.enabled} == {"Hold", "Skip", "Move first", "Move last"}
    feed.state = State(status={"phase": "electron"}, live=False)
    check()
    assert not any(one.visible or one.enabled for one in made)
    made.clear()
    steering.buttons(view_of(Role.WATCH, State(status={"phase": "electron"})), dict)
    assert made == []


class LeftPage:
    """The browser's side of a page, as far as a view looks at it."""

    is_deleted = False


def test_what_waits_on_a_page_that_is_left_is_cancelled_but_a_change_is_made(said: list[str]) -> None:
    view = view_of(Role.OPERATE, State(hello={"run": "r1"}))
    left: Any = LeftPage()
    view.client = left
    feed: Any = view.run.feed

    def leave(error: Exception | None = None) -> str:
        left.is_deleted = True
        if error is not None:
            raise error
        return "found"

    for trouble in (None, NoDaemonError("no answer"), ValueError("no such file")):
        left.is_deleted = False
        with pytest.raises(asyncio.CancelledError):
            run_alone(view.in_thread(leave, trouble))
    # Whoever aborts a session and closes the page has aborted it, also if the first reply is lost.
    feed._answers = [NoDaemonError("no answer"), {"message": "aborted"}]
    assert run_alone(view.change("run.abort", by="kim"))
    feed._answers = [ApiError("bad_state", "it has ended")]
    assert not run_alone(view.change("run.abort", by="kim"))
    assert len(feed.asked) == 3
    assert said == []


def test_a_page_is_refreshed_by_one_call_after_the_other_the_last_after_the_last_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two at once could show the older of two answers last."""
    view, shown, running, most = view_of(Role.WATCH, State()), 0, 0, 0
    monkeypatch.setattr(ui, "timer", lambda *_, **__: None)

    async def refresh() -> None:
        nonlocal shown, running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        shown, running = shown + 1, running - 1

    async def changes() -> None:
        view.follow(refresh)
        call = view.run.changed.callbacks[0].func
        await asyncio.gather(*(call() for _ in range(5)))

    run_alone(changes())
    assert most == 1
    assert shown == 2, "what happens during the first is shown by the second"


def test_one_question_is_asked_at_a_time_and_none_on_a_page_that_is_left() -> None:
    view = view_of(Role.OPERATE, State())
    question = Question("Skip J000001?", "That is final.", "Skip")
    view.is_asking = True
    assert run_alone(ask(view, question)) is None
    left: Any = LeftPage()
    left.is_deleted, view.is_asking, view.client = True, False, left
    assert run_alone(ask(view, question)) is None


@pytest.mark.parametrize("person", ["", "Anna"])
def test_edits_that_come_while_the_name_is_asked_for_wait_for_it(
    person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, questions = view_of(Role.OPERATE, State()), 0
    view.person = ""

    async def answer(*_: object) -> None:
        nonlocal questions
        questions += 1
        await asyncio.sleep(0)
        view.person = person

    monkeypatch.setattr(edits, "ask", answer)

    async def keys() -> list[bool]:
        return await asyncio.gather(*(edits.named(view) for _ in range(3)))

    assert run_alone(keys()) == [bool(person)] * 3
    assert questions == 1
