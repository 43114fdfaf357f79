"""Commands `ilemtrack keys ...`: clients that may reach the daemon over the network."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from service.api.transport import keys
from service.cli.consoles import print_rows
from service.cli.options import Json
from service.cli.output import print_json

Name = Annotated[str, typer.Argument(help="Name of the client, such as annas-laptop.")]
Directory = Annotated[
    Path | None, typer.Option("--dir", help="Folder of the daemon's keys; see api.keys_dir.")
]


def new(
    name: Name,
    out: Annotated[
        Path | None, typer.Option("--out", help="File for the secret key; NAME.key_secret by default.")
    ] = None,
    directory: Directory = None,
) -> None:
    """Make a key for a client and permit it."""
    secret = out if out is not None else Path(f"{name}.key_secret")
    keys.new_client(_folder(directory), name, secret)
    typer.echo(f"{secret}: copy it to the client, keep it secret, and use it with --key")


def list_(directory: Directory = None, as_json: Json = False) -> None:
    """List the permitted keys."""
    folder = _folder(directory)
    found = sorted((name, public) for public, name in keys.permitted_clients(folder).items())
    made = {name: keys.read(folder / "clients" / f"{name}.key").made for name, _ in found}
    if as_json:
        rows = [{"name": name, "public_key": public, "made": made[name]} for name, public in found]
        print_json({"v": 1, "directory": str(folder), "keys": rows})
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "made", "public key"):
        table.add_column(column, overflow="fold")
    for name, public in found:
        table.add_row(name, made[name] or "", public)
    print_rows(table, f"no key is permitted in {folder}")


def revoke(name: Name, directory: Directory = None) -> None:
    """Revoke the key of a client.

    A running daemon closes its connections within a second.
    """
    keys.revoke(_folder(directory), name)
    typer.echo(f"{name}: revoked")


def _folder(directory: Path | None) -> Path:
    return directory if directory is not None else keys.default_directory()
