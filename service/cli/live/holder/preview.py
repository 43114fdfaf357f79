"""Choose the fields that hold cells by their previews, and print which are left out."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from config.model import Config
from drivers.microscope import Microscope
from service.cli.live.holder.scanning import refuse_without_room, take
from service.cli.output import print_json, tell
from service.errors import InputError, SessionFaultError, VacuumError
from service.mapping.tiles.folder import TileFolder
from service.mapping.tiles.plan import cost_of
from service.store.durable import write_text
from service.words.quantities import duration, size

_MOST_LISTED = 20
"""Fields left out that are printed."""


def choose_fields(
    config: str, out: Path | None, exposure_percent: float, dry_run: bool, as_json: bool
) -> int:
    """Preview the fields and choose those that hold cells; return the exit status of the program."""
    from config.documents.comments import commented
    from config.loading import load
    from detection.image_quality.presence import Holds, cells_in
    from service.mapping.previews import preview_light, preview_plan, with_cells
    from service.session.folders.run_folder import alone

    chosen = load(config)
    lit = preview_light(chosen, exposure_percent / 100)
    plan = preview_plan(chosen)
    if out is None and not dry_run:
        raise InputError("--out names the folder of the preview; --dry-run needs none")
    if chosen.beam_is_parked:
        raise InputError("odemis.blanking: parked: a preview needs a beam that is blanked")
    cost = cost_of(lit, plan)
    document: dict[str, Any] = {"v": 1, "fields": len(plan.tiles), "cost": asdict(cost)}
    tell(
        f"{len(plan.tiles)} previews: about {duration(cost.time_s)}, {size(cost.data_bytes)};"
        f" {cost.light_s:g} s of light and {cost.dose_j_per_cm2:.3g} J/cm2 for each field, which bleaches as"
        f" {cost.of_a_frame:.0%} of a fluorescence frame does"
    )
    if out is None or dry_run:
        if as_json:
            print_json(document)
        return 0
    folder = TileFolder(out.absolute())
    with alone(chosen), folder.begun(lit, plan):
        left = [tile for tile in plan.tiles if not folder.kept(tile)]
        refuse_without_room(lit, folder, cost)
        missed, exposures = take(lit, folder, left, _to_vapour, _require_vapour) if left else ([], 0)
        there = [tile for tile in plan.tiles if folder.kept(tile)]
        pixel_um = chosen.fluorescence.pixel_size_m * 1e6
        found = cells_in([folder.read(tile)[0] for tile in there], pixel_um)
        seen = {tile.name: one for tile, one in zip(there, found, strict=True)}
        result = with_cells(chosen, seen)
        written = folder.path / "config.yaml"
        write_text(written, commented(result.config))
    rows = [
        {
            "field": name,
            "center_um": list(center),
            "score": round(seen[name].score, 2),
            "size_um": seen[name].size_um,
            "at_px": list(seen[name].at_px),
        }
        for name, center in result.left_out
    ]
    perhaps = sum(one.holds is Holds.PERHAPS for one in found)
    for row in rows[:_MOST_LISTED]:
        tell(f"left out: {row['field']}, brightest spot {row['score']:g} times the noise")
    if len(rows) > _MOST_LISTED:
        tell(f"and {len(rows) - _MOST_LISTED} more; --json lists all")
    for one in missed:
        tell(f"{one.tile.name} has no preview and stays: {one.says}")
    tell(
        f"{written}: {len(plan.tiles) - len(rows)} of {len(plan.tiles)} fields, {perhaps} of them in doubt,"
        f" {len(result.spared)} only since their section would have none"
    )
    if as_json:
        document |= {
            "config": str(written),
            "exposures": exposures,
            "kept": len(plan.tiles) - len(rows),
            "in_doubt": perhaps,
            "spared": list(result.spared),
            "left_out": rows,
            "missed": [{"field": one.tile.name, "reason": one.says} for one in missed],
        }
        print_json(document)
    return int(bool(missed))


def _to_vapour(config: Config, devices: Microscope) -> None:
    """Bring the chamber to the pressure of fluorescence: without it cells are dim, and missed."""
    from drivers.chamber import VacuumState
    from service.acquisition.vacuum import problem, pump_to

    if devices.chamber_by_hand is None:
        try:
            pump_to(devices.chamber, VacuumState.PARTIAL, config.chamber)
        except VacuumError as error:
            raise SessionFaultError(f"no preview: {error}") from error
        return
    wrong = problem(devices.chamber, VacuumState.PARTIAL, config.chamber)
    if wrong is not None:
        raise InputError(f"no preview: {wrong}; bring the chamber there by hand, and start again")


def _require_vapour(config: Config, devices: Microscope) -> None:
    from drivers.chamber import VacuumState
    from service.acquisition.vacuum import lost

    wrong = lost(devices.chamber, VacuumState.PARTIAL, config.chamber)
    if wrong is not None:
        raise SessionFaultError(f"no preview: {wrong}")
