"""Commands that talk to a running daemon over ZeroMQ."""

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from service.api.client import Client
from service.cli.output import duration, print_json, results

Connect = Annotated[
    str | None,
    typer.Option("--connect", help="Endpoint of requests; found by itself without.", metavar="ENDPOINT"),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]

queue = typer.Typer(help="The queue of SEM jobs.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(status)
    app.command()(events)
    app.command()(pause)
    app.command("continue")(continue_)
    app.command()(abort)
    app.command()(ack)
    app.add_typer(queue, name="queue")


def status(connect: Connect = None, as_json: Json = False) -> None:
    """What the daemon is doing."""
    with Client(connect) as client:
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
        table.add_row("now", f"frame {now['job']}, {duration(now['beam_s'])} of beam")
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
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens.")] = False,
    since: Annotated[int, typer.Option(min=0, help="Only events after this number.")] = 0,
    as_json: Json = False,
) -> None:
    """What has happened, one line an event."""
    with Client(connect) as client:
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
            if len(page) < 1000:
                return


def pause(connect: Connect = None) -> None:
    """Pause after the step that runs."""
    _change(connect, "run.pause")


def continue_(connect: Connect = None) -> None:
    """Go on after a pause, or end a review; the vacuum is proved again first."""
    with Client(connect) as client:
        review = client.call("status")["phase"] == "review"
        typer.echo(client.call("review.confirm" if review else "run.resume")["message"])


def abort(connect: Connect = None) -> None:
    """End the session now: the beam is blanked in mid-scan."""
    _change(connect, "run.abort")


def ack(connect: Connect = None) -> None:
    """Acknowledge a fault; the session is then paused."""
    _change(connect, "fault.ack")


@queue.command("list")
def queue_list(
    connect: Connect = None,
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    after: Annotated[int | None, typer.Option(min=0, help="Only jobs behind this position.")] = None,
    as_json: Json = False,
) -> None:
    """SEM jobs in the order in which they are done."""
    params: dict[str, Any] = {"limit": limit}
    params |= {"state": state} if state is not None else {}
    params |= {"after": after} if after is not None else {}
    with Client(connect) as client:
        page = client.call("queue.list", **params)
    if as_json:
        print_json({"v": 1} | page)
        return
    table = Table(box=None, pad_edge=False)
    for name in ("job", "section", "x / mm", "y / mm", "size / px", "beam", "state", "cells and why"):
        table.add_column(name, justify="right" if "/" in name else "left", overflow="fold")
    for job in page["jobs"]:
        x_m, y_m = job["center_m"]
        table.add_row(
            job["job"],
            job["section"],
            f"{x_m * 1e3:.4f}",
            f"{y_m * 1e3:.4f}",
            "{} x {}".format(*job["size_px"]),
            duration(job["beam_s"]),
            job["state"] + (f": {job['reason']}" if job.get("reason") else ""),
            "; ".join(f"{cell['cell']} ({cell['kept']})" for cell in job["covers"]),
        )
    results.print(table)
    if page["after"] is not None:
        results.print(f"more behind --after {page['after']}")


@queue.command("show")
def queue_show(job: str, connect: Connect = None, as_json: Json = False) -> None:
    """All that is known of one job."""
    with Client(connect) as client:
        found = client.call("queue.get", job=job)
    if as_json:
        print_json({"v": 1} | found)
        return
    row = found.pop("row")
    for key, value in (row | found).items():
        results.print(f"{key}: {value}", soft_wrap=True)


def _change(connect: str | None, method: str) -> None:
    with Client(connect) as client:
        typer.echo(client.call(method)["message"])


def _print_event(event: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(event)
        return
    data = ", ".join(f"{key}={value}" for key, value in event["data"].items() if value not in (None, [], {}))
    typer.echo(f"{event['seq']:6d}  {event['at']}  {event['kind']}  {event['subject']}  {data}")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {state}" for state, n in counts.items() if n) or "none"
