from collections.abc import Iterator
from pathlib import Path

import pytest

from config.model import Config
from drivers.stage import Stage
from service.acquisition.stage_moves import move_to
from service.errors import StageError
from service.model.work import Step
from service.session.setup import Setup
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")


class Watched:
    """A stage whose moves are noted."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.targets_um: list[tuple[float, float]] = []

    def move_to(self, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        self.targets_um.append((round(x_m * 1e6, 3), round(y_m * 1e6, 3)))
        return self._stage.move_to(x_m, y_m, timeout_s)

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


def test_moves_are_measured(moves: Moves) -> None:
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
