"""The command `ilemtrack calibrate`."""

import datetime
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import Json
from service.cli.output import print_json, tell
from service.errors import InputError


def calibrate(
    points: Annotated[
        Path, typer.Argument(help="CSV file with columns fm_x_um, fm_y_um, sem_x_um, sem_y_um and name.")
    ],
    measured_on: Annotated[
        str | None, typer.Option(help="Date of the measurement, YYYY-MM-DD; the file's date by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="YAML file to copy into a profile.")] = None,
    figure: Annotated[Path | None, typer.Option(help="PNG file with the residual of each point.")] = None,
    as_json: Json = False,
) -> int:
    """Fit the FM-to-SEM calibration to pairs of points."""
    from rich.table import Table

    from service.cli.consoles import people, results
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
        remark = "inconsistent with the others" if point["outlier"] else ""
        table.add_row(
            point["name"], f"{x_nm:.0f}", f"{y_nm:.0f}", f"{(x_nm**2 + y_nm**2) ** 0.5:.0f}", remark
        )
    # Standard output is what goes into a profile.
    people.print(table)
    results.print(calibration.calibration_yaml(config), end="")
    error_um = document["standard_error_um"]
    known = "unknown: too few pairs" if error_um is None else f"{error_um * 1e3:.0f} nm at the worst point"
    tell(f"{len(pairs.names)} pairs, rms {document['rms_um'] * 1e3:.0f} nm; error of the calibration {known}")
    if not fit.with_shear:
        tell("shear was set to 0: fitting it needs three pairs that are not on one line")
    if len(pairs.names) < 4:
        tell("with fewer than 4 pairs, a wrong one cannot be detected")
    if fit.outliers:
        names = ", ".join(pairs.names[n] for n in fit.outliers)
        tell(f"check {names}: measure again or leave out, then repeat the fit")
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
        raise InputError(f"--measured-on must be a date like 2026-11-23, not {given!r}") from None
