"""The command `ilemtrack status`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import typer

from service.api.client import Client
from service.cli.live.focusing import focus_text
from service.cli.options import Connect, Json, Key
from service.cli.output import duration, print_json


def status(connect: Connect = None, key: Key = None, as_json: Json = False) -> None:
    """Show what the daemon is doing."""
    with Client(connect, key=key) as client:
        found = client.call("status")
        hello = client.call("hello")
    if as_json:
        print_json({"v": 1} | found)
        return
    rows = list(_rows(found, hello))
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        typer.echo(f"{name:{width}s}  {text}")


def _rows(found: dict[str, Any], hello: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Rows to print, from the results of the methods `status` and `hello`."""
    yield "run", f"{hello['run']} ({hello['kind']}, process {hello['pid']})"
    phase = found["phase"]
    if found.get("resume_to"):
        phase += f", then {found['resume_to']}"
    yield "phase", phase + (f": {found['reason']}" if found.get("reason") else "")
    yield "session", duration(found["time_s"])
    if found["left_s"] > 0:
        finish = datetime.fromisoformat(found["finish_at"]).astimezone()
        yield "left", f"{duration(found['left_s'])}, finished {finish:%a %d %b %H:%M}"
    yield "fields", _counts(found["fields"])
    yield "jobs", _counts(found["jobs"])
    if found.get("current_job"):
        now = found["current_job"]
        yield "now", f"{now['kind']} {now['job']}, {duration(now['beam_s'])} of beam"
    for one in found["focus"]:
        yield f"focus, {one['beam']}", focus_text(one)
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


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {state}" for state, n in counts.items() if n) or "none"
