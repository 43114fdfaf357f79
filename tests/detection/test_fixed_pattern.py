import numpy as np

from detection.boxes import BoxPx
from detection.fixed_pattern import Evidence, fixed_boxes
from detection.rigid import Rigid
from detection.tracks import Place

DUST = BoxPx(40, 40, 60, 60)


def evidence(index: int, shift_um: float, *boxes: BoxPx, level: float = 30.0) -> Evidence:
    residual = np.zeros((200, 200), dtype=np.float32)
    residual[DUST.slices] = level
    return Evidence(Place(index, f"S{index:04d}", 1, Rigid(0.0, (shift_um, 0.0))), boxes, residual, 0.5)


def test_what_stays_while_the_specimen_moves_is_fixed() -> None:
    own, *others = [evidence(n, 15.0 * n, DUST) for n in range(4)]
    assert fixed_boxes(own, others) == (DUST,)


def test_one_other_section_is_not_enough() -> None:
    assert fixed_boxes(evidence(0, 0, DUST), [evidence(1, 15, DUST)]) == ()


def test_nothing_is_fixed_where_the_specimen_did_not_move() -> None:
    own, *others = [evidence(n, 0.5 * n, DUST) for n in range(6)]
    assert fixed_boxes(own, others) == ()


def test_a_cell_that_moves_with_the_specimen_is_none() -> None:
    # The second shows it at the same pixels by chance, and where the specimen has moved it.
    own = evidence(0, 0, DUST)
    others = [evidence(1, 15, DUST, BoxPx(10, 40, 30, 60)), evidence(2, 15, DUST), evidence(3, 30, DUST)]
    assert fixed_boxes(own, others) == ()


def test_a_real_cell_over_it_is_kept() -> None:
    others = [evidence(n, 15.0 * n, DUST) for n in range(1, 5)]
    brighter = evidence(0, 0, DUST, level=60.0)
    larger = evidence(0, 0, BoxPx(40, 40, 75, 75))
    assert fixed_boxes(brighter, others) == ()
    assert fixed_boxes(larger, others) == ()


def test_what_is_seen_in_few_of_many_sections_is_none() -> None:
    own = evidence(0, 0, DUST)
    others = [evidence(n, 15.0 * n, *([DUST] if n < 3 else [])) for n in range(1, 8)]
    assert fixed_boxes(own, others) == ()


def test_other_chains_say_nothing() -> None:
    own = evidence(0, 0, DUST)
    others = [
        Evidence(Place(n, "S", 2, Rigid(0.0, (15.0 * n, 0.0))), (DUST,), own.residual, 0.5) for n in (1, 2, 3)
    ]
    assert fixed_boxes(own, others) == ()
