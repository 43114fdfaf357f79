"""Options that several commands share."""

import getpass
import os
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ConfigFile = Annotated[str, typer.Option("--config", help="YAML file or name of a profile.")]
OtherPixelSize = Annotated[
    float | None,
    typer.Option(
        "--pixel-size-nm",
        min=10,
        max=5000,
        help="Pixel size; needed where a file does not state it, and used in place of what a file states.",
    ),
]
ChannelOption = Annotated[
    str | None,
    typer.Option("--channel", help="Name of the channel with the cells, or its number from 1."),
]
Images = Annotated[
    list[Path],
    typer.Argument(help="TIFF, OME-TIFF, PNG or OME-Zarr, or folders of them; each page is a frame."),
]

Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler", help="Address of a Dask scheduler whose workers do the work.", metavar="ADDRESS"
    ),
]
_WORKERS = "Processes of this computer that do the work"
WorkerCount = Annotated[
    int | None,
    typer.Option("--workers", min=1, max=1024, help=f"{_WORKERS}; only this one by default."),
]
WorkersThatSaveTime = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        max=1024,
        help=f"{_WORKERS}; 1 for this one. As many as save time by default.",
    ),
]

Connect = Annotated[
    str | None,
    typer.Option(
        "--connect", help="Request endpoint of a daemon, such as one on another computer.", metavar="ENDPOINT"
    ),
]
Run = Annotated[
    str | None,
    typer.Option(
        "--run", help="Name or folder of a run; your only session on a microscope by default.", metavar="RUN"
    ),
]
Key = Annotated[
    str | None, typer.Option("--key", help="Key file, for a daemon on another computer.", metavar="FILE")
]

By = Annotated[str | None, typer.Option("--by", help="Who decides; your login name by default.")]

RunDir = Annotated[Path, typer.Argument(help="Folder of a run.")]
"""Folder of an existing run."""


def who(by: str | None) -> str:
    """Return the name to record for a decision."""
    if by is not None:
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A user without an entry in the password database.
        return f"user {os.getuid()}"
