"""The command that fits the FM to SEM calibration."""

import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from service.cli.output import print_json, results, tell
from service.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(calibrate)


def calibrate(
    points: Annotated[Path, typer.Argument(help="CSV: fm_x_um, fm_y_um, sem_x_um, sem_y_um, and name.")],
    measured_on: Annotated[
        str | None, typer.Option(help="Day of the measurement, YYYY-MM-DD; else that of the file.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="YAML to put into a profile.")] = None,
    figure: Annotated[
        Path | None, typer.Option(help="PNG: what is left after the fit, point by point.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Fit where the SEM finds what fluorescence saw, from pairs of points."""
    from service.diagnostics import calibration

    pairs, fit, config = calibration.calibrate(points, _day(measured_on, points))
    if figure is not None:
        calibration.draw_calibration(figure, pairs, fit)
    if out is not None:
        try:
            out.write_text(calibration.calibration_yaml(config), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{out}: cannot be written: {error.strerror}") from error
    document = calibration.calibration_document(pairs, fit, config)
    status = 1 if fit.outliers else 0
    if as_json:
        print_json(document)
        return status
    table = Table("pair", "x, nm", "y, nm", "length, nm", "")
    for point in document["points"]:
        x_nm, y_nm = (v * 1e3 for v in point["residual_um"])
        remark = "does not go with the others" if point["outlier"] else ""
        table.add_row(
            point["name"], f"{x_nm:.0f}", f"{y_nm:.0f}", f"{(x_nm**2 + y_nm**2) ** 0.5:.0f}", remark
        )
    results.print(table)
    results.print(calibration.calibration_yaml(config), end="")
    error_um = document["standard_error_um"]
    known = "unknown: too few pairs" if error_um is None else f"{error_um * 1e3:.0f} nm at the worst point"
    tell(f"{len(pairs.names)} pairs, rms {document['rms_um'] * 1e3:.0f} nm; error of the calibration {known}")
    if not fit.with_shear:
        tell("shear was taken as 0: it needs three pairs that do not lie on one line")
    if len(pairs.names) < 4:
        tell("with fewer than 4 pairs one that is wrong is not found out")
    if fit.outliers:
        names = ", ".join(pairs.names[n] for n in fit.outliers)
        tell(f"look at {names} again: measure anew or leave out, and fit once more")
    return status


def _day(given: str | None, points: Path) -> datetime.date:
    if given is None:
        try:
            written_s = points.stat().st_mtime
        except OSError as error:
            raise InputError(f"{points}: cannot be read: {error.strerror}") from error
        return datetime.datetime.fromtimestamp(written_s, tz=datetime.UTC).date()
    try:
        return datetime.date.fromisoformat(given)
    except ValueError:
        raise InputError(f"--measured-on must be a day like 2026-11-23, not {given!r}") from None
