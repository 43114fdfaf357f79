from collections.abc import Iterator
from pathlib import Path

import pytest

from config.model import Config
from drivers.errors import DriverError
from drivers.stage import Stage
from service.acquisition.stage_moves import move_to
from service.errors import StageError
from service.model.work import Step
from service.session.progress import Progress
from service.session.setup import Setup
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")


class Watched:
    """A stage whose moves are noted."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.targets_um: list[tuple[float, float]] = []
        self.troubles: list[float | DriverError] = []
        """For each of the next moves its error, m, or how it fails."""

    def move_to(self, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        self.targets_um.append((round(x_m * 1e6, 3), round(y_m * 1e6, 3)))
        found = self._stage.move_to(x_m, y_m, timeout_s)
        trouble = self.troubles.pop(0) if self.troubles else 0.0
        if isinstance(trouble, DriverError):
            raise trouble
        return found[0] + trouble, found[1]

    def position(self) -> tuple[float, float]:
        return self._stage.position()

    def stop(self) -> None:
        self._stage.stop()


class Moves:
    """A session that is not run, to move its stage."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.session = Session(folder, config, self._watch)
        self.context = self.session.context

    def _watch(self, setup: Setup) -> Setup:
        from dataclasses import replace

        self.stage = Watched(setup.devices.stage)
        return replace(setup, devices=replace(setup.devices, stage=self.stage))


@pytest.fixture
def moves(tmp_path: Path) -> Iterator[Moves]:
    made = Moves(tmp_path / "run", small_config(stage={"approach_um": [-5, -3]}))
    yield made
    made.session.store.close()
    made.session.analysis.close()


def test_every_position_is_approached_from_the_same_side(moves: Moves) -> None:
    for target in ((1e-4, 1e-4), (0.0, 0.0), (1e-4, -1e-4)):
        assert move_to(moves.context, target) == pytest.approx(target)
    assert moves.stage.targets_um == [
        (95, 97), (100, 100),
        (-5, -3), (0, 0),
        (95, -103), (100, -100),
    ]  # fmt: skip


def test_the_approach_stays_inside_the_safe_area(moves: Moves) -> None:
    low_m = moves.context.config.stage.safe_x_mm[0] * 1e-3
    move_to(moves.context, (low_m + 2e-6, 0.0))
    assert moves.stage.targets_um[0] == (round(low_m * 1e6, 3), -3)


def test_a_stage_that_stands_there_stays_until_somebody_moves_it(moves: Moves) -> None:
    first = move_to(moves.context, (1e-4, 0.0))
    assert move_to(moves.context, (1e-4, 0.0)) == first
    assert len(moves.stage.targets_um) == 2
    moves.stage.move_to(1.03e-4, 0.0, 60)
    move_to(moves.context, (1e-4, 0.0))
    assert len(moves.stage.targets_um) == 5


def test_a_move_that_failed_does_not_count_as_standing_there(moves: Moves) -> None:
    move_to(moves.context, (1e-4, 0.0))
    with pytest.raises(StageError, match="outside the safe area"):
        move_to(moves.context, (1.0, 0.0))
    moves.context.last_move.target_m = None
    move_to(moves.context, (1e-4, 0.0))
    assert len(moves.stage.targets_um) == 4


@pytest.fixture
def straight(tmp_path: Path) -> Iterator[Moves]:
    """Without an approach; a stage may end 3 um from its target, and is tried three times."""
    made = Moves(tmp_path / "run", small_config(stage={"arrival_tolerance_um": 3}, session={"retries": 2}))
    yield made
    made.session.store.close()
    made.session.analysis.close()


@pytest.mark.parametrize("trouble", [3.1e-6, -1e-3, float("nan"), DriverError("no answer")])
def test_a_stage_that_does_not_arrive_is_tried_again_and_then_named(
    straight: Moves, trouble: float | DriverError
) -> None:
    straight.stage.troubles = [trouble] * 2
    assert move_to(straight.context, (1e-4, 0.0)) == pytest.approx((1e-4, 0.0))
    assert straight.stage.targets_um == [(100, 0)] * 3
    straight.stage.troubles = [trouble] * 3
    with pytest.raises((StageError, DriverError)) as failed:
        move_to(straight.context, (-1e-4, 0.0))
    expected = "no answer"
    if isinstance(trouble, float):
        expected = f"the stage ended {abs(trouble) * 1e6:.1f} um from its target, more than allowed"
    assert str(failed.value) == expected
    # It stands nowhere then: the next move is made, wherever it leads.
    straight.stage.targets_um.clear()
    move_to(straight.context, (-1e-4, 0.0))
    assert straight.stage.targets_um == [(-100, 0)]


def test_a_stage_may_end_beside_its_target_within_the_tolerance(straight: Moves) -> None:
    straight.stage.troubles = [2.9e-6]
    assert move_to(straight.context, (1e-4, 0.0)) == pytest.approx((1.029e-4, 0.0))
    assert straight.stage.targets_um == [(100, 0)]


def test_nothing_moves_towards_a_target_outside_the_safe_area(straight: Moves) -> None:
    (x0, y0, x1, y1) = straight.context.stage_frame.safe_area_m
    for target in ((x0 - 1e-6, 0.0), (x1 + 1e-6, 0.0), (0.0, y0 - 1e-6), (0.0, y1 + 1e-6)):
        with pytest.raises(StageError) as refused:
            move_to(straight.context, target)
        said = f"({target[0] * 1e3:.4f}, {target[1] * 1e3:.4f}) mm is outside the safe area of the stage"
        assert str(refused.value) == said
    assert straight.stage.targets_um == []


@pytest.mark.parametrize(("approach_um", "travels"), [((0, 0), 1), ((-5, 0), 2), ((0, -3), 2)])
def test_a_move_has_the_time_of_its_travels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, approach_um: tuple[float, float], travels: int
) -> None:
    stage = {"approach_um": approach_um, "move_timeout_s": 40, "settle_s": 2}
    moves = Moves(tmp_path / "run", small_config(stage=stage))
    given: list[tuple[str, float]] = []
    plain = Progress.begin

    def noted(self: Progress, what: str, estimate_s: float) -> None:
        given.append((what, estimate_s))
        plain(self, what, estimate_s)

    monkeypatch.setattr(Progress, "begin", noted)
    move_to(moves.context, (1e-4, 0.0))
    what, seconds = given[0]
    assert what == "a move of the stage"
    assert seconds == 2 + 40 * travels
    moves.session.store.close()
    moves.session.analysis.close()


def test_moves_are_measured(moves: Moves) -> None:
    moves.context.clock.sleep(7.0)
    begun_s = moves.context.clock.now_s()
    move_to(moves.context, (1e-4, 0.0))
    move_to(moves.context, (1e-4, 0.0))
    assert moves.session.store.durations.latest(Step.MOVE) == (moves.context.clock.now_s() - begun_s,)


def test_without_an_approach_the_stage_goes_straight_there(tmp_path: Path) -> None:
    straight = Moves(tmp_path / "run", small_config())
    move_to(straight.context, (1e-4, 0.0))
    assert straight.stage.targets_um == [(100, 0)]
    straight.session.store.close()
    straight.session.analysis.close()
