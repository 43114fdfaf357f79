"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ConfigFile = Annotated[str, typer.Option("--config", help="YAML file or name of a profile.")]
OtherPixelSize = Annotated[
    float | None,
    typer.Option(
        "--pixel-size-nm", min=10, max=5000, help="Pixel size of frames whose file does not state it."
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

RunDir = Annotated[Path, typer.Argument(help="Folder of a run.")]
"""Folder of an existing run."""
