"""Halts of a session where the disk or the microscope refuses as well."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from service.daemon.halts import Halts
from service.errors import StoreError, UnsafeError
from service.model.phases import PauseCause, Phase, SessionEvent
from service.session.interrupts import Interrupt, Interrupts, InterruptSession
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
