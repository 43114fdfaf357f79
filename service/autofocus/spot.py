"""Where in a section the beam may focus: on saved ground that neither cells nor later frames need."""

from collections.abc import Sequence

import numpy as np
import shapely

from config.model import Config
from drivers.pose import RectM
from planner.checks import outline_polygon
from planner.focus_spot import focus_spot
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import grown
from service.model.jobs import Job
from service.model.specimen import Cell, Field, Section
from service.session.stage_frame import fm_to_sem, reach_m, safe_area_m

SPOT_PX = 256
"""Width and height of a spot, where the machine scans any size."""


def spot_px(config: Config) -> tuple[int, int]:
    """Width and height of the scan of a focus, px: the smallest preset where the machine has only those."""
    if config.sem.presets_px:
        return min(config.sem.presets_px, key=lambda size: (size[0] * size[1], size))
    width, height = config.sem.specimen_px
    return min(SPOT_PX, width), min(SPOT_PX, height)


def choose_spot(
    config: Config,
    section: Section,
    fields: Sequence[Field],
    pending: Sequence[Field],
    cells: Sequence[Cell],
    jobs: Sequence[Job],
) -> RectM | None:
    """Choose the ground on which the beam focuses for a section; None where there is none to spare.

    The spot, grown by guard, halo and what the calibration turns, lies on ground of this section whose
    fluorescence is saved, clear of its cells, doubtful ones too, and of all its frames, and clear of
    fluorescence still to be taken in any section, wherever the stage may stand for that. Of a field that
    failed nothing is saved. The spot lies inside the outline, where there is one, and where the stage may go.

    Parameters
    ----------
    config : Config
    section : Section
    fields : sequence of Field
        Of the section.
    pending : sequence of Field
        Of all sections, whose fluorescence is still to be taken.
    cells, jobs : sequence
        Of the section.
    """
    saved = [field.rect_m for field in fields if field.image is not None]
    error_m = config.stage.position_error_um * 1e-6
    unsaved = [grown(field.rect_m, error_m) for field in pending]
    keep_off = [cell.rect_m for cell in cells]
    keep_off += [cell.image_rect_m for cell in cells if cell.image_rect_m is not None]
    keep_off += [job.rect_m for job in jobs]
    size_m = tuple(side * config.sem.pixel_size_m for side in spot_px(config))
    ground = Ground(saved, reach_m(config), unsaved, _inside(config, section))
    return focus_spot(ground, saved, keep_off, (size_m[0], size_m[1]))


def _inside(config: Config, section: Section) -> shapely.Geometry:
    """Where a spot may lie at all, as fluorescence sees it."""
    x0, y0, x1, y1 = safe_area_m(config)
    corners = fm_to_sem(config).to_fm(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
    area = shapely.Polygon(corners)
    return area if section.outline_m is None else area.intersection(outline_polygon(section.outline_m))
