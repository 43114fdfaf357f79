"""The watchdog: a second process that puts the microscope safe when the daemon has died or is frozen.

It shares nothing with the daemon but the heartbeat file and the folder of the run. Before it touches the
microscope, the daemon is surely gone: a frozen one is killed first.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from config.loading import load
from config.model import Config
from drivers.microscope import Microscope
from service import incidents, logs
from service.alarms import NOT_SAFE, SAFE, watchdog_alarm
from service.compose import set_up
from service.deadlines import guarded
from service.errors import EndpointError, InputError, StoreError, UnsafeError
from service.heartbeat import Beat, beat_path, process_start, read_beat
from service.logs import get_logger
from service.notifier import URLS_VARIABLE, Notifier, notification_urls
from service.run_folder import RunFolder, RunInfo, lock, open_existing
from service.safety import make_safe
from service.store.database import utc_now
from service.store.store import Store

log = get_logger(__name__)

_EVERY_S = 0.5
_KILL_S = 10.0
_LOCK_S = 10.0
_LET_FINISH_S = 30.0
_AGAIN_S, _AGAIN_MOST_S = 10.0, 300.0
_APPEAR_S = 30.0
"""So long a daemon that starts may take until its first heartbeat."""

GONE = "the daemon has died"
UNSAFE = "the daemon has ended and the microscope was not known to be safe"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at the heartbeat says: None for `why` is a daemon that ended as it should."""

    why: str | None
    beat: Beat | None


def watch(path: Path, silent_s: float, sleep: Callable[[float], None] = time.sleep) -> Verdict:
    """Look at a heartbeat until its daemon has ended, died or is frozen.

    Parameters
    ----------
    path : Path
        See `service.heartbeat.beat_path`.
    silent_s : float
        A daemon whose counter stands for so long is frozen, s.
    sleep : callable

    Returns
    -------
    Verdict
    """
    first: Beat | None = None
    last: Beat | None = None
    waited_s = 0.0
    while True:
        beat = read_beat(path)
        if first is None:
            first = beat
        if beat is not None and first is not None:
            if (beat.pid, beat.started) != (first.pid, first.started):
                return Verdict(None, beat)  # another daemon took the run up, with a watchdog of its own
            if beat.ended is not None:
                return Verdict(UNSAFE if beat.ended == "unsafe" else None, beat)
            if process_start(beat.pid) != beat.started:
                # It may have said goodbye between the two looks.
                beat = read_beat(path) or beat
                safe = beat.ended == "safe"
                return Verdict(None if safe else GONE, beat)
        if beat is not None and beat != last:
            last, waited_s = beat, 0.0
        # Looks are counted, not the clock: time in which this process did not run is no silence.
        elif waited_s >= (silent_s if first is not None else _APPEAR_S):
            why = f"the daemon gave no sign of life for {waited_s:.0f} s" if first is not None else None
            return Verdict(why, first)
        sleep(_EVERY_S)
        waited_s += _EVERY_S


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


def put_safe(devices: Microscope, tell: Callable[[str | None], None], sleep: Callable[[float], None]) -> None:
    """Try until the microscope is safe; tell each change: what is wrong, or None once it is safe."""
    again_s = _AGAIN_S
    told = ""
    while True:
        try:
            make_safe(devices)
        except UnsafeError as error:
            if str(error) != told:
                told = str(error)
                tell(told)
            sleep(again_s)
            again_s = min(2 * again_s, _AGAIN_MOST_S)
        else:
            tell(None)
            return


def act(folder: RunFolder, info: RunInfo, config: Config, verdict: Verdict) -> None:
    """Make sure that the daemon is gone, and put the microscope safe through fresh connections.

    Raises
    ------
    InputError
        Another program has taken the run up meanwhile: the microscope is its own.
    """
    assert verdict.why is not None
    with acting_lock(folder).acquire(timeout=_LOCK_S):
        killed = ""
        if verdict.beat is not None and process_start(verdict.beat.pid) == verdict.beat.started:
            gone = kill(verdict.beat)
            killed = "It was killed. " if gone else "It does not die, and cannot do anything either. "
            log.critical("daemon killed", pid=verdict.beat.pid, gone=gone)
        with _lock_soon(folder):
            urls = notification_urls(config.notify)
            notifier = Notifier(urls, config.notify.events, info.run)
            devices = guarded(set_up(config, folder, info).devices)

            def tell(problem: str | None) -> None:
                done = f"{killed}{SAFE if problem is None else f'{NOT_SAFE} ({problem})'}"
                what = f"{str(verdict.why).capitalize()}."
                log.critical("watchdog", what=what, done=done)
                _record(folder, notifier, what, done)

            put_safe(devices, tell, time.sleep)
            notifier.close(120.0)


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
            store.note("watchdog", "watchdog", {"what": what, "done": done})
    except StoreError as error:
        log.error("event not recorded", error=str(error))


def spawn(folder: RunFolder, urls: list[str]) -> subprocess.Popen[bytes]:
    """Start a watchdog for the daemon of this process, in a session of its own."""
    environment = dict(os.environ)
    # Watchdog messages to systemd are the daemon's own.
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        environment.pop(name, None)
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    if urls:
        environment[URLS_VARIABLE] = "\n".join(urls)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "service.watcher", str(folder.path)],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def guard_run(path: Path, once: bool = False) -> str:
    """Watch the daemon of a run until it ends, and act where it did not end well.

    Parameters
    ----------
    path : Path
        Folder of the run.
    once : bool
        Act at once if the daemon is not alive, and do not wait for it if it is.

    Returns
    -------
    str
        What was found, a sentence.

    Raises
    ------
    InputError, ConfigError, EndpointError
        It is no run, or another program is at work on it.
    """
    folder, info = open_existing(path)
    config = load(folder.config)
    logs.configure(folder.path / "watchdog.jsonl")
    beats = beat_path(info.run)
    if once:
        beat = read_beat(beats)
        alive = beat is not None and beat.ended is None and process_start(beat.pid) == beat.started
        if alive:
            return "the daemon is alive"
        ended_safe = beat is not None and beat.ended == "safe"
        verdict = Verdict(None if ended_safe else GONE, beat)
    else:
        verdict = watch(beats, config.watchdog.silent_s)
    if verdict.why is None:
        return "the daemon has ended, the microscope is safe" if verdict.beat else "no daemon showed up"
    log.critical("acting", why=verdict.why)
    act(folder, info, config, verdict)
    return f"{verdict.why}; the microscope was put safe"


def main() -> None:
    """Watch the run named on the command line; it ends with its work, not with the daemon's terminal."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        log.info("ended", found=guard_run(Path(sys.argv[1])))
    except (InputError, EndpointError, Timeout, OSError) as error:
        log.error("ended", error=str(error))
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
