"""Commands that control a running daemon: events, pause, continue, abort, ack."""

from typing import Annotated, Any

import typer

from service.api.client import Client
from service.cli.options import By, Connect, Json, Key, Run, who
from service.cli.output import changed, print_json
from service.cli.reading import reading
from service.errors import ApiError
from service.words.events import event_words


def events(
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new events.")] = False,
    since: Annotated[int, typer.Option(min=0, help="Only events after this number.")] = 0,
    as_json: Json = False,
) -> None:
    """List the events of the session, one per line.

    Also of a run that has ended, with --run.
    """
    with reading(connect, key, run) as reader:
        if follow:
            for event in reader.events(since):
                _print_event(event, as_json)
            return
        last = since
        while True:
            page = reader.call("events.since", seq=last, limit=1000)["events"]
            for event in page:
                _print_event(event, as_json)
                last = event["seq"]
            if not page:
                return


def pause(by: By = None, connect: Connect = None, key: Key = None, run: Run = None) -> None:
    """Pause after the current step."""
    _change(Client(connect, key=key, run=run), "run.pause", by=who(by))


def continue_(by: By = None, connect: Connect = None, key: Key = None, run: Run = None) -> None:
    """Continue after a pause, or end a review.

    The vacuum is checked again first. Where a person operates the chamber, this confirms the pressure that
    the pause asked for.
    """
    with Client(connect, key=key, run=run) as client:
        if client.call("status")["phase"] == "review":
            _change(client, "review.confirm", by=who(by))
        else:
            _change(client, "run.resume", by=who(by))


def abort(by: By = None, connect: Connect = None, key: Key = None, run: Run = None) -> None:
    """End the session now; a running scan is stopped and blanked."""
    _change(Client(connect, key=key, run=run), "run.abort", by=who(by))


def ack(by: By = None, connect: Connect = None, key: Key = None, run: Run = None) -> None:
    """Acknowledge a fault; the session is then paused."""
    _change(Client(connect, key=key, run=run), "fault.ack", by=who(by))


def _change(client: Client, method: str, **params: Any) -> None:
    with client:
        # Another run may have taken the endpoint meanwhile.
        asked = params | {"if_run": client.run}
        try:
            reply = client.call(method, **asked)
        except ApiError as error:
            from service.api.wire.messages import ErrorCode

            # A daemon that was started before an upgrade takes no name here, and must stop all the same.
            if error.code != ErrorCode.BAD_PARAMS or asked.pop("by", None) is None:
                raise
            reply = client.call(method, **asked)
        typer.echo(changed(reply))


def _print_event(event: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(event)
        return
    kind = event["kind"].replace("_", " ")
    typer.echo(f"{event['seq']:6d}  {event['at']}  {kind}  {event['subject']}  {event_words(event)}")
