"""Watchdog: a second process that makes the microscope safe if the daemon has died or is frozen.

It shares only the heartbeat and the run folder with the daemon. Before it touches the microscope, it
makes sure that the daemon is gone: a frozen one is killed first.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen

from service import logs
from service.logs import get_logger
from service.own_packages import HOME
from service.safety.timed_call import keep_ready
from service.session.folders.kept_config import config_to_rescue
from service.session.folders.run_folder import RunFolder, open_existing
from service.watch.heartbeat import pulse
from service.watch.heartbeat.beat import Beat, beat_paths, latest_beat, process_start
from service.watch.notifier import URLS_VARIABLE
from service.watch.rescue import act

log = get_logger(__name__)

_EVERY_S = 0.5
_APPEAR_S = 30.0
"""Longest time from the start of a daemon to its first heartbeat."""

GONE = "the daemon has died"
UNSAFE = "the daemon has ended and the microscope was not known to be safe"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Verdict on a daemon by its heartbeat: `why` it needs a rescue, None if it ended well."""

    why: str | None
    beat: Beat | None


def watch(
    paths: Sequence[Path],
    silent_s: float,
    sleep: Callable[[float], None] = time.sleep,
    ask: Callable[[Beat], Beat | None] = pulse.ask,
) -> Verdict:
    """Watch a heartbeat until its daemon has ended, died or is frozen.

    Parameters
    ----------
    paths : sequence of Path
        See `service.watch.heartbeat.beat.beat_paths`.
    silent_s : float
        A daemon whose counter stands still for this long, in the files and when asked, is frozen, s.
    sleep : callable
    ask : callable
        Asks the process of a heartbeat for its last one; see `service.watch.heartbeat.pulse.ask`.

    Returns
    -------
    Verdict
    """
    last: Beat | None = None
    waited_s = 0.0
    while True:
        beat = latest_beat(paths)
        if last is not None and (beat is None or (beat.count <= last.count and _same(beat, last))):
            # Files that are gone, or stand still: what was heard last holds.
            beat = beat if beat is not None and beat.ended is not None else last
        if beat is not None:
            if last is not None and not _same(beat, last):
                return Verdict(None, beat)  # another daemon took up the run, with its own watchdog
            if beat.ended is not None:
                return Verdict(UNSAFE if beat.ended == "unsafe" else None, beat)
            if process_start(beat.pid) != beat.started:
                # It may have ended well between the two reads.
                beat = latest_beat(paths) or beat
                safe = beat.ended == "safe"
                return Verdict(None if safe else GONE, beat)
        if beat is not None and (last is None or beat.count > last.count):
            last, waited_s = beat, 0.0
        # Count looks, not the clock: time in which this process did not run is no silence.
        elif waited_s >= (silent_s if last is not None else _APPEAR_S):
            heard = None if last is None else ask(last)
            if last is None or heard is None or heard.count <= last.count:
                why = None if last is None else f"the daemon gave no sign of life for {waited_s:.0f} s"
                return Verdict(why, last)
            log.warning("heartbeat heard, not read", count=heard.count)
            last, waited_s = heard, 0.0
        sleep(_EVERY_S)
        waited_s += _EVERY_S


def _same(one: Beat, other: Beat) -> bool:
    return (one.pid, one.started) == (other.pid, other.started)


def spawn(folder: RunFolder, urls: list[str]) -> Popen[bytes]:
    """Start a watchdog for the daemon of this process, in its own process session."""
    environment = dict(os.environ)
    # Only the daemon sends messages to systemd.
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        environment.pop(name, None)
    environment["PYTHONPATH"] = str(HOME)
    if urls:
        environment[URLS_VARIABLE] = "\n".join(urls)
    return Popen(
        [sys.executable, "-P", "-m", "service.watch.watchdog", str(folder.path)],
        env=environment,
        cwd="/",
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        start_new_session=True,
    )


def guard_run(path: Path, once: bool = False) -> str:
    """Watch the daemon of a run until it ends, and act if it did not end well.

    Parameters
    ----------
    path : Path
        Folder of the run.
    once : bool
        Act at once if the daemon is not alive; return if it is.

    Returns
    -------
    str
        The finding, a sentence.

    Raises
    ------
    InputError, ConfigError, EndpointError
        It is no run, or another program is at work on it.
    """
    folder, info = open_existing(path)
    config = config_to_rescue(folder)
    logs.configure(folder.path / "watchdog.jsonl")
    keep_ready()
    beats = beat_paths(info.run, folder)
    if once:
        beat = latest_beat(beats)
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
    act(folder, info, config, verdict.why, verdict.beat)
    return f"{verdict.why}; the microscope was made safe"


def main() -> None:
    """Watch the run named on the command line, independently of the terminal of the daemon."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        found = guard_run(Path(sys.argv[1]))
        # Only now: the log file is known since.
        log.info("ended", found=found)
    except Exception:
        # Nobody sees its output; the daemon sees its end and starts another.
        log.exception("ended")
        raise


if __name__ == "__main__":
    main()
