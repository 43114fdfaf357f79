"""A simulated holder: its overview, the sections found in it, and where they truly lie."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.layout import ListedSection, ListLayout
from config.model import Config
from detection.overview.find import find_sections
from service import wording_mapping
from service.errors import InputError
from service.mapping.fields import FieldGrid, layout_of
from service.mapping.landmarks import on_stage, positions_of
from service.mapping.lists.checks import ordered
from service.mapping.order.ribbons import order_ribbons
from service.mapping.overview.document import list_of, section_id
from service.mapping.own_ground import with_own_ground
from service.mapping.session_layout import with_sections
from service.mapping.stage_fit import fit_stage_map
from service.mapping.stage_map import StageMap
from service.mapping.values import MappedSection, PointPair, SectionList, Unit
from service.pictures.holder.overview import draw_overview_sections
from service.report.found_sections import matches
from simulators.overview.picture import draw_overview
from simulators.overview.placing import place_array
from simulators.overview.values import ArraySettings, PictureSettings, SectionArray

SECTIONS = 6
"""Sections of a simulated holder unless a number is given; their common shape is learned from so many."""
MOST_SECTIONS = 1000
_WIDTH_PX, _HEIGHT_PX = 60.0, 45.0
"""Size of a section in the overview; its width is that of one field. Chosen by hand."""
_RIBBON = (2, 6)
_GAP_SHARE = 0.15
"""Gap between the sections of a ribbon: few sections without gaps do not teach their common shape."""
_MARGIN_PX = 3.0
"""Reach of the fields beyond the outline, several times the error of outlines. Chosen by hand."""
_OVERLAP_PERCENT = 10.0


@dataclass(frozen=True, slots=True)
class SimulatedHolder:
    """A session on a simulated holder.

    Attributes
    ----------
    config : Config
        Its layout is what was found; the true one is in ``simulator.layout``.
    picture : (rows, columns, 3) array of uint8
        Overview with the outlines found.
    """

    config: Config
    picture: NDArray[np.uint8]


def simulated_holder(config: Config, sections: int = SECTIONS, accept_doubt: bool = False) -> SimulatedHolder:
    """Draw the overview of a simulated holder, and prepare a session on the sections found in it.

    They are found, taken to the stage by landmarks, put into order along their ribbons and given fields.

    Parameters
    ----------
    config : Config
        Its seed of the specimen decides where the sections lie.
    sections : int
        Sections that were cut, 1 to 1000.
    accept_doubt : bool
        Go on with the outlines even if their shape is doubtful.

    Raises
    ------
    InputError
        Raised when nothing is found, the shape is doubtful, or the holder does not fit into the safe
        area of the stage.
    """
    specimen = config.simulator.specimen
    field_um = tuple(size_m * 1e6 for size_m in config.fluorescence.field_size_m)
    um_per_px = field_um[0] / _WIDTH_PX
    array = place_array(
        ArraySettings(
            sections=sections,
            arrangement="ribbons",
            ribbon_sections=_RIBBON,
            gap_share=_GAP_SHARE,
            width_px=_WIDTH_PX,
            height_px=_HEIGHT_PX,
            damaged_share=0.0,
            missing_share=0.0,
            um_per_px=um_per_px,
            seed=specimen.seed,
        )
    )
    image = draw_overview(array, PictureSettings(seed=specimen.seed)).image
    found = find_sections(image)
    if found.nothing is not None:
        raise InputError(f"the simulated overview: {wording_mapping.nothing_says(found.nothing)}")
    if found.shape_doubt is not None and not accept_doubt:
        raise InputError(
            "the simulated overview: the shape of its sections is doubtful:"
            f" {wording_mapping.shape_doubt_is(found.shape_doubt)}; --accept-doubt goes on with it"
        )
    pairs = tuple(
        PointPair(f"L{n}", mark.position_px, (mark.stage_m[0] * 1e6, mark.stage_m[1] * 1e6))
        for n, mark in enumerate(array.landmarks, start=1)
    )
    fit = fit_stage_map(*positions_of(pairs), tuple(pair.id for pair in pairs))
    listed = list_of(found, pairs)
    listed = ordered(listed, order_ribbons(listed, True).ids)
    grid = FieldGrid((field_um[0], field_um[1]), _OVERLAP_PERCENT, _MARGIN_PX * um_per_px)
    own, _ = with_own_ground(on_stage(listed, fit.map))
    layout = layout_of(own, grid, False)
    true = _named(layout_of(_truth(array), grid, False), layout)
    # The overview shows where the sections lie, so they are scattered no further.
    still = specimen.model_copy(update={"section_shift_um": 0.0, "section_rotation_deg": 0.0})
    simulator = config.simulator.model_copy(update={"specimen": still, "layout": true})
    return SimulatedHolder(
        with_sections(config.model_copy(update={"simulator": simulator}), layout, grid.margin_um),
        draw_overview_sections(image, found),
    )


def _truth(array: SectionArray) -> SectionList:
    """Return the true sections in the order of cutting, stage um."""
    sections = tuple(
        MappedSection(
            section_id(one.cut + 1),
            (float(one.center_px[0]), float(one.center_px[1])),
            one.rotation_deg,
            tuple((float(x), float(y)) for x, y in one.polygon_px),
        )
        for one in array.sections
    )
    matrix = array.stage_of_px * 1e6
    return on_stage(SectionList(Unit.PX, sections, True), StageMap(matrix[:, :2], matrix[:, 2]))


def _named(true: ListLayout, found: ListLayout) -> ListLayout:
    """Return the true sections with the ids of those that were found; the others get new ids."""
    ids = {there: here for here, (there, _) in matches(found, true).items()}
    numbers = iter(range(len(found.sections) + 1, len(found.sections) + len(true.sections) + 1))

    def named(one: ListedSection) -> ListedSection:
        return one.model_copy(update={"id": ids.get(one.id) or section_id(next(numbers))})

    return true.model_copy(update={"sections": tuple(map(named, true.sections))})
