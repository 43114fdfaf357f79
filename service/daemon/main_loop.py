"""Main thread of a daemon: takes signals, shows the session, and makes sure that the program can end."""

import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from config.alarms import AlarmKind
from service.daemon.control import SessionControl
from service.daemon.halts import Blocked
from service.daemon.runner import Runner
from service.errors import (
    IllegalTransitionError,
    SessionFaultError,
    StoreError,
    StoreTrouble,
    UnsafeError,
)
from service.logs import Seldom, get_logger
from service.model.phases import PauseCause, Phase, Status
from service.safety.safe_state import make_safe
from service.safety.timed_call import TimedCall
from service.session.context import Context
from service.session.interrupts import Interrupt
from service.signals import STOPPING
from service.store.store import Store
from service.watch.alarms import NOT_SAFE, SAFE, Alarm
from service.watch.supervision import Supervision

log = get_logger(__name__)

ABANDONED = 70
"""Exit status of a program that was ended by force, as something in it hung (EX_SOFTWARE)."""

_LOOK_S = 0.1
_LANDS_S = 60.0
"""Time for the runner to end on request; the microscope is safe long before."""

Display = Callable[[Store], None]
"""Shows the session to a person; called several times a second."""


class MainLoop:
    """Runs a session to its end, or until SIGTERM or Ctrl-C.

    Parameters
    ----------
    context, runner, control, supervision
        The session.
    display : callable
        See `Display`.
    attended : bool
        True if a fault waits for a person; otherwise it ends the process.
    lands_s : float
        Longest wait for the runner to end, s.
    leave : callable
        Ends the process with a status, without waiting for any thread.
    """

    def __init__(
        self,
        context: Context,
        runner: Runner,
        control: SessionControl,
        supervision: Supervision,
        display: Display,
        attended: bool,
        lands_s: float = _LANDS_S,
        leave: Callable[[int], NoReturn] = os._exit,
    ) -> None:
        self._context, self._runner, self._control = context, runner, control
        self._supervision, self._display, self._attended = supervision, display, attended
        self._lands_s, self._leave = lands_s, leave
        self._signals: list[signal.Signals] = []
        self._ending_since_s: float | None = None
        self._blocked: Blocked | None = None
        self._seldom = Seldom()

    def run(self, go_on: bool) -> bool:
        """Run the session; return True if it was interrupted by a signal.

        Parameters
        ----------
        go_on : bool
            True to go on with a resumed session at once; otherwise it waits, paused.

        Raises
        ------
        SessionFaultError
            The database could not be written; the microscope is safe.
        UnsafeError
            The session ended, and the microscope is not known to be safe.
        """
        before = {number: signal.signal(number, self._on_signal) for number in STOPPING}
        session = TimedCall("runner", self._runner.run)
        session.start()
        try:
            while not session.join(_LOOK_S):
                try:
                    go_on = self._look(go_on)
                except Exception:  # noqa: BLE001 - only a person ends the program
                    self._seldom.write(log.exception, "unexpected error of the main loop")
        finally:
            if not session.ended():
                self._end("the program ends")
            while not session.join(_LOOK_S):
                self._supervision.heart.main_loop_runs()
                self._give_up_in_time()
            for number, handler in before.items():
                signal.signal(number, handler)
        try:
            session.outcome()
        except StoreError as error:
            to_do = "" if self._blocked is None else f" {self._blocked.to_do}"
            raise SessionFaultError(
                f"the session stopped, the microscope is safe: {error}.{to_do}"
            ) from error
        self._show()
        return bool(self._signals)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        # Only noted: a handler may run while this thread holds a lock of the controls.
        self._signals.append(signal.Signals(number))

    def _look(self, go_on: bool) -> bool:
        """Look once; return False once the session goes on."""
        self._supervision.heart.main_loop_runs()
        self._announce_a_block()
        if self._signals:
            self._end(self._signals[0].name)
        self._give_up_in_time()
        try:
            status = self._context.store.status()
            # Before it is shown: nobody should be asked to continue what goes on by itself.
            go_on = go_on and self._goes_on(status)
            self._show()
        except StoreError as error:
            self._seldom.write(log.error, "session not read", error=str(error))
            time.sleep(_LOOK_S)
            return go_on
        if not self._attended and (_stuck(status) or self._runner.blocked is not None):
            self._end("nobody attends to it")
        return go_on

    def _goes_on(self, status: Status) -> bool:
        """Let a session that was taken up go on; return True while that is still to be done.

        Only the pause after the restart ends by itself: a fault, or a pause for another cause, is a person's.
        """
        if (status.phase, status.cause) == (Phase.PAUSED, PauseCause.RESTART):
            try:
                self._control.resume(by="resume --continue")
            except IllegalTransitionError as error:
                log.info("a client was faster", error=str(error))
        return status.phase is Phase.RECOVERING

    def _show(self) -> None:
        """Show the session; a terminal that is gone ends the display, not the session.

        Raises
        ------
        StoreError
        """
        try:
            self._display(self._context.store)
        except StoreError:
            raise
        except (Exception, SystemExit):
            # Rich leaves a pipe that is closed by SystemExit.
            log.exception("no longer shown")
            self._display = _nothing

    def _announce_a_block(self) -> None:
        """Raise an alarm if no event can be written, as no event can do it."""
        blocked = self._runner.blocked
        if blocked is not None and blocked is not self._blocked:
            done = f"{SAFE} Unsaved images are kept in memory." if blocked.safe else NOT_SAFE
            kind: AlarmKind = "disk" if blocked.trouble is StoreTrouble.DISK else "fault"
            self._supervision.announcer.announce(Alarm(kind, blocked.reason, done, blocked.to_do))
        self._blocked = blocked

    def _end(self, why: str) -> None:
        """Shut the session down; once is enough."""
        if self._ending_since_s is None:
            self._ending_since_s = time.monotonic()
            log.warning("ends", why=why)
            self._control.stop(Interrupt.SHUTDOWN, why)

    def _give_up_in_time(self) -> None:
        """End the process by force if the runner does not end; the safe state first."""
        if self._ending_since_s is None or time.monotonic() - self._ending_since_s < self._lands_s:
            return
        try:
            make_safe(self._context.devices)
        except UnsafeError as error:
            safe, done = False, f"{NOT_SAFE} ({error})"
        else:
            safe, done = True, SAFE
        step = self._context.progress.current().step or "the runner"
        what = f"The program could not end: {step} did not return; it was ended by force."
        log.critical("abandoned", step=step, safe=safe)
        self._supervision.announcer.announce(
            Alarm("fault", what, done, "`ilemtrack resume` takes up the run.")
        )
        self._supervision.stop(safe)
        self._leave(ABANDONED)


def _nothing(_: Store) -> None:
    """Show nothing."""


def _stuck(status: Status) -> bool:
    """Return True if a session waits though no person asked for it."""
    by_itself = status.cause not in (PauseCause.PERSON, PauseCause.RESTART)
    return (status.phase is Phase.PAUSED and by_itself) or status.phase is Phase.FAULT
