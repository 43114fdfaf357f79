"""Take the optical overview of the holder, and print how it went."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from config.model import Config
from service.cli.live.holder.scanning import refuse_without_room, take
from service.cli.output import print_json, tell
from service.errors import InputError
from service.mapping.tiles.folder import TileFolder
from service.mapping.tiles.plan import TileCost, TilePlan, cost_of, plan_tiles
from service.mapping.tiles.taking import holder_light
from service.words.quantities import duration, size


def take_overview(
    config: str,
    out: Path | None,
    x_mm: tuple[float, float] | None,
    y_mm: tuple[float, float] | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Take an overview, or show what it would cost; return the exit status of the program."""
    from config.loading import load
    from service.mapping.tiles.stitching import stitch
    from service.session.folders.run_folder import alone

    chosen = load(config)
    plan = plan_tiles(chosen, x_mm, y_mm)
    if dry_run:
        document = _planned(chosen, plan, cost_of(chosen, plan))
        print_json({"v": 1} | document) if as_json else _tell_cost(chosen, plan, cost_of(chosen, plan))
        return 0
    if out is None:
        raise InputError("--out names the folder of the overview; --dry-run needs none")
    if chosen.beam_is_parked:
        raise InputError(
            "odemis.blanking: parked keeps the beam on beside the field, where the stage moves: an overview"
            " needs a beam that is blanked"
        )
    folder = TileFolder(out.absolute())
    with alone(chosen), folder.begun(chosen, plan):
        left = [tile for tile in plan.tiles if not folder.kept(tile)]
        cost = cost_of(chosen, plan, len(left))
        refuse_without_room(chosen, folder, cost)
        if len(left) < len(plan.tiles):
            tell(f"{len(plan.tiles) - len(left)} of {len(plan.tiles)} tiles are there already")
        if left:
            _tell_cost(chosen, plan, cost)
        missed, exposures = take(holder_light(chosen), folder, left) if left else ([], 0)
        stitching = stitch(chosen, plan, folder)
    for one in missed:
        tell(f"{one.tile.name}: {one.says}")
    tell(
        f"{folder.picture}: {stitching.tiles} tiles, {stitching.missing} missing; {stitching.measured} of"
        f" {stitching.neighbours} overlaps fit to {stitching.rms_um:.2g} um"
    )
    if as_json:
        print_json(
            {
                "v": 1,
                "overview": str(folder.picture),
                **_planned(chosen, plan, cost),
                "exposures": exposures,
                "stitching": asdict(stitching),
                "missed": [{"tile": one.tile.name, "reason": one.says} for one in missed],
            }
        )
    return int(stitching.missing > 0)


def _planned(config: Config, plan: TilePlan, cost: TileCost) -> dict[str, Any]:
    width_m, height_m = config.fluorescence.field_size_m
    return {
        "tiles": len(plan.tiles),
        "rows": plan.rows,
        "columns": plan.columns,
        "rect_um": [value * 1e6 for value in plan.rect_m],
        "tile_um": [width_m * 1e6, height_m * 1e6],
        "pixel_size_um": plan.pixel_size_m * 1e6,
        "size_px": list(plan.size_px),
        "light": {"kind": config.holder.light, "wavelength_nm": config.holder.wavelength_nm},
        "cost": asdict(cost),
    }


def _tell_cost(config: Config, plan: TilePlan, cost: TileCost) -> None:
    """Say what the overview takes before anything moves."""
    x0, y0, x1, y1 = (value * 1e3 for value in plan.rect_m)
    holder = config.holder
    tell(
        f"{len(plan.tiles)} tiles, {plan.columns} x {plan.rows}, over {x1 - x0:.4g} x {y1 - y0:.4g} mm: about"
        f" {duration(cost.time_s)}, {size(cost.data_bytes)}"
    )
    tell(
        f"{holder.light} light of {holder.wavelength_nm:g} nm: {cost.light_s:g} s and"
        f" {cost.dose_j_per_cm2:.3g} J/cm2 for each tile, at most {cost.most_dose_j_per_cm2:.3g} J/cm2 where"
        f" tiles overlap; {cost.of_a_frame:.2%} of the dose of a fluorescence frame for each"
    )
