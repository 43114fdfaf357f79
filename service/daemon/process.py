"""Session with its API, in this process: set up, run to its end, left safe."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from config.loading import dump
from config.model import Config
from detection.detectors import Detector
from drivers.microscope import PutBack
from service.acquisition.unrecorded import record_unrecorded
from service.analysis.worker import Analysis
from service.api.handler import Handler
from service.api.transport.curve import local_key, prepare
from service.api.transport.discovery import DaemonInfo
from service.api.transport.endpoints import Endpoints, is_private, run_endpoints
from service.api.transport.keys import default_directory
from service.api.transport.publishing import Publication
from service.api.transport.server import ApiServer
from service.daemon.control import SessionControl
from service.daemon.main_loop import Display, MainLoop
from service.daemon.runner import Runner
from service.errors import EndpointError, InputError, NeverBegunError
from service.logs import Seldom, get_logger
from service.model.jobs import JobState
from service.model.phases import FINAL
from service.report.summary import Summary, summarise
from service.safety.deadlines import guarded
from service.safety.timed_call import keep_ready
from service.session.context import BusyTime, Context, FailureStreak
from service.session.folders.run_folder import RunFolder, RunInfo
from service.session.folders.runtime_folder import runtime_directory
from service.session.found_settings import put_back_at_the_end, remember
from service.session.hardware import blank_first, microscope_name
from service.session.interrupts import Interrupts
from service.session.setup import SetUp, Setup, set_up
from service.session.stage_frame import StageFrame
from service.store.store import RecoveryReport, Store
from service.watch.supervision import Supervision, supervised

log = get_logger(__name__)

_SWITCH_S = 0.5e-3
"""Longest time that a computing thread delays one that answers; Python's default of 5 ms adds up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a session in this process."""

    summary: Summary
    interrupted: bool
    """By SIGTERM or Ctrl-C: it can be resumed."""
    put_back: PutBack
    """Settings of the microscope that were put back at the end."""


def begin(config: Config, folder: RunFolder, info: RunInfo, set_up: SetUp = set_up) -> tuple[Store, Setup]:
    """Set up a new session and create its store."""
    setup = set_up(config, folder, info)
    store = Store.create(folder.store, info.run, dump(config), info.kind, now_s=setup.clock.now_s)
    store.specimen.add_sections(setup.sections, setup.fields)
    return store, setup


def take_up(
    config: Config, folder: RunFolder, info: RunInfo, set_up: SetUp = set_up
) -> tuple[Store, Setup, str]:
    """Open the store of an earlier session; the last value describes what was found, for a person.

    Raises
    ------
    InputError
        The session has ended.
    StoreError
    """
    store = Store.open(folder.store)
    try:
        if not store.specimen.sections(limit=1):
            raise NeverBegunError(f"{folder.path}: the run ended before it began; begin a new one")
        if store.status().phase in FINAL:
            raise InputError(f"{folder.path}: the session has ended ({store.status().phase.value})")
        blank_first(config, info)
        setup = set_up(config, folder, info, store.last_time_s())
        store.use_clock(setup.clock.now_s)
        report = store.recover()
        record_unrecorded(config, folder, store)
    except BaseException:
        store.close()
        raise
    return store, setup, _what_was_found(store, report)


def _what_was_found(store: Store, report: RecoveryReport) -> str:
    review = ", ".join(job.id for job in store.queue.jobs(state=JobState.NEEDS_REVIEW)) or "none"
    again = f"; once more: {', '.join(report.again)}" if report.again else ""
    return f"taken up, {report.status.phase.value}; jobs that need review: {review}{again}"


def drive(
    config: Config,
    folder: RunFolder,
    store: Store,
    setup: Setup,
    display: Display,
    attended: bool,
    go_on: bool,
    detector: Detector | None = None,
) -> Outcome:
    """Run a session to its end, or until SIGTERM or Ctrl-C.

    Parameters
    ----------
    config, folder, store, setup
        The session.
    display : callable
        See `Display`.
    attended : bool
        True if a fault waits for a person (`ilemtrack ack`); otherwise it ends the process.
    go_on : bool
        True to go on with a resumed session at once; otherwise it waits, paused.
    detector : Detector, optional
        In place of the one that the configuration names; gives the same.

    Raises
    ------
    EndpointError, InputError
        The API cannot listen, or notifications cannot be sent as configured; nothing was moved or exposed.
    SessionFaultError
        The database could not be written; the microscope is safe.
    UnsafeError
        It ended and the microscope is not known to be safe.
    """
    context = Context(
        config=config,
        stage_frame=StageFrame.of(config),
        store=store,
        folder=folder,
        devices=guarded(setup.devices),
        clock=setup.clock,
        interrupts=Interrupts(),
        busy=BusyTime(setup.clock),
        streak=FailureStreak(config.session.max_failures_in_a_row),
    )
    remember(store, context.devices)
    supervision = Supervision(context)
    runner = Runner(context, Analysis(config, store, folder, setup.clock, detector=detector), attended)
    keep_ready()
    sys.setswitchinterval(_SWITCH_S)
    control = SessionControl(context, runner, supervision.health)
    # Threads that share the small matrices of the planner mostly wait for each other, busily.
    with threadpool_limits(1, "blas"), _served(config, store, control), supervised(supervision):
        loop = MainLoop(context, runner, control, supervision, display, attended)
        interrupted = loop.run(go_on)
        restored = put_back_at_the_end(store, context.devices)
    return Outcome(summarise(config, store, folder, setup.truth), interrupted, restored)


@contextmanager
def _served(config: Config, store: Store, control: SessionControl) -> Iterator[None]:
    """Serve the API, found by the clients of this user."""
    where = at_first = run_endpoints(store.run_id())
    microscope = microscope_name(config, store.kind())
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
        kind=store.kind(),
        microscope=microscope,
        folder=str(store.folder),
    )
    publication = Publication()
    seldom = Seldom()

    def each_beat() -> None:
        """Publish again, as another daemon may have ended, and put back what was removed."""
        nonlocal info, key, publication
        try:
            at = where if where != at_first else run_endpoints(store.run_id())
            if server.put_back(at):
                handler.moved(at.events)
                # Its files lay in the same folder.
                publication.withdraw()
                publication = Publication()
                store.events.note("runtime_folder", "program", {"folder": str(runtime_directory())})
            if curve is not None and key is not None and not key.exists():
                key = local_key(store.run_id(), curve)
            info = replace(
                info,
                endpoint=at.requests,
                events_endpoint=at.events,
                key=None if key is None else str(key),
            )
            publication.publish(info)
        except (EndpointError, InputError, OSError) as error:
            seldom.write(log.error, "not found by clients", error=str(error))

    handler = Handler(store, control, where.events, microscope)
    server = ApiServer(
        store,
        handler.answer,
        control.time_s,
        where,
        curve=curve,
        each_beat=each_beat,
        needless=handler.is_read,
    )
    try:
        server.start()
        if not publication.publish(info):
            log.warning("another session is running; name this one with --run", run=store.run_id())
        yield
    finally:
        server.stop()
        publication.withdraw()
        if key is not None:
            key.unlink(missing_ok=True)
