"""Begin a run or take one up, drive it to its end, and print how it went."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from config.loading import dump
from config.model import Config
from detection.detectors import Detector
from drivers.errors import FrameError
from drivers.microscope import PutBack
from service import logs, own_packages
from service.analysis.detectors import with_absolute_model
from service.cli.exit_status import FAILURES, INTERRUPTED, OK
from service.cli.live.session_progress import ProgressDisplay
from service.cli.live.session_summary import print_summary
from service.cli.output import print_json, tell
from service.daemon import process as daemon
from service.daemon.process import Outcome
from service.diagnostics.checks import Check, Level
from service.diagnostics.preflight import red_ones
from service.diagnostics.session_checks import everything, survey_checks
from service.errors import EndpointError, InputError, StoreError
from service.pictures.overlay import write_png
from service.report.html.write import write_report
from service.safety.deadlines import guarded
from service.session.folders.kept_config import differences, kept_config
from service.session.folders.place import demand_no_copy, keep_place
from service.session.folders.run_folder import (
    Kind,
    Recorded,
    RunFolder,
    RunInfo,
    alone,
    create,
    demand_utf8,
    demand_writable,
    discard,
    lock,
    open_existing,
)
from service.session.found_settings import put_back, sentences
from service.session.setup import Setup
from service.watch.notifier import notification_urls, with_absolute_file, withheld
from service.watch.rescue import let_finish
from service.wording import some

log = logs.get_logger(__name__)

LookAhead = Callable[[Config, Setup], Detector]
"""Gives a detector that answers at once, after workers have looked at the frames of a session."""

BAD_INPUT = (InputError, FrameError, EndpointError)
"""Errors that are noticed before anything has moved: the folder of the run is removed again."""


def take_up(run_dir: Path, go_on: bool, as_json: bool, asked: Config | None) -> int:
    """Take up the run of a folder and return the exit status of the program.

    Parameters
    ----------
    run_dir : Path
    go_on : bool
        Continue at once; else the session waits, paused.
    as_json : bool
        Print the summary as a document.
    asked : Config or None
        One named by the user: its notifications count, with the URLs, which a run does not keep. All else is
        as the run began.
    """
    folder, info = open_existing(run_dir)
    demand_utf8(str(folder.path))
    demand_writable(folder)
    config = kept_config(folder, info)
    if asked is not None:
        asked = with_absolute_file(with_absolute_model(asked))
        changed = differences(config, asked.model_copy(update={"notify": config.notify}))
        if changed:
            tell(f"the run goes on as it began; not used of --config: {some(changed)}")
        config = config.model_copy(update={"notify": asked.notify})
    elif withheld(config.notify) and not notification_urls(config.notify):
        tell(f"nobody will be notified: {folder.config} does not contain the URLs; set ILEMTRACK_NOTIFY_URLS")
    let_finish(folder)
    with lock(folder), alone(config, info.kind):
        demand_no_copy(folder, info)
        logs.configure(folder.log)
        store, setup, report = daemon.take_up(config, folder, info)
        with closing(store), ProgressDisplay(as_json, report, store.events.last_seq()) as shown:
            if info.kind == "run":
                # Another objective or filter since then bleaches in vain, as at the beginning.
                demand(survey_checks(config))
            outcome = daemon.drive(config, folder, store, setup, shown.update, info.kind == "run", go_on)
    return _end(outcome, folder, info, as_json)


def clear(folder: RunFolder) -> None:
    """Remove the folder of a session that never began, unless another program is at work on it."""
    with lock(folder):
        discard(folder)


def begin(
    config: Config,
    kind: Kind,
    clock: Literal["fast", "real"],
    out: Path | None,
    as_json: bool,
    recorded: Recorded | None = None,
    overview: NDArray[np.uint8] | None = None,
    ahead: LookAhead | None = None,
) -> int:
    """Begin a run in a new folder, drive it to its end, and return the exit status of the program.

    An overview, (rows, columns, 3), is kept among the pictures of the run. `ahead` has workers look
    at the frames before the session begins.
    """
    own_packages.check()
    config = with_absolute_file(with_absolute_model(config))
    with alone(config, kind):
        return _begin_alone(config, kind, clock, out, as_json, recorded, overview, ahead)


def _begin_alone(
    config: Config,
    kind: Kind,
    clock: Literal["fast", "real"],
    out: Path | None,
    as_json: bool,
    recorded: Recorded | None,
    overview: NDArray[np.uint8] | None,
    ahead: LookAhead | None,
) -> int:
    folder, info = create(out, kind, clock, dump(config), recorded)
    with lock(folder):
        logs.configure(folder.log)
        try:
            keep_place(folder)
            if overview is not None:
                folder.pictures.mkdir()
                write_png(folder.pictures / "overview.png", overview)
            store, setup = daemon.begin(config, folder, info)
        except (*BAD_INPUT, StoreError, KeyboardInterrupt):
            discard(folder)
            raise
        try:
            with closing(store), ProgressDisplay(as_json) as shown:
                if kind == "run":
                    _demand_preflight(config, folder, info, setup)
                detector = None if ahead is None else ahead(config, setup)
                outcome = daemon.drive(
                    config, folder, store, setup, shown.update, kind == "run", go_on=True, detector=detector
                )
        except BAD_INPUT:
            _tell_put_back(put_back(setup.devices))
            discard(folder)
            raise
    return _end(outcome, folder, info, as_json)


def _demand_preflight(config: Config, folder: RunFolder, info: RunInfo, setup: Setup) -> None:
    """Print the warnings of the preflight; raise `InputError` if one of its checks is red."""
    demand(everything(config, guarded(setup.devices), setup.fields, folder.path, info.run))


def demand(checks: Sequence[Check]) -> None:
    """Print the warnings among checks; raise `InputError` if one is red."""
    for check in checks:
        if check.level is Level.WARN:
            tell(f"{check.name}: {check.says}")
    red = red_ones(checks)
    if red:
        raise InputError(f"preflight: {'; '.join(red)}")


def _end(outcome: Outcome, folder: RunFolder, info: RunInfo, as_json: bool) -> int:
    """Write the report, print the summary and return the exit status."""
    summary = outcome.summary
    if not outcome.interrupted:
        _report(folder, info)
    if as_json:
        print_json({"v": 1, **asdict(summary)})
    else:
        print_summary(summary, folder)
    _tell_put_back(outcome.put_back)
    if outcome.interrupted:
        tell(f"interrupted; the microscope is safe; `ilemtrack resume {folder.path}` takes it up again")
        return INTERRUPTED
    return OK if summary.well else FAILURES


def _report(folder: RunFolder, info: RunInfo) -> None:
    """Write the report; nothing depends on it: `ilemtrack report` writes it again."""
    try:
        write_report(folder, info, folder.report)
    except Exception as error:
        log.error("report not written", error=str(error), exc_info=True)


def _tell_put_back(result: PutBack) -> None:
    for sentence in sentences(result):
        tell(sentence)


def with_seed(config: Config, seed: int) -> Config:
    """Return the configuration with another seed of the simulated specimen."""
    specimen = config.simulator.specimen.model_copy(update={"seed": seed})
    simulator = config.simulator.model_copy(update={"specimen": specimen})
    return config.model_copy(update={"simulator": simulator})
