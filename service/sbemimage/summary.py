"""Summary of what would be answered now, for a person who looks before the beam is on."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.sbemimage.answering import Look
from service.sbemimage.grids import grid_of
from service.sbemimage.placing import Placing
from service.words.sbemimage import said


def summary(look: Look, placing: Placing) -> dict[str, Any]:
    """Return the document of ``ilemtrack serve-sbemimage --check --json``."""
    tiles = look.session.template
    offered = {one.frame for one in look.answer.offers}
    frames = [one for one in look.work.frames if one.name in offered]
    grids = [grid_of(one.rect_m, placing, look.session.coordinates, tiles) for one in frames]
    planned_um2 = sum((x1 - x0) * (y1 - y0) * 1e12 for x0, y0, x1, y1 in (one.rect_m for one in frames))
    return {
        "v": 1,
        "verdict": look.answer.verdict.value,
        "detail": look.answer.detail,
        "frames": len(look.work.frames),
        "sections": len({one.section for one in look.work.frames}),
        "unfinished": list(look.work.unfinished),
        "offered": [one.frame for one in look.answer.offers],
        "tiles": sum(one.rows * one.columns for one in grids),
        "frames_of_several_tiles": sum(one.rows * one.columns > 1 for one in grids),
        "planned_um2": planned_um2,
        "exposed_um2": sum(one.ground_um2 for one in grids),
        "largest_um": [max((one.needed_um[axis] for one in grids), default=0.0) for axis in (0, 1)],
        "tile_um": list(tiles.size_um),
        "pixel_size_nm": tiles.pixel_size_nm,
        "dwell_us": tiles.dwell_us,
        "logs_seen": look.logs_seen,
        "margin_um": placing.margin_um,
        "commands": list(look.answer.commands),
    }


def summary_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that a person reads."""
    yield said(figures["verdict"], figures["detail"])
    yield f"{figures['frames']} frames of {figures['sections']} sections, {len(figures['offered'])} to offer"
    width, height = figures["tile_um"]
    dwell = "" if figures["dwell_us"] is None else f", dwell {figures['dwell_us']:g} us"
    yield (
        f"tiles of grid 0: {width:.2f} x {height:.2f} um, pixels of {figures['pixel_size_nm']:g} nm{dwell};"
        " pixels and dwell are SBEMimage's, not those of the plan"
    )
    if figures["planned_um2"]:
        yield (
            f"{figures['tiles']} tiles expose {figures['exposed_um2']:.0f} um2,"
            f" {figures['exposed_um2'] / figures['planned_um2']:.2f} times what is planned;"
            f" {figures['frames_of_several_tiles']} frames need several tiles"
        )
        yield "largest frame with its margin, along the tiles: {:.2f} x {:.2f} um".format(
            *figures["largest_um"]
        )
    if not figures["logs_seen"]:
        yield (
            "warning: SBEMimage's base directory is not seen from here, so each frame is offered once only,"
            " to its button Test as well; give --base-dir"
        )
