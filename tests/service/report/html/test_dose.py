import pytest

from planner.dose import scan_dose
from service.model.jobs import Exposure, ExposureState
from service.report.html.dose import dose_of, scanned_m2

UM = 1e-6
CELL = (0.0, 0.0, 10 * UM, 10 * UM)
CURRENT_A, DWELL_S, PIXEL_M = 1e-10, 60e-6, 16.5e-9
ONCE = scan_dose(CURRENT_A, DWELL_S, PIXEL_M).electrons_per_nm2


def scan(x0_um: float, x1_um: float, state: ExposureState = ExposureState.CLOSED) -> Exposure:
    rect_m = (x0_um * UM, 0.0, x1_um * UM, 10 * UM)
    return Exposure(1, "J000001", rect_m, 0.0, state, 0.0, s_per_m2=DWELL_S / PIXEL_M**2)


def test_the_dose_of_a_cell_is_that_of_all_its_scans() -> None:
    dose = dose_of(CELL, [scan(0, 10), scan(5, 20)], CURRENT_A)
    assert dose is not None
    assert dose.electrons_per_nm2 == pytest.approx(1.5 * ONCE)
    assert not dose.at_most


def test_an_unknown_end_counts_as_complete_and_is_named() -> None:
    dose = dose_of(CELL, [scan(0, 10, ExposureState.UNKNOWN)], CURRENT_A)
    assert dose is not None
    assert dose.electrons_per_nm2 == pytest.approx(ONCE)
    assert dose.at_most


def test_a_cell_beside_all_frames_has_no_dose() -> None:
    assert dose_of(CELL, [scan(10, 20)], CURRENT_A) is None


def test_ground_that_frames_share_counts_once_and_as_scanned_again() -> None:
    rects = [scan(0, 10).rect_m, scan(8, 18).rect_m, scan(30, 40).rect_m]
    assert scanned_m2(rects) == pytest.approx((280 * UM**2, 20 * UM**2))
    assert scanned_m2(rects[:1]) == pytest.approx((100 * UM**2, 0))
    assert scanned_m2([]) == (0, 0)
