from collections.abc import Mapping
from typing import Any

import pytest

from service.session.progress import ANALYSIS, Progress
from service.watch.stall_monitor import StallMonitor


class Desk:
    """A stall monitor on clocks that are set by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.wall_s = 5e8
        self.seq = 0
        self.notes: list[tuple[str, Mapping[str, Any]]] = []
        self.lost = False
        self.progress = Progress(lambda: self.now_s)
        self.monitor = StallMonitor(
            self.progress,
            lambda kind, _, data: self.notes.append((kind, data)),
            lambda: self.seq,
            lambda: self.lost,
            monotonic_s=lambda: self.now_s,
            wall_s=lambda: self.wall_s,
        )

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.now_s += 1
            self.wall_s += 1
            self.monitor.look()

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.notes]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_step_that_takes_longer_than_its_estimate_allows_is_an_alarm_once(desk: Desk) -> None:
    desk.progress.begin("the scan of J000001", 100)
    desk.pass_time(1.5 * 100 + 60)
    assert not desk.notes
    desk.pass_time(30)
    assert desk.kinds() == ["stalled"]
    assert desk.notes[0][1]["step"] == "the scan of J000001"
    desk.progress.begin("work between two steps", 60)
    desk.pass_time(2)
    assert desk.kinds() == ["stalled", "stall_over"]


def test_waiting_for_a_person_is_no_stall(desk: Desk) -> None:
    desk.progress.rest()
    desk.pass_time(10_000)
    assert not desk.notes


def test_detection_comes_forward_with_its_events(desk: Desk) -> None:
    desk.progress.begin(ANALYSIS, 300, renewed_by_events=True)
    for _ in range(5):
        desk.pass_time(400)
        desk.seq += 1
    assert not desk.notes
    desk.pass_time(600)
    assert desk.kinds() == ["stalled"]


def test_time_in_which_the_program_could_not_run_is_no_stall(desk: Desk) -> None:
    desk.progress.begin("a move of the stage", 60)
    desk.pass_time(10)
    desk.now_s += 3600
    desk.wall_s += 3600
    desk.monitor.look()
    assert desk.kinds() == ["held_up"]
    desk.pass_time(100)
    assert desk.kinds() == ["held_up"]
    desk.pass_time(100)
    assert desk.kinds() == ["held_up", "stalled"]


@pytest.mark.parametrize("by_s", [-86_400.0, 7200.0])
def test_a_jump_of_the_wall_clock_is_noted_once(desk: Desk, by_s: float) -> None:
    desk.pass_time(3)
    desk.wall_s += by_s
    desk.pass_time(3)
    assert desk.kinds() == ["clock_jump"]
    assert desk.notes[0][1]["by_s"] == pytest.approx(by_s)


def test_a_watchdog_that_ended_is_an_event(desk: Desk) -> None:
    desk.lost = True
    desk.pass_time(1)
    assert desk.kinds() == ["watchdog_lost"]
