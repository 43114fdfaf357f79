"""Ground that two sections share goes to one of them."""

from shapely import Polygon as Shape

from service.mapping.own_ground import with_own_ground
from service.mapping.values import MappedSection, SectionList, Unit


def _square(name: str, x: float, side: float = 100.0) -> MappedSection:
    corners = ((x, 0.0), (x + side, 0.0), (x + side, side), (x, side))
    return MappedSection(name, (x + side / 2, side / 2), 0.0, corners)


def test_the_first_of_two_overlapping_sections_keeps_the_common_ground() -> None:
    found, pairs = with_own_ground(SectionList(Unit.UM, (_square("S0002", 0), _square("S0001", 80))))
    assert pairs == (("S0002", "S0001"),)
    keeps, loses = (Shape(one.outline) for one in found.sections)
    assert keeps.area == 100 * 100
    assert 79.9 * 100 < loses.area <= 80 * 100
    assert keeps.intersection(loses).area == 0


def test_sections_that_touch_or_have_no_outline_stay_as_they_are() -> None:
    whole = SectionList(Unit.UM, (_square("S0001", 0), _square("S0002", 100), MappedSection("S0003", (5, 5))))
    assert with_own_ground(whole) == (whole, ())


def test_a_section_below_another_one_keeps_its_outline() -> None:
    whole = SectionList(Unit.UM, (_square("S0001", 0), _square("S0002", 10, 20.0)))
    found, pairs = with_own_ground(whole)
    assert pairs == (("S0001", "S0002"),)
    assert found == whole
