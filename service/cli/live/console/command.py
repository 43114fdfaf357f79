"""The command `ilemtrack console`."""

import errno
import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import Connect, Key, Run, who
from service.cli.output import tell
from service.console.safety import Policy, Tokens, checked_tokens, is_loopback, new_token
from service.errors import InputError

TOKEN_VARIABLE, WATCH_TOKEN_VARIABLE = "ILEMTRACK_CONSOLE_TOKEN", "ILEMTRACK_CONSOLE_WATCH_TOKEN"

_PORT = 8550
"""Chosen by hand; not registered for anything common."""


def console(
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = _PORT,
    host: Annotated[
        str, typer.Option(help="Address to listen at; one that other computers reach requires tokens.")
    ] = "127.0.0.1",
    token: Annotated[
        bool,
        typer.Option("--token", help="Require a token on this computer, too, against its other users."),
    ] = False,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
) -> None:
    """Show the operator's console in a browser.

    Tokens, where they are required, are those of the environment variables ILEMTRACK_CONSOLE_TOKEN (to
    operate) and ILEMTRACK_CONSOLE_WATCH_TOKEN (to watch), else new ones, which are printed.
    """
    from service.cli.live.console.computer import ThisComputer

    try:
        from service.console.app import serve
    except ModuleNotFoundError as error:
        if error.name != "nicegui":
            raise
        raise InputError("the console needs NiceGUI: pip install 'ilemtrack[console]'") from None
    _require_free(host, port)
    policy = Policy(host, port)
    if token or not is_loopback(host) or TOKEN_VARIABLE in os.environ:
        policy = Policy(host, port, _tokens())
    # Whoever reaches a page without a token is this user.
    name = who(None) if policy.tokens is None else ""
    shown = "localhost" if is_loopback(host) else host
    tell(f"console: http://{shown}:{port}/   (Ctrl-C ends the console, not a session)")
    serve(ThisComputer(Path.cwd(), connect, key, run), policy, name, not no_open)


def _tokens() -> Tokens:
    """Return the tokens of the environment, else new ones, printed."""
    given = [os.environ.get(name) for name in (TOKEN_VARIABLE, WATCH_TOKEN_VARIABLE)]
    operate, watch = (token or new_token() for token in given)
    for what, was_given, token in (("operate", given[0], operate), ("only watch", given[1], watch)):
        if not was_given:
            tell(f"token to {what + ':':12s} {token}")
    return checked_tokens(operate, watch)


def _require_free(host: str, port: int) -> None:
    """Refuse an address at which nothing can listen.

    Raises
    ------
    InputError
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind((host, port))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "another program listens there; choose another --port" if taken else error.strerror
        raise InputError(f"cannot listen at {host}, port {port}: {why}") from None
