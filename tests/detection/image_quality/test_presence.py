"""Fields that hold cells, by previews of low exposure."""

import numpy as np
import pytest

from detection.image_quality.presence import Holds, cells_in

PIXEL_UM = 0.4
SIDE = 160


def _preview(seed: int, spots: tuple[tuple[float, float, float, float], ...] = ()) -> np.ndarray:
    """Return a preview on an uneven light, with spots of (column, row, radius in um, photons)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    light = 8 + 6 * np.exp(-((columns - 80) ** 2 + (rows - 85) ** 2) / 2 / 50**2)
    for x, y, radius_um, photons in spots:
        light += photons * ((columns - x) ** 2 + (rows - y) ** 2 < (radius_um / PIXEL_UM) ** 2)
    return np.asarray(rng.gamma(np.maximum(rng.poisson(light), 1e-3)) * 10, dtype=np.float32)


def test_dim_cells_and_puncta_are_seen_and_bare_fields_left_out() -> None:
    bare = [_preview(n) for n in range(24)]
    cells = [
        _preview(100, ((60, 90, 7, 4),)),
        _preview(101, ((4, 100, 7, 6),)),
        _preview(102, ((120, 30, 0.8, 40),)),
    ]
    found = cells_in([*bare, *cells], PIXEL_UM)
    assert [one.holds for one in found[24:]] == [Holds.CELLS] * 3
    assert found[24].at_px == pytest.approx((60, 90), abs=12)
    assert sum(one.holds is Holds.NOTHING for one in found[:24]) >= 14


def test_a_field_within_a_cell_is_in_doubt() -> None:
    inside = _preview(200, ((80, 80, 200, 6),))
    found = cells_in([*(_preview(n) for n in range(12)), inside], PIXEL_UM)
    assert found[-1].holds is not Holds.NOTHING
    assert found[-1].level > 5


def test_no_preview_is_no_field() -> None:
    assert cells_in([], PIXEL_UM) == []
