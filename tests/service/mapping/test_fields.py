"""Fields cover the outline or the region of each section, and become a layout."""

import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon as Shape

from config.layout import ListedSection, field_centers_um
from service.errors import InputError
from service.mapping.fields import FieldGrid, carried, fields_over, layout_of
from service.mapping.values import MappedSection, Point, Polygon, SectionList, Unit, first_edge_deg
from tests.examples import examples

GRID = FieldGrid((100.0, 80.0), 10.0, 0.0)


def _rectangle(center: Point, width: float, height: float, turn_deg: float) -> Polygon:
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    half = (
        (-width / 2, height / 2),
        (width / 2, height / 2),
        (width / 2, -height / 2),
        (-width / 2, -height / 2),
    )
    return tuple((center[0] + x * cos - y * sin, center[1] + x * sin + y * cos) for x, y in half)


def _section(name: str, center: Point, turn_deg: float, regions: tuple[Polygon, ...] = ()) -> MappedSection:
    return MappedSection(name, center, turn_deg, _rectangle(center, 300, 200, turn_deg), regions)


def _covered(centers: tuple[Point, ...], size: tuple[float, float]) -> shapely.Geometry:
    w, h = size[0] / 2, size[1] / 2
    return shapely.union_all([shapely.box(x - w, y - h, x + w, y + h) for x, y in centers])


@examples(40)
@given(
    st.floats(20, 900),
    st.floats(20, 900),
    st.floats(-180, 180),
    st.floats(0, 50),
    st.sampled_from([0.0, 5.0, 60.0]),
)
def test_fields_cover_the_outline_and_its_margin(
    width: float, height: float, turn_deg: float, overlap: float, margin: float
) -> None:
    outline = _rectangle((1000.0, -500.0), width, height, turn_deg)
    grid = FieldGrid((100.0, 80.0), overlap, margin)
    centers = fields_over(outline, grid)
    ground = Shape(outline).buffer(margin, join_style="mitre")
    assert ground.difference(_covered(centers, grid.field_size_um)).area < 1e-6 * ground.area
    for x, y in centers:
        assert ground.intersects(shapely.box(x - 50, y - 40, x + 50, y + 40))


def test_no_more_fields_than_needed() -> None:
    assert len(fields_over(_rectangle((0, 0), 100, 80, 0), GRID)) == 1
    assert len(fields_over(_rectangle((0, 0), 190, 80, 0), GRID)) == 2
    assert len(fields_over(_rectangle((0, 0), 191, 80, 0), GRID)) == 3
    # Corners of the bounding box of a turned section stay out.
    turned = fields_over(_rectangle((0, 0), 800, 200, 30), GRID)
    assert len(turned) < 9 * 9


def test_rows_run_in_alternating_directions_from_the_top() -> None:
    centers = fields_over(_rectangle((0, 0), 190, 150, 0), GRID)
    assert centers == ((-45, 36), (45, 36), (45, -36), (-45, -36))


@pytest.mark.parametrize("unit", [Unit.UM, Unit.PX])
def test_a_region_is_carried_to_the_same_place_of_every_section(unit: Unit) -> None:
    drawn = _section("S0001", (0, 0), 0, (((10, 5), (60, 5), (60, 40), (10, 40)),))
    sign = 1 if unit is Unit.UM else -1  # counter-clockwise on the screen is clockwise in its numbers
    turned = MappedSection("S0002", (500, 100), 90.0)
    region = carried(SectionList(unit, (drawn, turned)), "S0001").sections[1].regions[0]
    assert region[0] == pytest.approx((500 - sign * 5, 100 + sign * 10))
    assert first_edge_deg(region, unit) == pytest.approx(first_edge_deg(drawn.regions[0], unit) + 90)


def test_regions_that_cannot_be_carried_are_refused() -> None:
    drawn, bare = _section("S0001", (0, 0), 0, (((0, 0), (1, 0), (1, 1)),)), _section("S0002", (900, 0), 0)
    unknown = MappedSection("S0003", (0, 900))
    with pytest.raises(InputError, match="no section S0009"):
        carried(SectionList(Unit.UM, (drawn,)), "S0009")
    with pytest.raises(InputError, match="S0002 has no regions"):
        carried(SectionList(Unit.UM, (drawn, bare)), "S0002")
    with pytest.raises(InputError, match="rotation of section S0003 is unknown"):
        carried(SectionList(Unit.UM, (drawn, unknown)), "S0001")
    with pytest.raises(InputError, match="S0002 has no region to cover"):
        layout_of(SectionList(Unit.UM, (drawn, bare)), GRID, True)


def test_a_list_becomes_a_layout_in_its_order() -> None:
    found = SectionList(Unit.UM, (_section("S0007", (0, 0), 10), _section("S0003", (1000, 0), -80)))
    layout = layout_of(found, GRID, False)
    assert [one.id for one in layout.sections] == ["S0007", "S0003"]
    first = layout.sections[0]
    assert first.angle_deg == 10
    assert first.outline_um is not None
    assert field_centers_um(first, (100, 80)) == first.field_centers_um
    assert Shape(first.outline_um).difference(_covered(first.field_centers_um or (), (100, 80))).area < 1


def test_a_section_without_outline_gets_one_field_at_its_centre() -> None:
    layout = layout_of(SectionList(Unit.UM, (MappedSection("S0001", (10, 20)),)), GRID, False)
    assert layout.sections == (ListedSection(id="S0001", center_um=(10, 20), field_centers_um=((10, 20),)),)


def test_too_many_fields_are_refused_in_one_sentence() -> None:
    huge = MappedSection("S0001", (0, 0), 0, _rectangle((0, 0), 1e5, 1e5, 0))
    with pytest.raises(InputError, match=r"section S0001 would need \d+ fields, more than 10000"):
        layout_of(SectionList(Unit.UM, (huge,)), GRID, False)
