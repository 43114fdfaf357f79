"""Puts the microscope safe when the daemon of a run cannot: once it is gone, through new connections."""

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext

from filelock import FileLock, Timeout

from config.model import Config
from drivers.errors import DriverError
from drivers.microscope import Microscope
from service.errors import InputError, StoreError, UnsafeError
from service.logs import get_logger
from service.safety.deadlines import guarded
from service.safety.safe_state import make_safe
from service.safety.timed_call import TimedCall
from service.session.run_folder import RunFolder, RunInfo, alone, lock
from service.session.setup import blank_first, set_up
from service.store.database import utc_now
from service.store.store import Store
from service.watch import incidents
from service.watch.alarms import NOT_SAFE, SAFE, watchdog_alarm
from service.watch.heartbeat import Beat, beat_path, process_start, read_beat
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
"""What is known of a microscope that cannot be reached, by whether its beam was blanked alone."""


def kill(beat: Beat) -> bool:
    """Kill the daemon of a heartbeat and wait for its end; whether it is gone."""
    try:
        handle = os.pidfd_open(beat.pid)
    except ProcessLookupError:
        return True
    try:
        # The handle is of one process; only now is it sure which.
        if process_start(beat.pid) != beat.started:
            return True
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        return bool(select.select([handle], [], [], _KILL_S)[0])
    finally:
        os.close(handle)


def acting_lock(folder: RunFolder) -> FileLock:
    """Lock that a watchdog holds while it acts; a program that takes the run up waits for it."""
    return FileLock(folder.path / ".watchdog")


def let_finish(folder: RunFolder) -> None:
    """Wait for a watchdog that acts on a run.

    Raises
    ------
    InputError
        It does not get the microscope safe.
    """
    try:
        with acting_lock(folder).acquire(timeout=_LET_FINISH_S):
            pass
    except Timeout:
        raise InputError(
            f"{folder.path}: the watchdog is still trying to put the microscope safe; {folder.incidents}"
            " says what is in its way"
        ) from None


def put_safe(
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
        Gives the devices.
    tell : callable
        Told each change: what is in the way, or None once the microscope is safe.
    sleep : callable
    take : callable
        Takes run and hardware for one attempt; between them others may have them.
    blank : callable
        Blanks a beam that has a connection of its own, before the others; whether it did, None without one.

    Raises
    ------
    InputError
        Another program has the hardware at the first attempt: its beam is none of ours to blank. Who has it
        later may only look what is wrong, and leave it as unsafe as it was: it is tried again.
    """
    again_s = _AGAIN_S
    told = ""
    while True:
        problem: str | None = told
        try:
            with take():
                problem = _try_once(connect, blank)
        except InputError:
            if not told:
                raise
        if problem is None:
            tell(None)
            return
        if problem != told:
            told = problem
            tell(problem)
        sleep(again_s)
        again_s = min(2 * again_s, _AGAIN_MOST_S)


def _try_once(connect: Callable[[], Microscope], blank: Callable[[], bool | None]) -> str | None:
    """Connect and make safe; what is in the way, None if it is safe."""
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
    """Who is told; whatever is wrong with it must not keep the microscope unsafe."""
    try:
        return Notifier(notification_urls(config.notify), config.notify.events, run)
    except InputError as error:
        log.error("nobody is told", error=str(error))
        return Notifier([], (), run)


def act(folder: RunFolder, info: RunInfo, config: Config, why: str, beat: Beat | None) -> None:
    """Make sure that the daemon is gone, and put the microscope safe through fresh connections.

    Parameters
    ----------
    folder, info, config
        The run.
    why : str
        What became of its daemon.
    beat : Beat or None
        The last heartbeat.

    Raises
    ------
    InputError
        Another program has taken the run up meanwhile, or the hardware: the microscope is its own.
    """
    killed, gone = "", True
    if beat is not None and process_start(beat.pid) == beat.started:
        with _acting(folder):
            gone = kill(beat)
        killed = "It was killed. " if gone else "It does not die, and cannot do anything either. "
        log.critical("daemon killed", pid=beat.pid, gone=gone)
    notifier = _notifier(config, info.run)

    def tell(problem: str | None) -> None:
        done = f"{killed}{SAFE if problem is None else f'{NOT_SAFE} ({problem})'}"
        what = f"{why[0].upper()}{why[1:]}."
        log.critical("watchdog", what=what, done=done)
        _record(folder, notifier, what, done)

    def again(seconds: float) -> None:
        time.sleep(seconds)
        _demand_no_other(info, beat)

    put_safe(
        connect=lambda: guarded(set_up(config, folder, info).devices),
        tell=tell,
        sleep=again,
        take=lambda: _taken(folder, config, info, gone),
        blank=lambda: blank_first(config, info),
    )
    notifier.close(120.0)


def _demand_no_other(info: RunInfo, beat: Beat | None) -> None:
    """End a watchdog whose run another daemon has taken up: that one has a watchdog of its own.

    Raises
    ------
    InputError
    """
    now = read_beat(beat_path(info.run))
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

    A daemon that the kernel cannot end (not `gone`) keeps its locks, and can do nothing any more.
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
    """Lock of the run, once the kernel has taken it from the daemon that is gone."""
    for _ in range(int(_LOCK_S / _EVERY_S)):
        try:
            return lock(folder)
        except InputError:
            time.sleep(_EVERY_S)
    return lock(folder)


def _record(folder: RunFolder, notifier: Notifier, what: str, done: str) -> None:
    """Notification, incident and event; each for itself, as the disk may be full."""
    alarm = watchdog_alarm(what, done)
    notifier.send(alarm)
    incidents.write(folder.incidents, utc_now(), alarm)
    try:
        with closing(Store.open(folder.store)) as store:
            store.events.note("watchdog", "watchdog", {"what": what, "done": done})
    except StoreError as error:
        log.error("event not recorded", error=str(error))
