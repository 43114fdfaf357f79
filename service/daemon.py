"""One session with its API, in this process: made, run to its end, left safe."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from config.model import Config
from service.analysis import Analysis
from service.api.curve import local_key, prepare
from service.api.endpoints import DaemonInfo, Discovery, Endpoints, is_private, run_endpoints
from service.api.server import ApiServer
from service.compose import Setup, set_up
from service.context import BusyTime, Context, FailureStreak
from service.control import SessionControl
from service.errors import InputError, SessionFaultError, StoreError
from service.keys import default_directory
from service.logs import get_logger
from service.records import JobState
from service.requests import ASKED, Requests, Wish
from service.run_folder import RunFolder, RunInfo
from service.runner import Runner
from service.session import FINAL, Phase, Status
from service.signals import STOPPING
from service.store.store import RESTARTED, Store
from service.summary import Summary, summarise

log = get_logger(__name__)

_LOOK_S = 0.1

_SWITCH_S = 0.5e-3
"""How long a thread that computes may keep one that answers from running; Python's own 5 ms add up."""

Progress = Callable[[Store], None]
"""Called several times a second while the session runs, to show it to a person."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session ended in this process."""

    summary: Summary
    interrupted: bool
    """By SIGTERM or Ctrl-C: it can be resumed."""


def begin(config: Config, folder: RunFolder, info: RunInfo) -> tuple[Store, Setup]:
    """Make the store of a new session."""
    setup = set_up(config, folder, info)
    store = Store.create(
        folder.store, info.run, folder.config.read_text(encoding="utf-8"), info.kind, now_s=setup.clock.now_s
    )
    store.add_sections(setup.sections, setup.fields)
    return store, setup


def take_up(config: Config, folder: RunFolder, info: RunInfo) -> tuple[Store, Setup, str]:
    """Open the store of an earlier session; the last value says what was found, for a person.

    Raises
    ------
    InputError
        The session has ended: there is nothing to go on with.
    StoreError
    """
    store = Store.open(folder.store)
    try:
        if store.run_id() != info.run:
            raise InputError(
                f"{folder.path}: run.json is of run {info.run}, session.sqlite of run {store.run_id()};"
                " put the files of one run together before it is taken up"
            )
        if not store.sections(limit=1):
            raise InputError(f"{folder.path}: the run was ended before it began; begin a new one")
        if store.status().phase in FINAL:
            raise InputError(f"{folder.path}: the session has ended ({store.status().phase.value})")
        setup = set_up(config, folder, info, store.last_time_s())
        store.use_clock(setup.clock.now_s)
        report = store.recover()
    except BaseException:
        store.close()
        raise
    return store, setup, _what_was_found(store, report.status)


def _what_was_found(store: Store, status: Status) -> str:
    review = ", ".join(job.id for job in store.jobs(state=JobState.NEEDS_REVIEW)) or "none"
    return f"taken up, {status.phase.value}; jobs that need review: {review}"


def drive(
    config: Config,
    folder: RunFolder,
    store: Store,
    setup: Setup,
    progress: Progress,
    attended: bool,
    go_on: bool,
) -> Outcome:
    """Run a session to its end, or until SIGTERM or Ctrl-C.

    Parameters
    ----------
    config, folder, store, setup
        The session.
    progress : callable
        See `Progress`.
    attended : bool
        Whether a fault waits for a person (`ilemtrack ack`). Where it is False a fault ends the process.
    go_on : bool
        Whether a session that was taken up goes on without being told to.

    Raises
    ------
    EndpointError
        The API cannot listen where it should; nothing was moved or exposed.
    UnsafeError
        It ended and the microscope is not known to be safe.
    """
    context = Context(
        config=config,
        store=store,
        folder=folder,
        devices=setup.devices,
        clock=setup.clock,
        requests=Requests(),
        busy=BusyTime(setup.clock),
        streak=FailureStreak(config.session.max_failures_in_a_row),
    )
    runner = Runner(context, Analysis(config, store, folder, setup.clock))
    control = SessionControl(context, runner)
    sys.setswitchinterval(_SWITCH_S)
    with _served(config, store, control):
        interrupted = _run_to_end(runner, control, store, progress, attended, go_on)
    return Outcome(summarise(config, store, folder, setup.truth), interrupted)


def _stuck(status: Status) -> bool:
    """Whether a session waits though no person made it wait."""
    paused = status.phase is Phase.PAUSED and status.reason not in (ASKED, RESTARTED)
    return paused or status.phase is Phase.FAULT


@contextmanager
def _served(config: Config, store: Store, control: SessionControl) -> Iterator[None]:
    """Answer requests, and be found by the clients of this user unless another daemon already is."""
    where = run_endpoints(store.run_id())
    if config.api.endpoint is not None and config.api.events_endpoint is not None:
        where = Endpoints(requests=config.api.endpoint, events=config.api.events_endpoint)
    private = is_private(where.requests) and is_private(where.events) and not config.api.curve
    keys_dir = default_directory() if config.api.keys_dir is None else Path(config.api.keys_dir)
    curve = None if private else prepare(keys_dir)
    key = None if curve is None else local_key(store.run_id(), curve)
    info = DaemonInfo(
        endpoint=where.requests,
        events_endpoint=where.events,
        run=store.run_id(),
        pid=os.getpid(),
        key=None if key is None else str(key),
    )
    discovery = Discovery()
    # At each beat, so that this daemon is found when another that was found has ended.
    server = ApiServer(store, control, where, curve=curve, each_beat=lambda: discovery.publish(info))
    try:
        server.start()
        if not discovery.publish(info):
            log.warning(
                "another daemon is found by default; name this one with --connect", endpoint=where.requests
            )
        yield
    finally:
        server.stop()
        discovery.withdraw()
        if key is not None:
            key.unlink(missing_ok=True)


def _run_to_end(
    runner: Runner, control: SessionControl, store: Store, progress: Progress, attended: bool, go_on: bool
) -> bool:
    # A handler only notes the signal: it may run while this thread holds a lock of the controls.
    signals: list[signal.Signals] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        signals.append(signal.Signals(number))

    taken_up = store.status().phase is Phase.RECOVERING
    stopped = False
    before = {number: signal.signal(number, on_signal) for number in STOPPING}
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="runner")
    session = worker.submit(runner.run)
    try:
        while not session.done():
            progress(store)
            if signals and not stopped:
                stopped = True
                log.warning("signal", signal=signals[0].name)
                control.stop(Wish.SHUTDOWN, signals[0].name)
            if go_on and taken_up and store.status().phase is Phase.PAUSED:
                taken_up = False
                control.resume()
            if not attended and _stuck(store.status()):
                control.stop(Wish.SHUTDOWN, "nobody attends to it")
            wait([session], timeout=_LOOK_S)
    finally:
        if not session.done():
            control.stop(Wish.SHUTDOWN, "the program ends")
        worker.shutdown()
        for number, handler in before.items():
            signal.signal(number, handler)
    try:
        session.result()
    except StoreError as error:
        raise SessionFaultError(f"the session stopped, the microscope is safe: {error}") from error
    progress(store)
    return bool(signals)
