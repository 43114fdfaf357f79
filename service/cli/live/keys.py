"""`ilemtrack keys`: who may reach the daemon over the network."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from service.api.transport import keys
from service.cli.output import print_json, results

commands = typer.Typer(help="Keys of clients that reach the daemon over the network.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Whose key, such as annas-laptop.")]
Directory = Annotated[
    Path | None, typer.Option("--dir", help="Folder of the daemon's keys, as in api.keys_dir.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="keys")


@commands.command()
def new(
    name: Name,
    out: Annotated[Path | None, typer.Option("--out", help="Where the secret file goes.")] = None,
    directory: Directory = None,
) -> None:
    """Make a key for a client, and permit it."""
    secret = out if out is not None else Path(f"{name}.key_secret")
    keys.new_client(_folder(directory), name, secret)
    typer.echo(f"{secret}: bring it to the client, let nobody read it, and use it with --key")


@commands.command("list")
def list_(directory: Directory = None, as_json: Json = False) -> None:
    """Show the keys that are permitted."""
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
    results.print(table)


@commands.command()
def revoke(name: Name, directory: Directory = None) -> None:
    """Let a client in no longer; a running daemon cuts its connections within a second."""
    keys.revoke(_folder(directory), name)
    typer.echo(f"{name}: revoked")


def _folder(directory: Path | None) -> Path:
    return directory if directory is not None else keys.default_directory()
