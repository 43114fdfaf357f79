"""The main thread of a daemon: takes signals, shows the session, and sees to it that the program can end."""

import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from service.daemon.control import SessionControl
from service.daemon.runner import Runner
from service.errors import SessionFaultError, StoreError, UnsafeError
from service.logs import get_logger
from service.model.phases import Phase, Status
from service.safety.safe_state import make_safe
from service.safety.timed_call import TimedCall
from service.session.context import Context
from service.session.interrupts import ASKED, Wish
from service.signals import STOPPING
from service.store.store import RESTARTED, Store
from service.watch.alarms import NOT_SAFE, SAFE, Alarm
from service.watch.supervision import Upkeep

log = get_logger(__name__)

ABANDONED = 70
"""Exit status of a program that ended though something in it hung (EX_SOFTWARE)."""

_LOOK_S = 0.1
_LANDS_S = 60.0
"""So long the runner may take to end once it was told to; the microscope is safe long before."""

Progress = Callable[[Store], None]
"""Called several times a second while the session runs, to show it to a person."""


class MainLoop:
    """Runs a session to its end, or until SIGTERM or Ctrl-C.

    Parameters
    ----------
    context, runner, control, upkeep
        The session.
    progress : callable
        See `Progress`.
    attended : bool
        Whether a fault waits for a person. Where it is False a fault ends the process.
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
        upkeep: Upkeep,
        progress: Progress,
        attended: bool,
        lands_s: float = _LANDS_S,
        leave: Callable[[int], NoReturn] = os._exit,
    ) -> None:
        self._context, self._runner, self._control = context, runner, control
        self._upkeep, self._progress, self._attended = upkeep, progress, attended
        self._lands_s, self._leave = lands_s, leave
        self._signals: list[signal.Signals] = []
        self._told_s: float | None = None
        self._blocked: str | None = None

    def run(self, go_on: bool) -> bool:
        """Run; whether it was interrupted by a signal.

        Parameters
        ----------
        go_on : bool
            Whether a session that was taken up goes on without being told to.

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
        go_on = go_on and self._context.store.status().phase is Phase.RECOVERING
        try:
            while not session.join(_LOOK_S):
                go_on = self._turn(go_on)
        finally:
            if not session.ended():
                self._tell_to_end("the program ends")
            while not session.join(_LOOK_S):
                self._upkeep.heart.turn()
                self._give_up_in_time()
            for number, handler in before.items():
                signal.signal(number, handler)
        try:
            session.outcome()
        except StoreError as error:
            raise SessionFaultError(f"the session stopped, the microscope is safe: {error}") from error
        self._progress(self._context.store)
        return bool(self._signals)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        # Only noted: a handler may run while this thread holds a lock of the controls.
        self._signals.append(signal.Signals(number))

    def _turn(self, go_on: bool) -> bool:
        """Look once; whether the session is still to be told to go on."""
        self._upkeep.heart.turn()
        self._tell_of_a_block()
        if self._signals:
            self._tell_to_end(self._signals[0].name)
        self._give_up_in_time()
        try:
            self._progress(self._context.store)
            status = self._context.store.status()
        except StoreError as error:
            log.error("session not read", error=str(error))
            time.sleep(_LOOK_S)
            return go_on
        if go_on and status.phase is Phase.PAUSED:
            self._control.resume()
            return False
        if not self._attended and (_stuck(status) or self._runner.blocked is not None):
            self._tell_to_end("nobody attends to it")
        return go_on

    def _tell_of_a_block(self) -> None:
        """Tell people what no event can tell them: that no event can be written."""
        blocked = self._runner.blocked
        if blocked is not None and blocked != self._blocked:
            done = NOT_SAFE if "NOT SAFE" in blocked else f"{SAFE} What is not on the disk is kept in memory."
            to_do = "Make room on the disk; then `ilemtrack ack` and `ilemtrack continue`."
            self._upkeep.announcer.tell(Alarm("disk", blocked, done, to_do))
        self._blocked = blocked

    def _tell_to_end(self, why: str) -> None:
        if self._told_s is None:
            self._told_s = time.monotonic()
            log.warning("ends", why=why)
            self._control.stop(Wish.SHUTDOWN, why)

    def _give_up_in_time(self) -> None:
        """End the process by force where the runner does not end; the safe state first."""
        if self._told_s is None or time.monotonic() - self._told_s < self._lands_s:
            return
        try:
            make_safe(self._context.devices)
        except UnsafeError as error:
            safe, done = False, f"{NOT_SAFE} ({error})"
        else:
            safe, done = True, SAFE
        step = self._context.progress.standing().step or "the runner"
        what = f"The program was told to end and could not: {step} did not return; it was ended by force."
        log.critical("abandoned", step=step, safe=safe)
        self._upkeep.announcer.tell(Alarm("fault", what, done, "`ilemtrack resume` takes the run up again."))
        self._upkeep.stop(safe)
        self._leave(ABANDONED)


def _stuck(status: Status) -> bool:
    """Whether a session waits though no person made it wait."""
    paused = status.phase is Phase.PAUSED and status.reason not in (ASKED, RESTARTED)
    return paused or status.phase is Phase.FAULT
