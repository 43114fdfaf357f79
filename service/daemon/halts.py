"""Halts of a session: the safe state first, then the pause, fault, abort or wait."""

import threading
from dataclasses import dataclass, replace

from service import wording
from service.acquisition.overviews.follow import give_up_waiting_overviews
from service.errors import LOST, StoreError, StoreTrouble, UnsafeError
from service.logs import get_logger
from service.model.overviews import NotUsed
from service.model.phases import FINAL, Phase, SessionEvent, possible
from service.safety.safe_state import make_safe
from service.session.context import Context
from service.session.interrupts import Interrupt, InterruptSession
from service.store.outcome import last_fault

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Blocked:
    """A session that stands still because nothing can be recorded."""

    reason: str
    safe: bool
    """False if the microscope is not known to be safe."""
    trouble: StoreTrouble
    to_do: str
    """Advice for a person."""


class Halts:
    """Halts of one session, for the thread of its runner.

    Parameters
    ----------
    context : Context
    landed : threading.Event
        Set while the session waits for a person.
    """

    def __init__(self, context: Context, landed: threading.Event) -> None:
        self._context = context
        self._landed = landed
        self.blocked: Blocked | None = None
        """None while the session can be recorded."""

    def handle(self, asked: InterruptSession) -> bool:
        """Pause, abort or shut down; return False if the program shall end with the session as it is."""
        unsafe = self._unsafe()
        store = self._context.store
        if unsafe is not None and asked.interrupt is Interrupt.PAUSE:
            return self.fault_unsafe(unsafe)
        match asked.interrupt:
            case Interrupt.PAUSE:
                self._unless_fulfilled(SessionEvent.PAUSE, asked)
            case Interrupt.ABORT:
                self._unless_fulfilled(SessionEvent.ABORT, asked)
            case Interrupt.SHUTDOWN:
                try:
                    store.events.note("shutdown", "session", {"reason": asked.reason})
                except StoreError as error:
                    # A shutdown ends the program even if the disk is full.
                    log.error("shutdown not recorded", error=str(error))
                return False
            case Interrupt.NOTHING:
                pass
        return True

    def _unless_fulfilled(self, event: SessionEvent, asked: InterruptSession) -> None:
        """Apply an event, unless the session stands still already: then the wish has come true.

        The phase can change between a wish and its turn: the session has paused by itself, or is in fault.
        """
        store = self._context.store
        with store.transaction():
            if possible(store.status(), event) and not self._context.interrupts.is_withdrawn(asked):
                store.apply(event, asked.reason, asked.cause)
                if event is SessionEvent.ABORT:
                    give_up_waiting_overviews(store, NotUsed.ABORTED)
            else:
                log.info("already fulfilled", wish=event.value, phase=store.status().phase.value)

    def fault(self, reason: str) -> bool:
        """Make the microscope safe, then enter the fault; return False if the program shall end.

        A pending interrupt, such as the abort that stopped the call, is handled instead.
        """
        unsafe = self._unsafe()
        said = reason if unsafe is None else wording.not_safe(unsafe, reason)
        return self._fault(said, reason, unsafe is None)

    def fault_unsafe(self, problems: str) -> bool:
        """Enter the fault of a microscope that is not safe; see `fault`."""
        unsafe = self._unsafe()
        said = problems if unsafe is None else wording.not_safe(unsafe)
        return self._fault(said, wording.was_not_safe(problems), unsafe is None)

    def _fault(self, reason: str, once_safe: str, safe: bool) -> bool:
        """Enter the fault; `once_safe` is its reason from the moment that the microscope is safe."""
        context = self._context
        context.interrupts.drop_pause()
        try:
            context.interrupts.take()
        except InterruptSession as asked:
            log.info("interrupted on the way to a fault", reason=reason)
            return self.handle(asked)
        log.error("fault", reason=reason)
        context.store.apply(SessionEvent.FAULT, reason, notes={"safe": safe, "once_safe": once_safe})
        return True

    def _safe_after_all(self) -> None:
        """Take NOT SAFE out of the reason of a fault, once; the fault itself stays."""
        store = self._context.store
        fault = last_fault(store)
        if fault is None or fault.safe:
            return
        said = store.events.last_of("safe")
        if said is not None and said.seq > fault.seq:
            return
        with store.transaction():
            store.events.note("safe", "microscope", {"problems": None})
            # The reason of a fault that was acknowledged meanwhile says so.
            if store.status().phase is Phase.FAULT:
                store.restate(wording.safe_again(fault.once_safe))

    def wait_for_a_person(self, phase: Phase) -> None:
        """Wait, safe, until a person ends the phase.

        Raises
        ------
        UnsafeError
            The microscope is not safe, and this is not a fault yet.
        InterruptSession
        """
        context = self._context
        unsafe = self._unsafe()
        if unsafe is not None and phase is not Phase.FAULT:
            raise UnsafeError(unsafe)
        context.progress.rest()
        if context.devices.chamber_by_hand is not None:
            # The person who is waited for may also vent: what was confirmed before counts no more.
            context.devices.chamber_by_hand.forget()
        self._landed.set()
        again_s = context.limits.safe_again_s
        noted: str | None = None
        while context.store.status().phase is phase:
            if unsafe is None and phase is Phase.FAULT:
                self._safe_after_all()
            elif unsafe != noted:
                context.store.events.note("unsafe", "microscope", {"problems": unsafe})
            noted = unsafe
            context.view.look(context.devices)
            context.interrupts.wait(None if unsafe is None else again_s)
            context.interrupts.take()
            if unsafe is not None:
                again_s = min(2 * again_s, context.limits.safe_again_most_s)
                unsafe = self._unsafe()
        self._landed.clear()

    def wait_until_recorded(self, error: Exception) -> None:
        """Wait, safe and with unsaved images in memory, until the fault of a failed halt is recorded.

        Parameters
        ----------
        error : Exception
            A `StoreError`, or an error that nobody expected; it is raised if the program is shut down first.
        """
        context = self._context
        unsafe = self._unsafe()
        plain = wording.database_refuses(error) if isinstance(error, StoreError) else _unexpected(error)
        reason = plain if unsafe is None else wording.not_safe(unsafe, plain)
        trouble = error.trouble if isinstance(error, StoreError) else StoreTrouble.OTHER
        copy = context.store.rescue() if trouble in LOST else None
        to_do = wording.mend_the_store(trouble, copy)
        self.blocked = Blocked(reason, unsafe is None, trouble, to_do)
        log.critical("blocked", reason=reason, to_do=to_do)
        context.progress.rest()
        while True:
            if context.interrupts.pending() is Interrupt.SHUTDOWN:
                raise error
            try:
                if context.store.status().phase not in FINAL:
                    notes = {"safe": self.blocked.safe, "once_safe": plain}
                    context.store.apply(SessionEvent.FAULT, reason, notes=notes)
                break
            except Exception as refused:  # noqa: BLE001 - a session that cannot halt must not go on
                log.error("fault not recorded", error=str(refused))
                context.interrupts.wait(context.limits.safe_again_s)
                if unsafe is not None:
                    unsafe = self._unsafe()
                    reason = plain if unsafe is None else wording.not_safe(unsafe, plain)
                    if (reason, unsafe is None) != (self.blocked.reason, self.blocked.safe):
                        self.blocked = replace(self.blocked, reason=reason, safe=unsafe is None)
        self.blocked = None

    def _unsafe(self) -> str | None:
        """Reach the safe state; return what prevents it, None if nothing does."""
        try:
            make_safe(self._context.devices)
        except UnsafeError as error:
            return str(error)
        except Exception as error:
            # Not to know is not to be safe.
            log.exception("unexpected")
            return _unexpected(error)
        return None


def _unexpected(error: Exception) -> str:
    return f"unexpected {type(error).__name__}: {error}"
