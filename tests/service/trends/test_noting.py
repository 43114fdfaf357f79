"""Numbers of sections, and the changes that become events, alarms and sentences."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from detection.image.hits import Decision
from service.model.images.trends import LIGHT_LEVELS, TREND, Quantity
from service.model.specimen import Cell, FieldCells
from service.store.store import Store
from service.trends.noting import note_fluorescence, trends_of
from service.watch.alarms import alarm_of
from service.words.events import event_words


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.create(tmp_path / "session.sqlite", "r", "", "dry-run", now_s=lambda: 0.0)
    yield made
    made.close()


def section(store: Store, n: int, light: float, cells: float | None = None) -> None:
    """Note a section of one small frame with five cells."""
    pixels = np.random.default_rng(n).poisson(light, (64, 64)).astype(np.uint16) + np.uint16(200)
    name = f"S{n:04d}"
    found = [
        Cell(
            id=f"{name}/F000/c{k}",
            field=f"{name}/F000",
            section=name,
            box_px=(0, 0, 9, 9),
            image_box_px=None,
            rect_m=(0, 0, 1e-6, 1e-6),
            image_rect_m=None,
            confidence=0.9,
            reason="",
            decision=Decision.KEPT,
            brightness_adu=(cells or 0.0) * (1 + 0.01 * k),
        )
        for k in range(5 if cells is not None else 0)
    ]
    note_fluorescence(store, name, [(pixels, 200.0)], [FieldCells(f"{name}/F000", tuple(found), 1.0)])


def test_light_that_dies_half_way_is_one_alarm_and_not_one_for_each_section(store: Store) -> None:
    for n in range(1, 21):
        section(store, n, 100 if n <= 10 else 50)
    (event,) = store.events.of(TREND)
    assert event.subject == Quantity.LIGHT
    assert (event.data["first"], event.data["latest"]) == ("S0001", "S0014")
    alarm = alarm_of(event, store)
    assert alarm is not None
    assert alarm.kind == "trend"
    assert alarm.what.startswith("The background of the fluorescence is 5")
    assert "weaker" in alarm.to_do
    said = event_words({"kind": TREND, "subject": event.subject, "data": event.data})
    assert said.endswith("% lower in the latest sections, up to S0014, than in the first, from S0001")


def test_a_second_fall_is_reported_again_by_another_process(store: Store, tmp_path: Path) -> None:
    for n in range(1, 17):
        section(store, n, 100 if n <= 8 else 60)
    store.close()
    again = Store.open(tmp_path / "session.sqlite")
    for n in range(17, 29):
        section(again, n, 30)
    first, second = again.events.of(TREND)
    assert (first.data["latest"], first.data["since"]) == ("S0012", "S0009")
    (last,) = trends_of(again)
    assert (last.first, last.latest) == ("S0009", "S0020")
    assert last.ratio == second.data["ratio"] == pytest.approx(0.5, abs=0.05)
    again.close()


def test_cells_that_get_brighter_are_no_alarm_and_those_that_fade_are(store: Store) -> None:
    for n in range(1, 31):
        section(store, n, 100, cells=100 * 1.03**n)
    assert not store.events.of(TREND)
    for n in range(31, 100):
        section(store, n, 100, cells=240 * 0.97 ** (n - 30))
    found = store.events.of(TREND)
    assert {one.subject for one in found} == {Quantity.CELLS}
    assert found[0].data["ratio"] < 0.5


def test_a_section_that_comes_again_counts_once(store: Store) -> None:
    for _ in range(3):
        section(store, 1, 100)
    assert len(store.events.of(LIGHT_LEVELS)) == 1
