"""Tiles over a rectangle of the holder, and the time and light that they take."""

import math
from dataclasses import dataclass

import numpy as np

from config.model import Config
from drivers.pose import RectM
from service.acquisition.holder.tile_focus import EVERY_M
from service.autofocus.search_plan import MOVE_S, STEPS
from service.errors import InputError

MOST_TILES = 20_000
"""More would take days. Chosen by hand."""
LONGEST_PX = 10_000
"""Longest side of the stitched overview: stitching takes 1.2 GB of memory then. Chosen by hand."""
READOUT_S = 0.1
"""Estimated time to read a frame and switch the light. Chosen by hand; not measured."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: its name, its place in the grid, and the stage position of its centre, m."""

    name: str
    row: int
    column: int
    center_m: tuple[float, float]


@dataclass(frozen=True, slots=True)
class TilePlan:
    """The tiles of an overview.

    Attributes
    ----------
    rect_m : RectM
        Ground that they cover, m.
    rows, columns : int
    tiles : tuple of Tile
        In the order in which they are taken: row by row from the top, in alternating directions.
    pixel_size_m : float
        Of the stitched overview.
    """

    rect_m: RectM
    rows: int
    columns: int
    tiles: tuple[Tile, ...]
    pixel_size_m: float

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the stitched overview, px."""
        x0, y0, x1, y1 = self.rect_m
        return _whole((x1 - x0) / self.pixel_size_m), _whole((y1 - y0) / self.pixel_size_m)


@dataclass(frozen=True, slots=True)
class TileCost:
    """Cost of an overview.

    Attributes
    ----------
    time_s : float
    light_s : float
        Time under light of each tile, s.
    dose_j_per_cm2 : float
        Light dose of each tile.
    most_dose_j_per_cm2 : float
        Of the ground with most light: four tiles overlap there, and the objective was focused.
    of_a_frame : float
        Dose of a tile as a share of that of one fluorescence frame, whatever the wavelengths.
    data_bytes : int
    """

    time_s: float
    light_s: float
    dose_j_per_cm2: float
    most_dose_j_per_cm2: float
    of_a_frame: float
    data_bytes: int


def plan_tiles(
    config: Config, x_mm: tuple[float, float] | None, y_mm: tuple[float, float] | None
) -> TilePlan:
    """Return the tiles over a rectangle, or over the safe area of the stage.

    Parameters
    ----------
    config : Config
    x_mm, y_mm : (float, float) or None
        Ground to be shown, mm; None: the safe area.

    Raises
    ------
    InputError
        Raised when the rectangle leaves the safe area, or needs too many tiles.
    """
    spans = []
    for name, wanted, safe in (
        ("--x-mm", x_mm, config.stage.safe_x_mm),
        ("--y-mm", y_mm, config.stage.safe_y_mm),
    ):
        low, high = wanted or safe
        if not low < high:
            raise InputError(f"{name} must be two growing numbers, not {low:g} {high:g}")
        if not (safe[0] <= low and high <= safe[1]):
            raise InputError(
                f"{name} {low:g} {high:g} leaves the safe area of the stage, {safe[0]:g} to {safe[1]:g} mm"
            )
        spans.append((low * 1e-3, high * 1e-3))
    (x0, x1), (y0, y1) = spans
    share = 1 - config.holder.overlap_percent / 100
    width_m, height_m = _upright_m(config)
    xs, ys = _centers(x0, x1, width_m, share), _centers(y0, y1, height_m, share)
    count = len(xs) * len(ys)
    if count > MOST_TILES:
        raise InputError(
            f"the overview would take {count} tiles, more than {MOST_TILES}: name less ground with --x-mm and"
            " --y-mm, or use an objective of lower magnification"
        )
    tiles: list[Tile] = []
    for row, y in enumerate(reversed(ys)):
        columns = list(enumerate(xs))
        for column, x in columns if row % 2 == 0 else reversed(columns):
            tiles.append(Tile(f"T{len(tiles):05d}", row, column, (x, y)))
    pixel_m = max(config.holder.pixel_size_um * 1e-6, max(x1 - x0, y1 - y0) / LONGEST_PX)
    pixel_m = max(pixel_m, config.fluorescence.pixel_size_m)
    return TilePlan((x0, y0, x1, y1), len(ys), len(xs), tuple(tiles), pixel_m)


def cost_of(config: Config, plan: TilePlan, left: int | None = None) -> TileCost:
    """Return the cost of the tiles of a plan, or of the `left` ones that are still to be taken."""
    holder, stage, fluorescence = config.holder, config.stage, config.fluorescence
    count = len(plan.tiles) if left is None else left
    step_m = min(fluorescence.field_size_m) * (1 - holder.overlap_percent / 100)
    approach_s = stage.approach_s if stage.approach_um != (0.0, 0.0) else 0.0
    travel_s = step_m * 1e3 / stage.speed_mm_per_s + approach_s + stage.settle_s
    each_s = travel_s + holder.exposure_s + READOUT_S
    x0, y0, x1, y1 = plan.rect_m
    searches = 0
    if fluorescence.autofocus_um > 0:
        searches = math.ceil((x1 - x0) / EVERY_M) * math.ceil((y1 - y0) / EVERY_M)
        searches = math.ceil(searches * count / len(plan.tiles))
    search_s = STEPS * (holder.exposure_s + READOUT_S + MOVE_S)
    dose = holder.dose_j_per_cm2
    width, height = fluorescence.frame_px
    frame_dose = fluorescence.power_density_w_per_cm2 * fluorescence.exposure_s
    return TileCost(
        time_s=count * each_s + searches * search_s,
        light_s=holder.exposure_s,
        dose_j_per_cm2=dose,
        most_dose_j_per_cm2=dose * (4 + (STEPS if searches else 0)),
        of_a_frame=dose / frame_dose,
        data_bytes=2 * count * width * height + 2 * plan.size_px[0] * plan.size_px[1],
    )


def _upright_m(config: Config) -> tuple[float, float]:
    """Return the size of the upright rectangle that each tile surely shows, whose camera may be turned."""
    width_m, height_m = config.fluorescence.field_size_m
    turn = abs(math.sin(config.odemis.camera_rotation_mrad * 1e-3)) if config.driver == "odemis" else 0.0
    return width_m - turn * height_m, height_m - turn * width_m


def _centers(low: float, high: float, size: float, share: float) -> list[float]:
    """Return the centres of the fewest tiles from low to high that overlap enough."""
    if high - low <= size:
        return [(low + high) / 2]
    count = 1 + math.ceil((high - low - size) / (size * share) - 1e-9)
    return [float(value) for value in np.linspace(low + size / 2, high - size / 2, count)]


def _whole(pixels: float) -> int:
    """Round up, but not for a rounding error."""
    return math.ceil(pixels - 1e-6)
