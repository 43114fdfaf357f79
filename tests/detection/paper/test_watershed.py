import numpy as np
import pytest
import scipy.ndimage as ndi
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.segmentation import watershed

from detection.paper import watershed as watershed_module
from detection.paper.watershed import background_lines, label_by_columns, marker_watershed

EIGHT = np.ones((3, 3), dtype=np.bool_)


def test_regions_are_numbered_by_columns() -> None:
    mask = np.zeros((6, 6), dtype=np.bool_)
    mask[4, 0] = mask[0, 2] = mask[5, 2] = True
    labels = label_by_columns(mask)
    assert (labels[4, 0], labels[0, 2], labels[5, 2]) == (1, 2, 3)


def test_the_background_line_lies_half_way_between_two_markers() -> None:
    markers = np.zeros((9, 11), dtype=np.bool_)
    markers[:, 1] = markers[:, 9] = True
    columns = np.flatnonzero(background_lines(markers).any(axis=0))
    assert columns.tolist() in ([5], [6])


def test_one_marker_has_no_line() -> None:
    markers = np.zeros((9, 9), dtype=np.bool_)
    markers[4, 4] = True
    assert not background_lines(markers).any()


@settings(deadline=None)
@given(arrays(np.bool_, (12, 14), elements=st.sampled_from([False] * 9 + [True])))
def test_lines_part_the_zones_of_the_markers(mask: np.ndarray) -> None:
    lines = background_lines(mask)
    assert not (lines & mask).any()
    _, regions = ndi.label(~lines, structure=EIGHT)
    _, markers = ndi.label(mask, structure=EIGHT)
    assert regions >= markers


def test_the_line_of_a_watershed_runs_along_the_ridge() -> None:
    relief = np.tile(np.abs(np.arange(21) - 8.0).astype(np.float32) * -1, (15, 1))
    markers = np.zeros(relief.shape, dtype=np.bool_)
    markers[7, 0] = markers[7, 20] = True
    labels = marker_watershed(relief, markers)
    assert (labels[:, :8] == 1).all()
    assert (labels[:, 8] == 0).all()
    assert (labels[:, 9:] == 2).all()


@settings(deadline=None)
@given(
    arrays(np.float32, (12, 14), elements=st.floats(0, 1, width=32)),
    arrays(np.bool_, (12, 14), elements=st.sampled_from([False] * 9 + [True])),
)
def test_watershed_regions_hold_their_marker_and_never_touch(relief: np.ndarray, mask: np.ndarray) -> None:
    labels = marker_watershed(relief, mask)
    sources = label_by_columns(mask)
    assert np.array_equal(labels[mask], sources[mask])
    lowest = ndi.minimum_filter(np.where(labels == 0, 99, labels), footprint=EIGHT)
    highest = ndi.maximum_filter(labels, footprint=EIGHT)
    inside = labels > 0
    assert (lowest[inside] == highest[inside]).all()
    if mask.any():
        # On flat ground a line may be two pixels wide.
        assert ndi.maximum_filter(inside, size=5).all()
    else:
        assert not inside.any()


def test_a_coarse_flood_first_gives_the_same_regions_but_for_their_rims() -> None:
    rng = np.random.default_rng(4)
    relief = ndi.gaussian_filter(rng.random((150, 130)), 5).astype(np.float32)
    markers = np.zeros(relief.shape, dtype=np.bool_)
    markers[rng.integers(0, 150, 25), rng.integers(0, 130, 25)] = True
    sources = label_by_columns(markers)
    whole = watershed(relief, sources, connectivity=EIGHT)  # type: ignore[no-untyped-call]
    labels = marker_watershed(relief, markers)
    assert np.array_equal(labels[markers], sources[markers])
    inside = labels > 0
    assert (labels[inside] == whole[inside]).mean() > 0.98
    assert inside.mean() > 0.8


def test_a_large_frame_gives_the_same_regions_but_for_their_rims(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    relief = ndi.gaussian_filter(rng.normal(size=(300, 340)).astype(np.float32), 8)
    markers = relief < np.quantile(relief, 0.1)
    plain = marker_watershed(relief, markers)
    # Floods of a half, a quarter and an eighth of the size.
    monkeypatch.setattr(watershed_module, "SMALLEST_RECURSED_PX", 64)
    recursed = marker_watershed(relief, markers)
    assert plain.max() == recursed.max() > 10
    assert np.mean(plain == recursed) > 0.97
