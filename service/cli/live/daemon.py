"""Commands that talk to a running daemon over ZeroMQ."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from service.api.client import Client
from service.cli.live.focusing import focus_text
from service.cli.output import duration, print_json, results

Connect = Annotated[
    str | None,
    typer.Option("--connect", help="Endpoint of requests; found by itself without.", metavar="ENDPOINT"),
]
Key = Annotated[
    str | None, typer.Option("--key", help="Key file, for a daemon on another computer.", metavar="FILE")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(status)
    app.command()(events)
    app.command()(pause)
    app.command("continue")(continue_)
    app.command()(abort)
    app.command()(ack)


def status(connect: Connect = None, key: Key = None, as_json: Json = False) -> None:
    """What the daemon is doing."""
    with Client(connect, key=key) as client:
        found = client.call("status")
        hello = client.call("hello")
    if as_json:
        print_json({"v": 1} | found)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("run", f"{hello['run']} ({hello['kind']}, process {hello['pid']})")
    phase = found["phase"]
    if found.get("resume_to"):
        phase += f", then {found['resume_to']}"
    table.add_row("phase", phase + (f": {found['reason']}" if found.get("reason") else ""))
    table.add_row("session", duration(found["time_s"]))
    if found["left_s"] > 0:
        finish = datetime.fromisoformat(found["finish_at"]).astimezone()
        table.add_row("left", f"{duration(found['left_s'])}, finished {finish:%a %d %b %H:%M}")
    table.add_row("fields", _counts(found["fields"]))
    table.add_row("jobs", _counts(found["jobs"]))
    if found.get("current_job"):
        now = found["current_job"]
        table.add_row("now", f"{now['kind']} {now['job']}, {duration(now['beam_s'])} of beam")
    for one in found["focus"]:
        table.add_row(f"focus, {one['beam']}", focus_text(one))
    for name, says in _watch_rows(found.get("health", {})):
        table.add_row(name, says)
    devices = found.get("devices", {})
    if "stage_m" in devices:
        x_m, y_m = devices["stage_m"]
        table.add_row("stage", f"x {x_m * 1e3:.4f} mm, y {y_m * 1e3:.4f} mm")
        table.add_row("vacuum", f"{devices['vacuum']}, {devices['pressure_pa']:.3g} Pa")
        table.add_row("beam", "blanked" if devices["beam_blanked"] else "ON")
        table.add_row("light", "ON" if devices["light_on"] else "off")
    results.print(table)


def events(
    connect: Connect = None,
    key: Key = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens.")] = False,
    since: Annotated[int, typer.Option(min=0, help="Only events after this number.")] = 0,
    as_json: Json = False,
) -> None:
    """What has happened, one line an event."""
    with Client(connect, key=key) as client:
        if follow:
            for event in client.events(since):
                _print_event(event, as_json)
            return
        last = since
        while True:
            page = client.call("events.since", seq=last, limit=1000)["events"]
            for event in page:
                _print_event(event, as_json)
                last = event["seq"]
            if not page:
                return


def pause(connect: Connect = None, key: Key = None) -> None:
    """Pause after the step that runs."""
    _change(connect, key, "run.pause")


def continue_(connect: Connect = None, key: Key = None) -> None:
    """Go on after a pause, or end a review; the vacuum is proved again first."""
    with Client(connect, key=key) as client:
        review = client.call("status")["phase"] == "review"
        typer.echo(client.call("review.confirm" if review else "run.resume")["message"])


def abort(connect: Connect = None, key: Key = None) -> None:
    """End the session now: the beam is blanked in mid-scan."""
    _change(connect, key, "run.abort")


def ack(connect: Connect = None, key: Key = None) -> None:
    """Acknowledge a fault; the session is then paused."""
    _change(connect, key, "fault.ack")


def _change(connect: str | None, key: str | None, method: str) -> None:
    with Client(connect, key=key) as client:
        typer.echo(client.call(method)["message"])


def _print_event(event: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(event)
        return
    data = ", ".join(f"{key}={value}" for key, value in event["data"].items() if value not in (None, [], {}))
    typer.echo(f"{event['seq']:6d}  {event['at']}  {event['kind']}  {event['subject']}  {data}")


def _watch_rows(health: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What it does, whether it comes forward, where it will land, who could not be told."""
    if health.get("step"):
        since, allowed = duration(health["running_s"]), duration(health["allowed_s"])
        late = "STALLED: " if health["stalled"] else ""
        yield "doing", f"{late}{health['step']}, since {since}; an alarm after {allowed}"
    if health.get("blocked"):
        yield "BLOCKED", str(health["blocked"])
    if health.get("landing"):
        yield "will land", str(health["landing"])
    if health.get("not_notified"):
        yield "NOT NOTIFIED", f"{health['not_notified']} times, the last: {health['last_not_notified']}"
    if health.get("channels") == 0:
        yield "notified", "nobody: notify.urls is empty"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {state}" for state, n in counts.items() if n) or "none"
