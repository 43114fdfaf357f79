import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import OutOfRangeError
from drivers.quanta.scans.frames import TAG_STEP_M, tag_m
from drivers.quanta.scans.geometry import PRESETS_PX, scan_area


@given(width=st.integers(1, 6144), height=st.integers(1, 3536), pixel_nm=st.floats(0.5, 1000))
def test_the_smallest_preset_that_covers_is_taken_about_its_middle(
    width: int, height: int, pixel_nm: float
) -> None:
    pixel_m = pixel_nm * 1e-9
    area = scan_area((width, height), pixel_m, PRESETS_PX, reduced_area=True)
    preset = area.preset_px
    assert preset[0] >= width
    assert preset[1] >= height
    smaller = [p for p in PRESETS_PX if p[0] * p[1] < preset[0] * preset[1]]
    assert not any(p[0] >= width and p[1] >= height for p in smaller)
    assert area.width_m / preset[0] == pytest.approx(pixel_m)
    left, top, columns, rows = area.area_px or (0, 0, *preset)
    assert (columns, rows) == (width, height)
    assert 0 <= left <= preset[0] - columns
    assert 0 <= top <= preset[1] - rows
    middle_px = left + columns / 2 - preset[0] / 2, -(top + rows / 2 - preset[1] / 2)
    assert area.off_center_m == pytest.approx((middle_px[0] * pixel_m, middle_px[1] * pixel_m), abs=1e-15)
    assert max(abs(v) for v in area.off_center_m) <= pixel_m / 2 * (1 + 1e-9)


def test_the_paper_s_frame_is_a_preset() -> None:
    area = scan_area((1536, 1024), 16.5e-9, PRESETS_PX, reduced_area=False)
    assert area.preset_px == (1536, 1024)
    assert area.area_px is None
    assert area.width_m == pytest.approx(25.344e-6)


@pytest.mark.parametrize(
    ("size_px", "reduced"), [((1536, 1023), False), ((6145, 10), True), ((10, 4097), True), ((0, 5), True)]
)
def test_what_the_machine_cannot_scan_is_refused_and_never_scanned_larger(
    size_px: tuple[int, int], reduced: bool
) -> None:
    with pytest.raises(OutOfRangeError):
        scan_area(size_px, 16.5e-9, PRESETS_PX, reduced)


def test_256_scans_in_a_row_carry_different_tags() -> None:
    tags = [tag_m(n) for n in range(1000, 1256)]
    steps = {(round(x / TAG_STEP_M), round(y / TAG_STEP_M)) for x, y in tags}
    assert len(steps) == 256
    assert all(abs(v) <= 8 for step in steps for v in step)


@given(
    width=st.integers(1, 3072),
    height=st.integers(1, 2048),
    right_um=st.floats(-25, 25),
    up_um=st.floats(-16, 16),
)
def test_a_scan_beside_the_axis_is_the_part_of_a_preset_that_lies_nearest(
    width: int, height: int, right_um: float, up_um: float
) -> None:
    pixel_m, shift_m = 16.5e-9, (right_um * 1e-6, up_um * 1e-6)
    area = scan_area((width, height), pixel_m, PRESETS_PX, True, shift_m)
    left, top, columns, rows = area.area_px or (0, 0, *area.preset_px)
    assert (columns, rows) == (width, height)
    assert 0 <= left <= area.preset_px[0] - columns
    assert 0 <= top <= area.preset_px[1] - rows
    # The beam shift is left with half a pixel.
    assert all(
        abs(wanted - found) <= pixel_m / 2 * (1 + 1e-3)
        for wanted, found in zip(shift_m, area.off_center_m, strict=True)
    )


def test_a_scan_outside_the_largest_preset_is_refused() -> None:
    with pytest.raises(OutOfRangeError):
        scan_area((3072, 2048), 16.5e-9, PRESETS_PX, True, (26e-6, 0.0))
