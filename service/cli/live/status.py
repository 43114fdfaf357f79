"""The command `ilemtrack status`."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import typer

from service.api.client import Client
from service.cli.exit_status import NO_DAEMON, OK
from service.cli.live.focusing import focus_text
from service.cli.live.overviews import overviews_text
from service.cli.options import Connect, Json, Key, Run
from service.cli.output import print_json, tell
from service.cli.reading import folder_without_daemon
from service.errors import NoDaemonError
from service.words.checks import counts_of, counts_say
from service.words.quantities import duration


def status(connect: Connect = None, key: Key = None, run: Run = None, as_json: Json = False) -> int | None:
    """Show what the daemon is doing.

    Without a daemon, show how the last run ended, or the run that is named, and where it lies.
    """
    try:
        with Client(connect, key=key, run=run) as client:
            found = client.call("status")
            hello = client.call("hello")
    except NoDaemonError as error:
        return _without_daemon(connect, run, as_json, error)
    if as_json:
        print_json({"v": 1} | found)
        return None
    rows = list(_rows(found, hello))
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        typer.echo(f"{name:{width}s}  {text}")
    return None


def _without_daemon(connect: str | None, run: str | None, as_json: bool, error: NoDaemonError) -> int:
    """Show how a run ended; 0 if it was named, else 3.

    Raises
    ------
    NoDaemonError
        Another daemon was meant, or nothing is known of any run.
    """
    folder = folder_without_daemon(connect, run, error)
    # Only now: a client of a daemon loads nothing heavy.
    from service.report.ended import ended_run

    found = ended_run(folder)
    if as_json:
        print_json({"v": 1, "daemon": False, **asdict(found)})
    else:
        from service.words.states import FIELDS, JOBS

        how = found.end_state.replace("_", " ") + (f": {found.reason}" if found.reason else "")
        rows = [("run", f"{found.run} ({found.kind}), no daemon"), ("ended", how)]
        if not found.ended:
            rows[-1] = ("stopped in", f"{how}; `ilemtrack resume {found.folder}` takes it up again")
        if found.at:
            rows.append(("last event", f"{datetime.fromisoformat(found.at).astimezone():%a %d %b %H:%M}"))
        rows += [
            ("fields", _counts(found.fields, FIELDS)),
            ("jobs", _counts(found.jobs, JOBS)),
            ("images", counts_say(found.images) or "none bad"),
            ("lies in", found.folder),
        ]
        for name, text in rows:
            typer.echo(f"{name:10s}  {text}")
    if run is not None:
        return OK
    tell(f"ilemtrack: {error}")
    return NO_DAEMON


def _rows(found: dict[str, Any], hello: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Rows to print, from the results of the methods `status` and `hello`."""
    # Only with an answer to show: it loads what the states are made of.
    from service.model.images.trends import Trend
    from service.words.states import FIELDS, JOBS
    from service.words.trends import trend_says

    yield "run", f"{hello['run']} ({hello['kind']}, process {hello['pid']})"
    if hello.get("microscope"):
        yield "microscope", hello["microscope"]
    phase = found["phase"]
    if found.get("resume_to"):
        phase += f", then {found['resume_to']}"
    yield "phase", phase.replace("_", " ") + (f": {found['reason']}" if found.get("reason") else "")
    yield "session", duration(found["time_s"])
    if found["left_s"] > 0:
        finish = datetime.fromisoformat(found["finish_at"]).astimezone()
        yield "left", f"{duration(found['left_s'])}, finished {finish:%a %d %b %H:%M}"
    yield "fields", _counts(found["fields"], FIELDS)
    yield "jobs", _counts(found["jobs"], JOBS)
    if found.get("current_job"):
        now = found["current_job"]
        yield "now", f"{now['kind']} {now['job']}, {duration(now['beam_s'])} of beam"
    for one in found["focus"]:
        yield f"focus, {one['beam']}", focus_text(one)
    if found.get("overviews"):
        yield "overviews", overviews_text(found["overviews"])
    if "images" in found:
        said = counts_say(counts_of(found["images"])) or "none bad"
        most = _at_most(found["images"]["retakes"])
        yield "images", f"{said}; a frame is taken again by itself {most}"
    for one in found.get("trends", ()):
        yield "changed", trend_says(Trend(**one))
    yield from _health_rows(found.get("health", {}))
    devices = found.get("devices", {})
    if "stage_m" in devices:
        x_m, y_m = devices["stage_m"]
        yield "stage", f"x {x_m * 1e3:.4f} mm, y {y_m * 1e3:.4f} mm"
        yield "vacuum", f"{devices['vacuum']}, {devices['pressure_pa']:.3g} Pa"
        yield "beam", "blanked" if devices["beam_blanked"] else "ON"
        yield "light", "ON" if devices["light_on"] else "off"


def _health_rows(health: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Current step and its deadline, the point where a pause lands, and failed notifications."""
    if health.get("step"):
        since, allowed = duration(health["running_s"]), duration(health["allowed_s"])
        late = "STALLED: " if health["stalled"] else ""
        yield "doing", f"{late}{health['step']}, for {since}; alarm after {allowed}"
    if health.get("blocked"):
        yield "BLOCKED", str(health["blocked"])
    if health.get("landing"):
        yield "will land", str(health["landing"])
    if health.get("not_notified"):
        yield "NOT NOTIFIED", f"{health['not_notified']} times, most recently: {health['last_not_notified']}"
    if health.get("channels") == 0:
        yield "notified", "nobody: notify.urls is empty"


def _at_most(times: int) -> str:
    words = ("never", "at most once", "at most twice")
    return words[times] if times < len(words) else f"at most {times} times"


def _counts(counts: dict[str, int], words: Mapping[Any, str]) -> str:
    # A daemon of a later version may have states that are unknown here.
    return ", ".join(f"{n} {words.get(state, state)}" for state, n in counts.items() if n) or "none"
