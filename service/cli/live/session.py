"""Commands that run a session: dry-run, run, resume, replay."""

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from config.alarms import NotifyConfig
from config.layout import GridLayout
from config.loading import DEFAULT_PROFILE, dump, load
from config.model import Config
from drivers.errors import FrameError
from service import logs
from service.cli.live.estimates import NAMES, print_estimate
from service.cli.live.focusing import focus_text
from service.cli.output import duration, people, print_json, results, size, tell
from service.errors import EndpointError, InputError, StoreError
from service.model.jobs import JobState
from service.model.phases import Phase
from service.model.specimen import FieldState
from service.session.layout import inside_safe_area, spread
from service.session.run_folder import Kind, RunFolder, RunInfo, alone, create, discard, lock, open_existing
from service.wording import MOST_NAMED, some

if TYPE_CHECKING:
    from service.daemon.process import Outcome
    from service.report.durations import SessionWay
    from service.report.summary import Summary
    from service.session.setup import Setup
    from service.store.store import Store

BAD_INPUT = (InputError, FrameError, EndpointError)
"""What is noticed before anything moved: the folder of the run is taken back."""

Out = Annotated[Path | None, typer.Option("--out", help="Folder of the run; must be new or empty.")]
ConfigFile = Annotated[str, typer.Option("--config", help="A YAML file or a profile.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Clock = Annotated[
    Literal["fast", "real"], typer.Option("--clock", help="As fast as the computer can, or real time.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("dry-run")(dry_run)
    app.command()(run)
    app.command()(resume)
    app.command()(replay)


def dry_run(
    sections: Annotated[int | None, typer.Option(min=1, max=100_000, help="Sections of the array.")] = None,
    fields: Annotated[int | None, typer.Option(min=1, max=100, help="Fields of a section, in a row.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Of the specimen.")] = None,
    clock: Clock = "fast",
    config: ConfigFile = DEFAULT_PROFILE,
    out: Out = None,
    as_json: Json = False,
) -> int:
    """Run a whole session against the simulated microscope."""
    chosen = load(config)
    chosen = _with_layout(chosen, sections, fields)
    if seed is not None:
        chosen = _with_seed(chosen, seed)
    return _begin(chosen, "dry-run", clock, out, as_json)


def run(
    config: Annotated[str, typer.Option("--config", help="A YAML file or a profile.")],
    out: Out = None,
    or_resume: Annotated[
        bool, typer.Option("--resume", help="Take up the run in --out if there is one; for systemd.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Run the daemon in the foreground, beside the microscope."""
    chosen = load(config)
    if or_resume and out is None:
        raise InputError("--resume needs --out, the folder of the run")
    if or_resume and out is not None and RunFolder(out).info.is_file():
        return _take_up(out, False, as_json, chosen.notify)
    return _begin(chosen, "run", "real", out, as_json)


def replay(
    images: Annotated[
        list[Path], typer.Argument(help="OME-TIFF or TIFF; of several pages each is a section.")
    ],
    config: ConfigFile = DEFAULT_PROFILE,
    pixel_size_nm: Annotated[
        float | None, typer.Option("--pixel-size-nm", min=10, max=5000, help="Where the file does not tell.")
    ] = None,
    serial: Annotated[
        bool, typer.Option("--serial/--no-serial", help="The frames are serial sections, in this order.")
    ] = True,
    clock: Clock = "fast",
    out: Out = None,
    as_json: Json = False,
) -> int:
    """Take recorded fluorescence frames through detection, planning and a simulated SEM."""
    paths = tuple(str(path.absolute()) for path in images)
    chosen = load(config)
    if not serial:
        detection = chosen.detection.model_copy(update={"serial": False})
        chosen = chosen.model_copy(update={"detection": detection})
    return _begin(chosen, "replay", clock, out, as_json, paths, pixel_size_nm)


def resume(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a run.")],
    go_on: Annotated[
        bool, typer.Option("--continue", help="Go on at once; without it the session waits, paused.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Take up a run after a stop or a crash; it then waits, paused, for `ilemtrack continue`."""
    return _take_up(run_dir, go_on, as_json, None)


def _take_up(run_dir: Path, go_on: bool, as_json: bool, notify: NotifyConfig | None) -> int:
    """Go on with a run; `notify` has the URLs, which the copy of its configuration has not."""
    from service.daemon import process as daemon
    from service.watch.notifier import notification_urls, withheld
    from service.watch.rescue import let_finish

    folder, info = open_existing(run_dir)
    config = load(folder.config)
    if notify is not None:
        config = config.model_copy(update={"notify": notify})
    elif withheld(config.notify) and not notification_urls(config.notify):
        tell(
            f"nobody is told of what happens: {folder.config} is without its URLs; set ILEMTRACK_NOTIFY_URLS"
        )
    let_finish(folder)
    with lock(folder), alone(config, info.kind):
        logs.configure(folder.log)
        store, setup, report = daemon.take_up(config, folder, info)
        with closing(store), _Shown(as_json, report) as shown:
            outcome = daemon.drive(config, folder, store, setup, shown.update, info.kind == "run", go_on)
    return _end(outcome, folder, as_json)


def _begin(
    config: Config,
    kind: Kind,
    clock: Literal["fast", "real"],
    out: Path | None,
    as_json: bool,
    images: tuple[str, ...] = (),
    pixel_size_nm: float | None = None,
) -> int:
    from service import own_packages as rooms
    from service.analysis.detectors import with_absolute_model
    from service.watch.notifier import with_absolute_file

    rooms.check()
    config = with_absolute_file(with_absolute_model(config))
    with alone(config, kind):
        return _begun(config, kind, clock, out, as_json, images, pixel_size_nm)


def _begun(
    config: Config,
    kind: Kind,
    clock: Literal["fast", "real"],
    out: Path | None,
    as_json: bool,
    images: tuple[str, ...],
    pixel_size_nm: float | None,
) -> int:
    from service.daemon import process as daemon

    folder, info = create(out, kind, clock, dump(config), images, pixel_size_nm)
    with lock(folder):
        logs.configure(folder.log)
        try:
            store, setup = daemon.begin(config, folder, info)
        except (*BAD_INPUT, StoreError, KeyboardInterrupt):
            discard(folder)
            raise
        try:
            with closing(store), _Shown(as_json) as shown:
                if kind == "run":
                    _demand_preflight(config, folder, info, setup)
                outcome = daemon.drive(config, folder, store, setup, shown.update, kind == "run", go_on=True)
        except BAD_INPUT:
            discard(folder)
            raise
    return _end(outcome, folder, as_json)


def _demand_preflight(config: Config, folder: RunFolder, info: RunInfo, setup: "Setup") -> None:
    """Refuse to begin where a point of the preflight is red; warnings are said."""
    from service.diagnostics import preflight
    from service.diagnostics.checks import Level
    from service.safety.deadlines import guarded

    checks = preflight.everything(config, guarded(setup.devices), setup.fields, folder.path, info.run)
    for check in checks:
        if check.level is Level.WARN:
            tell(f"{check.name}: {check.says}")
    red = preflight.red_ones(checks)
    if red:
        raise InputError(f"preflight: {'; '.join(red)}")


def _end(outcome: "Outcome", folder: RunFolder, as_json: bool) -> int:
    """Say how it went, and give the exit status."""
    summary = outcome.summary
    if as_json:
        print_json({"v": 1, **asdict(summary)})
    else:
        _print_summary(summary, folder)
    if outcome.interrupted:
        tell(f"interrupted; the microscope is safe; `ilemtrack resume {folder.path}` takes it up again")
        return 130
    return 0 if summary.well else 1


def _print_summary(summary: "Summary", folder: RunFolder) -> None:
    jobs = ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in summary.jobs.items())
    rows = [
        ("session", summary.end_state.replace("_", " ")),
        ("sections", f"{summary.sections} with {summary.fields} fields"),
        ("cells", f"{summary.cells} found" + _as_tracks(summary)),
        ("SEM frames", jobs),
        ("beam", duration(summary.beam_s)),
        ("microscope time", f"{duration(summary.session_s)}, idle {duration(summary.idle_s)}"),
    ]
    rows += [(NAMES[way.method], _compared(way, summary)) for way in summary.alternatives if not way.chosen]
    if summary.contained_recall is not None:
        rows.append(("whole cells", f"{summary.contained_recall:.1%} of the cells that are there"))
    rows += [
        ("images", f"{folder.path} (fm/ and em/, {size(summary.data_bytes)})"),
        *([("pictures", f"{folder.pictures}")] if folder.pictures.is_dir() else []),
        ("numbers", f"{folder.store}, {folder.log}"),
    ]
    rows += [(f"focus, {one.beam}", focus_text(asdict(one))) for one in summary.focus]
    rows += [("image kept", text) for text in _by_reason(summary.remarks)]
    rows += [("failed fields", text) for text in _by_reason(summary.failed_fields)]
    rows += [("undone jobs", text) for text in _by_reason(summary.undone_jobs)]
    rows += [("cells in part", text) for text in _by_reason(summary.clipped_cells)]
    for name, text in rows:
        results.print(f"{name:16s} {text}", soft_wrap=True)


def _by_reason(reasons: Mapping[str, str]) -> list[str]:
    """Names of what is not whole, as far as there is room, and the reason that they share."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    rows = []
    for reason, of in names.items():
        more = "; see --json" if len(of) > MOST_NAMED else ""
        rows.append(f"{len(of)} ({some(of)}{more}): {reason}")
    return rows


def _as_tracks(summary: "Summary") -> str:
    """Say how many different cells there are, where sections were linked."""
    return f", in {summary.tracks} tracks through the sections" if summary.tracks else ""


def _compared(way: "SessionWay", summary: "Summary") -> str:
    """What the session would have taken otherwise, and against the way that it took as planned."""
    text = f"would take {duration(way.session_s)}"
    chosen = next((one for one in summary.alternatives if one.chosen), None)
    if chosen is None or not chosen.session_s:
        return text
    return f"{text}, {way.session_s / chosen.session_s:.2f} x; {way.frames} frames, {size(way.data_bytes)}"


class _Shown:
    """A line that moves while a session runs; nothing where standard error is no terminal.

    Parameters
    ----------
    as_json : bool
        Standard output is for a document.
    report : str
        What was found of an earlier process; said when the session really goes on.
    """

    def __init__(self, as_json: bool, report: str = "") -> None:
        self._report = report
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=people,
            disable=as_json or not people.is_terminal,
            transient=True,
        )
        self._fields = self._bars.add_task("fluorescence", total=None)
        self._jobs = self._bars.add_task("electron images", total=None)
        self._said = ""
        self._seen = 0
        self._quiet = as_json

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._bars.stop()

    def update(self, store: "Store") -> None:
        """Look at the session and move on."""
        if self._report:
            tell(self._report)
            self._report = ""
        status, fields, jobs = store.status(), store.specimen.field_counts(), store.queue.counts_in_use()
        waiting = fields.get(FieldState.PENDING, 0)
        total = sum(fields.values())
        self._bars.update(self._fields, completed=total - waiting, total=total)
        open_jobs = jobs.get(JobState.QUEUED, 0) + jobs.get(JobState.ARMED, 0)
        total = sum(jobs.values())
        self._bars.update(self._jobs, completed=total - open_jobs, total=total or None)
        if not self._quiet:
            self._explain(store)
        sentence = status.phase.value.replace("_", " ") + (f": {status.reason}" if status.reason else "")
        if sentence != self._said and status.phase in (Phase.PAUSED, Phase.FAULT, Phase.REVIEW):
            tell(f"{sentence}  (ilemtrack {_WAY_ON[status.phase]})")
        self._said = sentence

    def _explain(self, store: "Store") -> None:
        """Before the beam goes on: what the electron images will take, and would in other ways."""
        for event in store.events.since(self._seen, limit=1000):
            self._seen = event.seq
            if event.kind == "estimate":
                with suppress(OSError, ValueError, SystemExit):
                    people.print("before the beam goes on:")
                    print_estimate(people, event.data)


_WAY_ON = {Phase.PAUSED: "continue", Phase.FAULT: "ack, then continue", Phase.REVIEW: "continue"}


def _with_layout(config: Config, sections: int | None, fields: int | None) -> Config:
    """Return the configuration with another number of sections, or of fields in each."""
    if sections is None and fields is None:
        return config
    if not isinstance(config.layout, GridLayout):
        raise InputError("--sections and --fields change a grid; the layout of this configuration is a list")
    changes: dict[str, object] = {}
    if sections is not None:
        changes["sections"] = sections
    if fields is not None:
        changes["fields"] = (fields, 1)
    changed = config.model_copy(update={"layout": config.layout.model_copy(update=changes)})
    return changed if inside_safe_area(changed) else spread(changed)


def _with_seed(config: Config, seed: int) -> Config:
    specimen = config.simulator.specimen.model_copy(update={"seed": seed})
    simulator = config.simulator.model_copy(update={"specimen": specimen})
    return config.model_copy(update={"simulator": simulator})
