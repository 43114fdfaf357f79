from dataclasses import replace
from pathlib import Path

from service.model.review import Verdict
from service.model.targets import LeftOut
from tests.service.store.stores import add_specimen, cell, new_store, record_cells, save_field


def test_only_cells_that_were_to_be_imaged_are_named_as_without_a_frame(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_specimen(store)
    save_field(store, "S0001/F000")
    edge, below, choice, drawn = (cell("S0001/F000", n) for n in range(1, 5))
    cells = [
        edge,
        replace(below, image_box_px=None, image_rect_m=None),
        choice,
        replace(drawn, verdict=Verdict.WITHDRAWN),
    ]
    record_cells(store, "S0001/F000", cells)
    store.targets.decide({choice.id: LeftOut.NOT_AMONG_BRIGHTEST}, {})
    reasons = {one.id: f"why {one.id}" for one in cells}
    store.queue.add_plan("S0001", [], reasons)
    assert store.targets.without_frame() == {edge.id: reasons[edge.id]}
    store.close()
