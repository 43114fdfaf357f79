"""Commands that control a running daemon: events, pause, continue, abort, ack."""

from typing import Annotated, Any

import typer

from service.api.client import Client
from service.cli.options import By, Connect, Json, Key, who
from service.cli.output import print_json


def events(
    connect: Connect = None,
    key: Key = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new events.")] = False,
    since: Annotated[int, typer.Option(min=0, help="Only events after this number.")] = 0,
    as_json: Json = False,
) -> None:
    """List the events of the session, one per line."""
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
    """Pause after the current step."""
    _change(connect, key, "run.pause")


def continue_(by: By = None, connect: Connect = None, key: Key = None) -> None:
    """Continue after a pause, or end a review.

    The vacuum is checked again first. Where a person operates the chamber, this confirms the pressure that
    the pause asked for.
    """
    with Client(connect, key=key) as client:
        if client.call("status")["phase"] == "review":
            typer.echo(client.call("review.confirm")["message"])
        else:
            typer.echo(client.call("run.resume", by=who(by))["message"])


def abort(connect: Connect = None, key: Key = None) -> None:
    """End the session now; a running scan is stopped and blanked."""
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
