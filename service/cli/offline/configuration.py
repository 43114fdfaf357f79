"""`ilemtrack config`: show, check, schema, unit."""

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from config.loading import DEFAULT_PROFILE, dump, load, profile_names
from config.model import Config
from service.cli.output import print_json
from service.session.layout import sections_and_fields

commands = typer.Typer(help="The configuration of a microscope and a session.", no_args_is_help=True)

File = Annotated[str, typer.Argument(help=f"A YAML file or a profile: {', '.join(profile_names())}.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="config")


@commands.command()
def show(file: File = DEFAULT_PROFILE, as_json: Json = False) -> None:
    """Show a configuration, every default filled in."""
    config = load(file)
    if as_json:
        print_json(config.model_dump(mode="json"))
    else:
        typer.echo(dump(config), nl=False)


@commands.command()
def check(file: File = DEFAULT_PROFILE) -> None:
    """Say whether a configuration can be used; status 2 and one sentence if not."""
    from service.session.setup import check_planner

    config = load(file)
    check_planner(config)
    sections, fields = sections_and_fields(config)
    typer.echo(f"{file}: good, {len(sections)} sections with {len(fields)} fields")


@commands.command()
def unit() -> None:
    """Print a systemd unit for this installation; see docs/operation.md."""
    text = (files("service") / "unit" / "ilemtrack@.service").read_text(encoding="utf-8")
    program = Path(sys.executable).with_name("ilemtrack")
    typer.echo(text.replace("@ILEMTRACK@", str(program)), nl=False)


@commands.command()
def schema() -> None:
    """Print the JSON Schema of a configuration, for editors."""
    typer.echo(json.dumps(Config.model_json_schema(), indent=2))
