"""The map from overview to stage: wrong landmarks are named, errors are honest, bad input gets a sentence."""

import math
from pathlib import Path

import numpy as np
import pytest

from service.errors import InputError
from service.mapping.landmarks import fit_landmarks, on_stage, read_landmarks
from service.mapping.stage_fit import fit_stage_map
from service.mapping.stage_map import Caution, Points, StageFit
from service.mapping.values import MappedSection, SectionList, Unit, first_edge_deg

UM_PER_PX = 5.0
PX = np.array([[100, 200], [4900, 300], [4700, 4800], [300, 4600], [2500, 2400], [1200, 3900.0]])


def _stage(px: Points, turn_deg: float = 30.0, shear: float = 0.0, mirrored: bool = False) -> Points:
    turn = math.radians(turn_deg)
    cos, sin = math.cos(turn), math.sin(turn)
    upright = np.diag([1, 1 if mirrored else -1]) @ np.array([[1, shear], [0, 1]])
    linear = UM_PER_PX * np.array([[cos, -sin], [sin, cos]]) @ upright
    return np.asarray(px @ linear.T + (1000.0, -2000.0))


def _fitted(px: Points, um: Points) -> StageFit:
    return fit_stage_map(px, um, tuple(f"L{n}" for n in range(len(px))))


@pytest.mark.parametrize("count", [2, 3, 4, 6])
def test_exact_landmarks_give_the_map(count: int) -> None:
    px = PX[:count]
    fit = _fitted(px, _stage(px))
    assert fit.model == "similarity"
    assert fit.wrong == ()
    assert fit.map.um_per_px == pytest.approx(UM_PER_PX)
    assert fit.map.rotated_deg(0) == pytest.approx(30)
    assert fit.map.to_stage(np.array([[7.0, 9.0]])) == pytest.approx(_stage(np.array([[7.0, 9.0]])))
    assert fit.rms_um == pytest.approx(0, abs=1e-6)
    assert (Caution.TWO_PAIRS in fit.cautions) == (count == 2)
    assert (fit.left_out_rms_um is None) == (count == 2)


@pytest.mark.parametrize(("count", "wrong"), [(4, [2]), (5, [0]), (6, [1, 4])])
def test_wrong_landmarks_are_named_and_left_out(count: int, wrong: list[int]) -> None:
    px = PX[:count]
    um = _stage(px)
    um[wrong] += np.array([[900.0, -400.0], [-300.0, 1200.0]])[: len(wrong)]
    fit = _fitted(px, um)
    assert fit.wrong == tuple(wrong)
    assert Caution.WRONG_PAIRS in fit.cautions
    assert fit.map.to_stage(px) == pytest.approx(_stage(px), abs=1e-6)


def test_the_error_left_out_is_that_of_the_next_landmark() -> None:
    rng = np.random.default_rng(3)
    fits = []
    for _ in range(20):
        um = _stage(PX) + rng.normal(0, 10, PX.shape)
        fits.append(_fitted(PX, um))
    rms = math.sqrt(np.mean([fit.rms_um**2 for fit in fits]))
    left_out = math.sqrt(np.mean([(fit.left_out_rms_um or math.nan) ** 2 for fit in fits]))
    # Twelve coordinates, four unknowns: residuals are smaller than the noise of 14 um, predictions larger.
    assert rms < 14.1 < left_out < 25


def test_a_sheared_overview_gets_an_affine_map() -> None:
    fit = _fitted(PX, _stage(PX, shear=0.02) + np.random.default_rng(1).normal(0, 2, PX.shape))
    assert fit.model == "affine"
    assert fit.wrong == ()
    assert fit.map.to_stage(PX) == pytest.approx(_stage(PX, shear=0.02), abs=6)


def test_a_mirrored_overview_is_recognised() -> None:
    fit = _fitted(PX, _stage(PX, mirrored=True))
    assert Caution.MIRRORED in fit.cautions
    assert fit.map.to_stage(PX) == pytest.approx(_stage(PX, mirrored=True), abs=1e-6)


def test_landmarks_on_a_line_give_a_similarity_with_a_caution() -> None:
    px = np.array([[0, 0], [1000, 1000], [3000, 3000.0]])
    fit = _fitted(px, _stage(px))
    assert fit.model == "similarity"
    assert fit.cautions == (Caution.ON_A_LINE,)


def test_landmarks_that_determine_no_map_are_refused() -> None:
    um, names = _stage(PX), tuple("abcdef")
    twice_px = PX.copy()
    twice_px[3] = twice_px[1]
    for said, px, stage, model in (
        ("there are no landmarks", PX[:0], um[:0], None),
        ("there is one landmark", PX[:1], um[:1], None),
        ("b and d have the same position in the overview", twice_px, um, None),
        ("a and b have the same position on the stage", PX[:2], um[[0, 0]], None),
        ("do not agree", PX[:3], um[[0, 2, 1]], None),
        ("on one line", PX[0] * np.array([[1], [2], [3.0]]), um[:3], "affine"),
        ("determine no affine map", PX[:2], um[:2], "affine"),
    ):
        with pytest.raises(InputError, match=said):
            fit_stage_map(px, stage, names[: len(px)], model)  # type: ignore[arg-type]


def test_sections_move_to_the_stage_with_outline_and_rotation() -> None:
    fit = _fitted(PX, _stage(PX))
    corners = ((100.0, 100.0), (200.0, 80.0), (210.0, 140.0), (110.0, 160.0))
    one = MappedSection("S0001", (155.0, 120.0), first_edge_deg(corners, Unit.PX), corners, (corners,))
    moved = on_stage(SectionList(Unit.PX, (one,)), fit.map)
    (there,) = moved.sections
    assert moved.unit is Unit.UM
    assert np.array(there.outline) == pytest.approx(_stage(np.array(corners)))
    assert there.regions == (there.outline,)
    assert there.outline is not None
    # The corners move on their own, the angle by the map: they must agree.
    assert there.rotation_deg == pytest.approx(first_edge_deg(there.outline, Unit.UM))


def test_landmarks_are_read_from_a_table_or_a_list(tmp_path: Path) -> None:
    rows = "\n".join(f"m{n},{x},{y},{u},{v}" for n, (x, y, u, v) in enumerate(np.hstack([PX, _stage(PX)])))
    table = tmp_path / "landmarks.csv"
    table.write_text(f"name,overview_x_px,overview_y_px,stage_x_um,stage_y_um\n{rows}\n")
    pairs = read_landmarks(table)
    assert [pair.id for pair in pairs] == [f"m{n}" for n in range(6)]
    assert fit_landmarks(pairs, table).map.rotated_deg(0) == pytest.approx(30)
    table.write_text("overview_x_px,overview_y_px,stage_x_um\n")
    with pytest.raises(InputError, match="has no column stage_y_um"):
        read_landmarks(table)
    listed = tmp_path / "list.yaml"
    text = "sections: [{id: 1, center_px: [0, 0]}]\nlandmarks:\n- {id: a, overview_px: [1, 2]}\n"
    listed.write_text(text)
    with pytest.raises(InputError, match="landmark a has no stage_um"):
        read_landmarks(listed)
