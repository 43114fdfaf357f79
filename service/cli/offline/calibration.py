"""The command `ilemtrack calibrate`."""

import datetime
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import ConfigFile, Json
from service.cli.output import print_json, tell
from service.errors import InputError
from service.store.durable import write_text


def calibrate(
    points: Annotated[
        Path | None,
        typer.Argument(help="CSV file with columns fm_x_um, fm_y_um, sem_x_um, sem_y_um and name."),
    ] = None,
    from_odemis: Annotated[
        bool, typer.Option("--from-odemis", help="Take over the fine alignment of the running Odemis.")
    ] = False,
    config: ConfigFile = "quanta250-secom",
    measured_on: Annotated[
        str | None, typer.Option(help="Date of the measurement, YYYY-MM-DD; the file's date by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="YAML file to copy into a profile.")] = None,
    figure: Annotated[Path | None, typer.Option(help="PNG file with the residual of each point.")] = None,
    as_json: Json = False,
) -> int:
    """Fit the FM-to-SEM calibration, or take over that of Odemis."""
    if from_odemis == (points is not None):
        raise InputError("give a CSV file of points, or --from-odemis")
    if points is None:
        return _from_odemis(config, measured_on, out, as_json)
    from rich.table import Table

    from service.cli.consoles import people, results
    from service.diagnostics import calibration

    pairs, fit, found = calibration.calibrate(points, _day(measured_on, points))
    if figure is not None:
        calibration.draw_calibration(figure, pairs, fit)
    if out is not None:
        _write(out, calibration.calibration_yaml(found))
    document = calibration.calibration_document(pairs, fit, found)
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
    results.print(calibration.calibration_yaml(found), end="")
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


def _from_odemis(config: str, measured_on: str | None, out: Path | None, as_json: bool) -> int:
    """Take over the fine alignment that the running Odemis keeps."""
    from config.loading import load
    from service.cli.consoles import results
    from service.diagnostics import odemis_alignment

    chosen = load(config)
    today = datetime.datetime.now(tz=datetime.UTC).date()
    day = today if measured_on is None else _given_day(measured_on)
    taken = odemis_alignment.take_over(odemis_alignment.ask_odemis(chosen), chosen, day)
    lines = odemis_alignment.as_yaml(taken)
    if out is not None:
        _write(out, lines)
    if as_json:
        print_json({"v": 1, **taken.settings, "beam_misfit_um": taken.beam_misfit_um})
        return 0
    results.print(lines, end="")
    tell(f"taken over from Odemis: {taken.alignment.says()}")
    if taken.beam_misfit_um > 0:
        misfit = f"{taken.beam_misfit_um:.2f} um"
        tell(f"electron images part from their plan by at most {misfit}, which the guard covers")
    if measured_on is None:
        tell("Odemis keeps no date of it; --measured-on sets the day on which it was measured")
    return 0


def _write(out: Path, lines: str) -> None:
    try:
        write_text(out, lines)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror}") from error


def _day(given: str | None, points: Path) -> datetime.date:
    if given is None:
        try:
            written_s = points.stat().st_mtime
        except OSError as error:
            raise InputError(f"{points}: cannot be read: {error.strerror}") from error
        return datetime.datetime.fromtimestamp(written_s, tz=datetime.UTC).date()
    return _given_day(given)


def _given_day(given: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(given)
    except ValueError:
        raise InputError(f"--measured-on must be a date like 2026-11-23, not {given!r}") from None
