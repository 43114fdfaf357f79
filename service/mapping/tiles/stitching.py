"""The tiles of a folder, stitched to one overview that knows its place on the stage."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from config.model import Config
from drivers.pose import Pose
from service.errors import ImageError, InputError
from service.image_files.facts import Acquisition, LightChannel, LightPath
from service.image_files.saving import save_holder_overview
from service.mapping.tiles.folder import TileFolder
from service.mapping.tiles.mosaic import Floats, light_of, shrunk, stitched
from service.mapping.tiles.plan import Tile, TilePlan
from service.mapping.tiles.shifts import shift_between
from service.session.provenance import provenance_of
from service.stitching.placing.positions import Settled, Shift, settled
from service.store.database import utc_now

_MOST_FOR_LIGHT = 200
"""Tiles of which the light is taken. Chosen by hand."""
_FURTHEST_ERRORS = 4.0
"""Largest error of the distance of two tiles, in errors of a position. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Stitching:
    """Stitching of an overview.

    Attributes
    ----------
    tiles : int
        Tiles in the picture.
    missing : int
        Tiles that are not there: their ground is grey.
    neighbours : int
        Pairs of neighbouring tiles.
    measured : int
        Pairs whose overlap shows their distance.
    contradicted : int
        Measured pairs that the others contradict.
    rms_um : float
        Root mean square error of the other measured pairs after stitching, um.
    most_um : float
        Longest correction of a position, um.
    """

    tiles: int
    missing: int
    neighbours: int
    measured: int
    contradicted: int
    rms_um: float
    most_um: float


def stitch(config: Config, plan: TilePlan, folder: TileFolder) -> Stitching:
    """Stitch the tiles of a folder, and write picture and table.

    Raises
    ------
    InputError
        Raised when there is no tile.
    OSError, ImageError
        Raised when the picture cannot be written.
    """
    factor = max(1, math.floor(plan.pixel_size_m / config.fluorescence.pixel_size_m))
    there: list[Tile] = []
    poses: list[Pose] = []
    small: list[tuple[Floats, Pose]] = []
    for tile in plan.tiles:
        try:
            pixels, pose = folder.read(tile)
        except ImageError:
            continue
        there.append(tile)
        poses.append(pose)
        small.append(shrunk(pixels, pose, factor))
    if not there:
        raise InputError(f"{folder.path}: no tile could be taken, so there is no overview")
    pairs = _neighbours(there)
    error_m = config.stage.position_error_um * 1e-6
    furthest_m = _FURTHEST_ERRORS * error_m + 2 * config.fluorescence.pixel_size_m
    shifts = list(_shifts(folder, there, poses, pairs, plan.columns, furthest_m))
    found = settled(np.array([pose.center_m for pose in poses]), shifts, error_m)
    light = light_of([pixels for pixels, _ in small[:: math.ceil(len(small) / _MOST_FOR_LIGHT)]])
    moved = found.centers_m - np.array([pose.center_m for pose in poses])

    def placed() -> Iterator[tuple[Floats, Pose]]:
        for (pixels, pose), (dx, dy) in zip(small, moved, strict=True):
            x, y = pose.center_m
            yield pixels / light, replace(pose, center_m=(x + float(dx), y + float(dy)))

    picture = stitched(plan, placed())
    names = [tile.name for tile in there]
    at_m = [(float(x), float(y)) for x, y in found.centers_m]
    settled_m = {
        name: replace(pose, center_m=center) for name, pose, center in zip(names, poses, at_m, strict=True)
    }
    folder.write_table(plan, dict(zip(names, poses, strict=True)), settled_m)
    result = _figures(plan, found, len(there), len(pairs), float(np.hypot(*moved.T).max()))
    _write(config, plan, folder, picture, result)
    return result


def _neighbours(tiles: Sequence[Tile]) -> list[tuple[int, int]]:
    """Return the pairs of tiles beside and below each other."""
    at = {(tile.row, tile.column): n for n, tile in enumerate(tiles)}
    steps = ((0, 1), (1, 0))
    return [
        (n, at[tile.row + down, tile.column + right])
        for n, tile in enumerate(tiles)
        for down, right in steps
        if (tile.row + down, tile.column + right) in at
    ]


def _shifts(
    folder: TileFolder,
    tiles: Sequence[Tile],
    poses: Sequence[Pose],
    pairs: Sequence[tuple[int, int]],
    columns: int,
    furthest_m: float,
) -> Iterator[Shift]:
    # A row and the next are needed again and again; more would not fit into the memory.
    @lru_cache(maxsize=2 * columns + 2)
    def pixels(n: int) -> Floats:
        return folder.read(tiles[n])[0]

    for one, other in pairs:
        found = shift_between(
            (one, other), (pixels(one), pixels(other)), (poses[one], poses[other]), furthest_m
        )
        if found is not None:
            yield found


def _figures(plan: TilePlan, found: Settled, tiles: int, pairs: int, most_m: float) -> Stitching:
    good = found.residuals_m[found.agree]
    return Stitching(
        tiles=tiles,
        missing=len(plan.tiles) - tiles,
        neighbours=pairs,
        measured=len(found.residuals_m),
        contradicted=int((~found.agree).sum()),
        rms_um=float(np.sqrt((good**2).mean())) * 1e6 if len(good) else 0.0,
        most_um=most_m * 1e6,
    )


def _write(
    config: Config,
    plan: TilePlan,
    folder: TileFolder,
    picture: np.ndarray[tuple[int, ...], np.dtype[np.uint16]],
    result: Stitching,
) -> None:
    holder, (width, height) = config.holder, plan.size_px
    x0, _, _, y1 = plan.rect_m
    pixel_m = plan.pixel_size_m
    notes = {
        "light": holder.light,
        "wavelength_nm": holder.wavelength_nm,
        "dose_j_per_cm2": holder.dose_j_per_cm2,
        "tiles": result.tiles,
        "tiles_missing": result.missing,
    }
    channel = LightChannel(
        LightPath.of_holder(config),
        holder.wavelength_nm,
        holder.power_density_w_per_cm2,
        holder.em_gain,
        exposure_s=holder.exposure_s,
    )
    save_holder_overview(
        folder.picture,
        picture,
        (x0 + width * pixel_m / 2, y1 - height * pixel_m / 2),
        pixel_m,
        channel,
        Acquisition(utc_now(), provenance_of(config, None)),
        notes,
    )
