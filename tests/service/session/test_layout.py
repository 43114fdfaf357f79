import math
from itertools import pairwise

import pytest

from config.model import Config
from service.errors import InputError
from service.model.specimen import Field, Section
from service.session.layout import outlines_of, refuse_overlap, sections_and_fields, visited

OUTLINE_UM = [[-60, -60], [60, -60], [60, 60], [-60, 60]]


def grid(sections: int, columns: int) -> Config:
    layout = {"kind": "grid", "sections": sections, "columns": columns, "pitch_um": 400}
    return Config.model_validate({"layout": layout})


def test_the_beam_visits_each_section_once_by_a_short_way() -> None:
    sections, _ = sections_and_fields(grid(12, 4))
    assert [s.index for s in sections] == list(range(12))
    assert sorted(s.visit for s in sections) == list(range(12))
    order = sorted(sections, key=lambda s: s.visit)
    way = sum(math.dist(a.center_m, b.center_m) for a, b in pairwise(order))
    # In the order of cutting the stage flies back twice, over three pitches each time.
    assert way == pytest.approx(11 * 400e-6)


def test_one_section_and_sections_on_one_spot_have_an_order_too() -> None:
    assert [s.visit for s in visited([Section("S0001", 0, (0.0, 0.0))])] == [0]
    same = [Section(f"S{n:04d}", n, (1e-3, 1e-3)) for n in range(4)]
    assert sorted(s.visit for s in visited(same)) == [0, 1, 2, 3]


def test_the_outline_of_a_listed_section_is_kept_in_metres() -> None:
    listed = [
        {"id": "S0001", "center_um": [0, 0], "outline_um": OUTLINE_UM},
        {"id": "S0002", "center_um": [800, 0]},
    ]
    config = Config.model_validate({"layout": {"kind": "list", "sections": listed}})
    (first, second), _ = sections_and_fields(config)
    assert first.outline_m is not None
    wanted = [v for point in OUTLINE_UM for v in point]
    assert [v * 1e6 for point in first.outline_m for v in point] == pytest.approx(wanted)
    assert second.outline_m is None


def test_outlines_of_recorded_sections_count_where_all_their_fields_show_some() -> None:
    listed = [
        {"id": "S0001", "center_um": [0, 0], "outline_um": OUTLINE_UM},
        {"id": "S0002", "center_um": [800, 0], "outline_um": [[x + 800, y] for x, y in OUTLINE_UM]},
    ]
    config = Config.model_validate({"layout": {"kind": "list", "sections": listed}})
    there, elsewhere = (-9e-5, -9e-5, 0.0, 0.0), (3e-4, 0.0, 4e-4, 1e-4)
    fields = [
        Field("S0001/F000", "S0001", 0, (-4.5e-5, -4.5e-5), there),
        Field("S0002/F000", "S0002", 0, (3.5e-4, 5e-5), elsewhere),
    ]
    assert set(outlines_of(config, fields)) == {"S0001"}
    assert outlines_of(grid(2, 2), fields) == {}


def test_the_fields_of_a_ribbon_may_overlap_and_those_without_outlines_may_not() -> None:
    beside = [[x, y - 120] for x, y in OUTLINE_UM]
    listed = [
        {"id": "S0001", "center_um": [0, 0], "fields": [2, 2], "outline_um": OUTLINE_UM},
        {"id": "S0002", "center_um": [0, -120], "fields": [2, 2], "outline_um": beside},
    ]
    config = Config.model_validate({"layout": {"kind": "list", "sections": listed}})
    _, fields = sections_and_fields(config)
    refuse_overlap(fields, outlines_of(config, fields))
    with pytest.raises(InputError, match="sections S0001 and S0002 overlap"):
        refuse_overlap(fields)
