"""The commands `ilemtrack overview` and `ilemtrack preview`."""

from pathlib import Path
from typing import Annotated

import typer

from config.choices import DEFAULT_PROFILE
from service.cli.options import ConfigFile, Json


def overview(
    config: ConfigFile = DEFAULT_PROFILE,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the overview; one that was interrupted is taken up again."),
    ] = None,
    x_mm: Annotated[
        tuple[float, float] | None,
        typer.Option("--x-mm", help="Ground to show in x, mm; by default all of the safe area."),
    ] = None,
    y_mm: Annotated[
        tuple[float, float] | None,
        typer.Option("--y-mm", help="Ground to show in y, mm; by default all of the safe area."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show time and light dose; move and switch nothing.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Take the optical overview of the holder, with light alone.

    The beam stays blanked. The settings `holder` of the configuration say which light is used.
    """
    from service.cli.live.holder.overview import take_overview

    return take_overview(config, out, x_mm, y_mm, dry_run, as_json)


def preview(
    config: ConfigFile = DEFAULT_PROFILE,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the preview; one that was interrupted is taken up again."),
    ] = None,
    exposure_percent: Annotated[
        float, typer.Option(min=1, max=50, help="Exposure, of that of a fluorescence frame, percent.")
    ] = 25.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show time and light dose; move and switch nothing.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Choose the fields that hold cells, by faint previews.

    The result is a configuration for `ilemtrack run` with these fields; a field in doubt is one of them.
    """
    from service.cli.live.holder.preview import choose_fields

    return choose_fields(config, out, exposure_percent, dry_run, as_json)
