"""Commands `ilemtrack config ...`: show, check, schema, unit."""

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from config.choices import DEFAULT_PROFILE, profile_names
from service.cli.options import Json
from service.cli.output import print_json

File = Annotated[str, typer.Argument(help=f"YAML file or name of a profile: {', '.join(profile_names())}.")]


def show(file: File = DEFAULT_PROFILE, as_json: Json = False) -> None:
    """Show a configuration with all defaults filled in.

    Comments say what every key means.
    """
    from config.documents.comments import commented
    from config.loading import load

    config = load(file)
    if as_json:
        print_json(config.model_dump(mode="json"))
    else:
        typer.echo(commented(config), nl=False)


def check(file: File = DEFAULT_PROFILE) -> None:
    """Check that a configuration can be used.

    The exit status is 2 if it cannot.
    """
    from config.loading import load
    from service.session.layout import sections_and_fields
    from service.session.setup import check_planner
    from service.words.layout import counted

    config = load(file)
    check_planner(config)
    sections, fields = sections_and_fields(config)
    typer.echo(f"{file}: valid, {counted(config.layout, len(sections), len(fields))}")


def unit() -> None:
    """Print a systemd unit for this installation.

    See docs/operation.md.
    """
    text = (files("service") / "unit" / "ilemtrack@.service").read_text(encoding="utf-8")
    program = Path(sys.executable).with_name("ilemtrack")
    typer.echo(text.replace("@ILEMTRACK@", str(program)), nl=False)


def schema() -> None:
    """Print the JSON Schema of a configuration, for editors."""
    from config.model import Config

    typer.echo(json.dumps(Config.model_json_schema(), indent=2))
