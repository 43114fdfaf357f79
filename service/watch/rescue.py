"""Rescue of a microscope whose daemon is gone: makes it safe through new connections."""

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext

from filelock import FileLock, Timeout

from config.model import Config
from drivers.clock import SystemClock
from drivers.errors import DriverError
from drivers.microscope import Microscope
from service.errors import InputError, NotNowError, StoreError, UnsafeError
from service.logs import get_logger
from service.safety.deadlines import guarded
from service.safety.safe_state import make_safe
from service.safety.timed_call import TimedCall
from service.session.folders.run_folder import RunFolder, RunInfo, alone, lock
from service.session.hardware import blank_first, hardware
from service.store.database import utc_now
from service.store.store import Store
from service.watch import incidents
from service.watch.alarms import NOT_SAFE, SAFE, watchdog_alarm
from service.watch.heartbeat.beat import Beat, beat_paths, latest_beat, process_start
from service.watch.notifier import Notifier, notification_urls

log = get_logger(__name__)

_EVERY_S = 0.5
_KILL_S = 10.0
_LOCK_S = 10.0
_LET_FINISH_S = 30.0
_CONNECT_S = 60.0
_AGAIN_S, _AGAIN_MOST_S = 10.0, 300.0

_OF_THE_BEAM = {
    True: "; the beam is blanked all the same, the light is not known to be off",
    False: "; the beam is not known to be blanked",
    None: "",
}
"""Remark on a microscope that cannot be reached, by the outcome of blanking its beam alone."""


def kill(beat: Beat) -> bool:
    """Kill the daemon of a heartbeat and wait for its end; return True if it is gone."""
    try:
        handle = os.pidfd_open(beat.pid)
    except ProcessLookupError:
        return True
    try:
        # The handle pins one process; check that it is the right one.
        if process_start(beat.pid) != beat.started:
            return True
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        return bool(select.select([handle], [], [], _KILL_S)[0])
    finally:
        os.close(handle)


def acting_lock(folder: RunFolder) -> FileLock:
    """Return the lock that a watchdog holds while it acts; a program that takes up the run waits for it."""
    return FileLock(folder.path / ".watchdog")


def let_finish(folder: RunFolder) -> None:
    """Wait for a watchdog that acts on a run.

    Raises
    ------
    InputError
        It cannot make the microscope safe.
    """
    try:
        with acting_lock(folder).acquire(timeout=_LET_FINISH_S):
            pass
    except Timeout:
        raise NotNowError(
            f"{folder.path}: the watchdog is still trying to make the microscope safe; {folder.incidents}"
            " says what is in its way"
        ) from None


def retry_until_safe(
    connect: Callable[[], Microscope],
    tell: Callable[[str | None], None],
    sleep: Callable[[float], None] = time.sleep,
    take: Callable[[], AbstractContextManager[object]] = nullcontext,
    blank: Callable[[], bool | None] = lambda: None,
) -> None:
    """Try until the microscope is safe, each time through a new connection.

    Parameters
    ----------
    connect : callable
        Returns the devices.
    tell : callable
        Called with each new problem, and with None once the microscope is safe.
    sleep : callable
    take : callable
        Takes run and hardware for one attempt; between attempts others may have them.
    blank : callable
        Blanks a beam that has a connection of its own, first of all; returns success, None without one.

    Raises
    ------
    InputError
        Another program has the hardware at the first attempt, and its beam is not ours to blank. A program
        that has it later may leave it as unsafe as before, so it is tried again.
    """
    again_s = _AGAIN_S
    last = ""
    while True:
        problem: str | None = last
        try:
            with take():
                problem = _try_once(connect, blank)
        except InputError:
            if not last:
                raise
        if problem is None:
            tell(None)
            return
        if problem != last:
            last = problem
            tell(problem)
        sleep(again_s)
        again_s = min(2 * again_s, _AGAIN_MOST_S)


def _try_once(connect: Callable[[], Microscope], blank: Callable[[], bool | None]) -> str | None:
    """Connect and make safe; return the problem, None if it is safe."""
    known = _OF_THE_BEAM[blank()]
    connection = TimedCall("connect", connect)
    if not connection.wait(_CONNECT_S):
        return f"the microscope cannot be reached: no answer within {_CONNECT_S:g} s{known}"
    try:
        make_safe(connection.outcome())
    except UnsafeError as error:
        return str(error)
    except Exception as error:
        expected = isinstance(error, (InputError, DriverError, OSError))
        log.error("no connection", error=str(error), exc_info=not expected)
        return f"the microscope cannot be reached: {error or type(error).__name__}{known}"
    return None


def _notifier(config: Config, run: str) -> Notifier:
    """Return the notifier; an error in its configuration must not keep the microscope unsafe."""
    try:
        return Notifier(notification_urls(config.notify), config.notify.events, run)
    except InputError as error:
        log.error("no notifications", error=str(error))
        return Notifier([], (), run)


def act(folder: RunFolder, info: RunInfo, config: Config, why: str, beat: Beat | None) -> None:
    """Make sure that the daemon is gone, then make the microscope safe through new connections.

    Parameters
    ----------
    folder, info, config
        The run.
    why : str
        Fate of its daemon, for people.
    beat : Beat or None
        The last heartbeat.

    Raises
    ------
    InputError
        Another program has taken up the run or the hardware meanwhile.
    """
    killed, gone = "", True
    if beat is not None and process_start(beat.pid) == beat.started:
        with _acting(folder):
            gone = kill(beat)
        killed = "It was killed. " if gone else "It cannot be killed, but cannot do anything either. "
        log.critical("daemon killed", pid=beat.pid, gone=gone)
    notifier = _notifier(config, info.run)

    def tell(problem: str | None) -> None:
        done = f"{killed}{SAFE if problem is None else f'{NOT_SAFE} ({problem})'}"
        what = f"{why[0].upper()}{why[1:]}."
        log.critical("watchdog", what=what, done=done)
        _record(folder, notifier, what, done, problem is None)

    def again(seconds: float) -> None:
        time.sleep(seconds)
        _require_no_other(folder, info, beat)

    retry_until_safe(
        connect=lambda: guarded(_devices(folder, info, config)),
        tell=tell,
        sleep=again,
        take=lambda: _taken(folder, config, info, gone),
        blank=lambda: blank_first(config, info),
    )
    notifier.close(120.0)


def _devices(folder: RunFolder, info: RunInfo, config: Config) -> Microscope:
    """Connect to the devices of a run, without its sections and fields."""
    if info.kind == "run" and config.driver != "simulator":
        return hardware(config, SystemClock())[0]
    # The simulators load OpenCV and SciPy, which a watchdog that waits for days has no use for.
    from service.session.setup import set_up

    return set_up(config, folder, info).devices


def _require_no_other(folder: RunFolder, info: RunInfo, beat: Beat | None) -> None:
    """End a watchdog whose run was taken up by another daemon, which has its own watchdog.

    Raises
    ------
    InputError
    """
    now = latest_beat(beat_paths(info.run, folder))
    if now is not None and (beat is None or (now.pid, now.started) != (beat.pid, beat.started)):
        raise InputError(f"run {info.run}: another daemon has taken it up")


@contextmanager
def _acting(folder: RunFolder) -> Iterator[None]:
    try:
        guard = acting_lock(folder).acquire(timeout=_LOCK_S)
    except Timeout:
        raise InputError(f"{folder.path}: another watchdog is at work on this run") from None
    with guard:
        yield


@contextmanager
def _taken(folder: RunFolder, config: Config, info: RunInfo, gone: bool) -> Iterator[None]:
    """Take run and hardware for one attempt.

    A daemon that the kernel cannot end (not `gone`) keeps its locks, but can do nothing.
    """
    with _acting(folder):
        if not gone:
            yield
            return
        run = _lock_soon(folder)
        try:
            with alone(config, info.kind):
                yield
        finally:
            run.release()


def _lock_soon(folder: RunFolder) -> FileLock:
    """Lock the run once the kernel has released it from the dead daemon."""
    for _ in range(int(_LOCK_S / _EVERY_S)):
        try:
            return lock(folder)
        except InputError:
            time.sleep(_EVERY_S)
    return lock(folder)


def _record(folder: RunFolder, notifier: Notifier, what: str, done: str, safe: bool) -> None:
    """Send, log and store the alarm, each independently, as the disk may be full."""
    alarm = watchdog_alarm(what, done, safe)
    notifier.send(alarm)
    incidents.write(folder.incidents, utc_now(), alarm)
    try:
        with closing(Store.open(folder.store)) as store:
            store.events.note("watchdog", "watchdog", {"what": what, "done": done, "safe": safe})
    except StoreError as error:
        log.error("event not recorded", error=str(error))
