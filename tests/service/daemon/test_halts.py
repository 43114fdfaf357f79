"""Halts of a session where the disk or the microscope refuses as well."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from service.daemon.halts import Halts
from service.errors import StoreError, UnsafeError
from service.model.phases import PauseCause, Phase, SessionEvent
from service.session.interrupts import Interrupt, Interrupts, InterruptSession
from service.store.outcome import last_fault
from service.store.store import Store


@pytest.fixture
def context(store: Store, monkeypatch: pytest.MonkeyPatch) -> Any:
    for event in (SessionEvent.START, SessionEvent.PREFLIGHT_PASSED):
        store.apply(event)
    monkeypatch.setattr("service.daemon.halts.make_safe", lambda _: None)
    interrupts = Interrupts()
    return SimpleNamespace(store=store, devices=None, interrupts=interrupts)


def asked(interrupt: Interrupt) -> InterruptSession:
    return InterruptSession(interrupt, "the oil", PauseCause.PERSON if interrupt is Interrupt.PAUSE else None)


def test_a_pause_of_a_safe_microscope_is_a_pause(context: Any) -> None:
    assert Halts(context, threading.Event()).handle(asked(Interrupt.PAUSE))
    status = context.store.status()
    assert (status.phase, status.reason, status.cause) == (Phase.PAUSED, "the oil", PauseCause.PERSON)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UnsafeError("reading the blanker: the beam is on"), "reading the blanker: the beam is on"),
        # Not to know is not to be safe.
        (ZeroDivisionError("a bug"), "unexpected ZeroDivisionError: a bug"),
    ],
)
def test_a_pause_of_a_microscope_that_is_not_safe_is_a_fault(
    context: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def refuses(_: object) -> None:
        raise error

    monkeypatch.setattr("service.daemon.halts.make_safe", refuses)
    assert Halts(context, threading.Event()).handle(asked(Interrupt.PAUSE))
    status = context.store.status()
    assert status.phase is Phase.FAULT
    assert words in str(status.reason)


def test_an_abort_and_nothing(context: Any) -> None:
    halts = Halts(context, threading.Event())
    assert halts.handle(asked(Interrupt.NOTHING))
    assert context.store.status().phase is Phase.TO_PARTIAL_VACUUM
    assert halts.handle(asked(Interrupt.ABORT))
    assert context.store.status().phase is Phase.ABORTED


def test_a_shutdown_ends_the_program_and_is_recorded_where_the_disk_lets_it(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    halts = Halts(context, threading.Event())
    assert halts.handle(asked(Interrupt.SHUTDOWN)) is False
    assert context.store.events.since(0)[-1].kind == "shutdown"
    assert context.store.status().phase is Phase.TO_PARTIAL_VACUUM

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(type(context.store.events), "note", full)
    assert halts.handle(asked(Interrupt.SHUTDOWN)) is False


class Microscope:
    """A microscope that reaches the safe state or not, each time it is asked to; the last answer stays."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)

    def make_safe(self, _: object) -> None:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is not None:
            raise UnsafeError(answer)


class Refusing:
    """A store that refuses the first faults, and notes how the session said that it stands."""

    def __init__(self, store: Store, halts: Halts, times: int) -> None:
        self._real, self._halts, self._left = store.apply, halts, times
        self.seen: list[tuple[str, bool]] = []

    def apply(self, *arguments: Any, **notes: Any) -> Any:
        assert self._halts.blocked is not None
        self.seen.append((self._halts.blocked.reason, self._halts.blocked.safe))
        if self._left:
            self._left -= 1
            raise StoreError("the disk is full")
        return self._real(*arguments, **notes)


@pytest.fixture
def blocked(context: Any) -> Any:
    context.progress = SimpleNamespace(rest=lambda: None)
    context.limits = SimpleNamespace(safe_again_s=0.001)
    return context


@pytest.mark.parametrize(
    ("answers", "safe"),
    [
        ((None,), [True, True, True]),
        (("the beam is on",), [False, False, False]),
        # Safe at the second look: whoever asks how the session stands hears it before anything is recorded.
        (("the beam is on", "the beam is on", None), [False, False, True]),
    ],
)
def test_a_session_that_cannot_be_recorded_says_if_it_is_safe_and_faults_once_it_can(
    blocked: Any, monkeypatch: pytest.MonkeyPatch, answers: tuple[str | None, ...], safe: list[bool]
) -> None:
    monkeypatch.setattr("service.daemon.halts.make_safe", Microscope(*answers).make_safe)
    halts = Halts(blocked, threading.Event())
    refusing = Refusing(blocked.store, halts, times=2)
    monkeypatch.setattr(blocked.store, "apply", refusing.apply)
    halts.wait_until_recorded(StoreError("the disk is full"))
    assert [one for _, one in refusing.seen] == safe
    assert [("the beam is on" in reason) for reason, _ in refusing.seen] == [not one for one in safe]
    assert all("the disk is full" in reason for reason, _ in refusing.seen)
    assert halts.blocked is None
    status, fault = blocked.store.status(), last_fault(blocked.store)
    assert fault is not None
    assert (status.phase, fault.safe) == (Phase.FAULT, safe[-1])
    assert "the beam is on" not in str(fault.once_safe)


def test_a_shutdown_ends_a_session_that_cannot_be_recorded_with_its_error(blocked: Any) -> None:
    blocked.interrupts.put(Interrupt.SHUTDOWN, "the computer ends")
    error = StoreError("the disk is full")
    with pytest.raises(StoreError) as raised:
        Halts(blocked, threading.Event()).wait_until_recorded(error)
    assert raised.value is error
    assert blocked.store.status().phase is Phase.TO_PARTIAL_VACUUM


def test_a_session_that_has_ended_is_no_fault_any_more(blocked: Any) -> None:
    blocked.store.apply(SessionEvent.ABORT, "enough")
    halts = Halts(blocked, threading.Event())
    halts.wait_until_recorded(ZeroDivisionError("a bug"))
    assert (blocked.store.status().phase, halts.blocked) == (Phase.ABORTED, None)


def test_a_wish_that_has_come_true_or_was_withdrawn_changes_nothing(context: Any) -> None:
    halts = Halts(context, threading.Event())
    context.interrupts.put(Interrupt.PAUSE, "the oil", PauseCause.PERSON)
    with pytest.raises(InterruptSession) as taken:
        context.interrupts.take()
    context.interrupts.drop_pause()
    assert halts.handle(taken.value)
    assert context.store.status().phase is Phase.TO_PARTIAL_VACUUM, "withdrawn before its turn"
    assert halts.handle(asked(Interrupt.ABORT))
    last = context.store.events.since(0)[-1].seq
    assert halts.handle(asked(Interrupt.ABORT))
    assert context.store.events.since(0)[-1].seq == last


def test_an_abort_on_the_way_to_a_fault_is_an_abort(context: Any) -> None:
    context.interrupts.put(Interrupt.ABORT, "smoke")
    assert Halts(context, threading.Event()).fault("the stage is stuck")
    status = context.store.status()
    assert (status.phase, status.reason) == (Phase.ABORTED, "smoke")


def test_that_a_microscope_is_safe_after_all_is_said_once(context: Any) -> None:
    halts = Halts(context, threading.Event())
    halts._safe_after_all()
    assert context.store.events.last_of("safe") is None, "there was no fault"
    context.store.apply(
        SessionEvent.FAULT, "NOT SAFE", notes={"safe": False, "once_safe": "the stage is stuck"}
    )
    for _ in range(2):
        halts._safe_after_all()
    assert len(context.store.events.of("safe")) == 1
    assert "the stage is stuck" in str(context.store.status().reason)
    assert context.store.status().phase is Phase.FAULT
