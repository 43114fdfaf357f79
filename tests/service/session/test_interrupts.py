import pytest

from service.model.phases import PauseCause
from service.session.interrupts import Interrupt, Interrupts, InterruptSession


def test_a_stronger_interrupt_replaces_a_weaker_one_and_not_the_other_way() -> None:
    interrupts = Interrupts()
    assert interrupts.pending() is Interrupt.NOTHING
    interrupts.put(Interrupt.PAUSE, "a pause", PauseCause.PERSON)
    interrupts.put(Interrupt.ABORT, "an abort")
    interrupts.put(Interrupt.PAUSE, "another pause", PauseCause.PERSON)
    with pytest.raises(InterruptSession, match="an abort") as raised:
        interrupts.take()
    assert (raised.value.interrupt, raised.value.cause) == (Interrupt.ABORT, None)
    interrupts.take()


def test_a_pause_that_is_dropped_is_gone_and_an_abort_is_not() -> None:
    interrupts = Interrupts()
    interrupts.put(Interrupt.PAUSE, "why", PauseCause.DISK)
    assert interrupts.drop_pause()
    interrupts.take()
    interrupts.put(Interrupt.ABORT, "why")
    assert not interrupts.drop_pause()
    assert interrupts.pending() is Interrupt.ABORT


def test_a_pause_that_was_taken_can_still_be_withdrawn_and_one_of_the_session_itself_cannot() -> None:
    interrupts = Interrupts()
    interrupts.put(Interrupt.PAUSE, "why", PauseCause.PERSON)
    with pytest.raises(InterruptSession) as taken:
        interrupts.take()
    assert not interrupts.is_withdrawn(taken.value)
    interrupts.drop_pause()
    assert interrupts.is_withdrawn(taken.value)
    assert not interrupts.is_withdrawn(InterruptSession(Interrupt.PAUSE, "full", PauseCause.DISK))
    interrupts.put(Interrupt.PAUSE, "again", PauseCause.PERSON)
    with pytest.raises(InterruptSession) as again:
        interrupts.take()
    assert not interrupts.is_withdrawn(again.value)


def test_a_pause_needs_a_cause_and_nothing_else_has_one() -> None:
    interrupts = Interrupts()
    with pytest.raises(ValueError, match="PAUSE with cause None"):
        interrupts.put(Interrupt.PAUSE, "why")
    with pytest.raises(ValueError, match="a pause has a cause"):
        InterruptSession(Interrupt.SHUTDOWN, "why", PauseCause.PERSON)
    assert interrupts.pending() is Interrupt.NOTHING
