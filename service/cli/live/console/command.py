"""The command `ilemtrack console`."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import Connect, Key, Run, who
from service.cli.output import tell
from service.console.safety import (
    SHORTEST_TOKEN,
    Invitation,
    Policy,
    Tokens,
    checked_tokens,
    is_loopback,
    new_token,
)
from service.errors import InputError
from service.session.folders.runtime_folder import runtime_directory

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
        typer.Option(
            "--token/--no-token",
            help="Require people to sign in; without, all users of this computer may operate.",
        ),
    ] = True,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
) -> None:
    """Show the operator's console in a browser.

    The address that is opened signs your browser in, once. Others sign in with a token: that of the
    environment variables ILEMTRACK_CONSOLE_TOKEN (to operate) and ILEMTRACK_CONSOLE_WATCH_TOKEN (to watch),
    else one that is printed.
    """
    from service.cli.live.console.computer import ThisComputer

    if not token and not is_loopback(host):
        raise InputError("--no-token is for this computer only; an address that others reach requires tokens")
    try:
        from service.console.app import address_of, serve
        from service.console.guard import redirecting
    except ModuleNotFoundError as error:
        if error.name != "nicegui":
            raise
        raise InputError("the console needs NiceGUI: pip install 'ilemtrack[console]'") from None
    _require_free(host, port)
    policy = Policy(host, port, _tokens(port), Invitation(who(None))) if token else Policy(host, port)
    # Whoever reaches a page without a token is taken for this user.
    name = "" if token else who(None)
    once = ", and the address works once" if token else ""
    tell(f"console: {address_of(policy)}   (Ctrl-C ends the console, not a session{once})")
    with private_page(port, redirecting(address_of(policy))) as opened:
        serve(ThisComputer(Path.cwd(), connect, key, run), policy, name, None if no_open else opened)


@contextmanager
def private_page(port: int, text: str) -> Iterator[str]:
    """Give the address of a page on the disk that only this user can read.

    A browser is started with it: other users see the command lines of all programs.
    """
    path = runtime_directory() / f"console-{port}.html"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text, encoding="utf-8")
    try:
        yield path.as_uri()
    finally:
        path.unlink(missing_ok=True)


def _tokens(port: int) -> Tokens:
    """Return the tokens of the environment, else those of this port, printed."""
    given = [os.environ.get(name) for name in (TOKEN_VARIABLE, WATCH_TOKEN_VARIABLE)]
    operate, watch = (token or kept for token, kept in zip(given, _kept_tokens(port), strict=True))
    for what, was_given, token in (("operate", given[0], operate), ("only watch", given[1], watch)):
        if not was_given:
            tell(f"token to {what + ':':12s} {token}")
    return checked_tokens(operate, watch)


def _kept_tokens(port: int) -> list[str]:
    """Return the tokens of the last console at this port, so that browsers stay signed in; else new ones.

    They are in the runtime folder, which only this user reads and which is empty after a start of the
    computer.
    """
    path = runtime_directory() / f"console-{port}.tokens"
    try:
        kept = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        kept = []
    if len(kept) != 2 or min(map(len, kept)) < SHORTEST_TOKEN:
        kept = [new_token(), new_token()]
        path.unlink(missing_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text("\n".join(kept), encoding="ascii")
    return kept


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
