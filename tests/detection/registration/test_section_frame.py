from dataclasses import replace

import numpy as np
import pytest

from detection.errors import DetectionError
from detection.registration.section_frame import SectionFrame, stitch

GROUND = np.random.default_rng(1).integers(0, 60000, (60, 100)).astype(np.uint16)


def field(x0: int, y0: int, size: int = 40) -> SectionFrame:
    """A field cut from the ground, on a stage whose origin is at its upper left corner."""
    center = (x0 + size / 2) * 0.5, -(y0 + size / 2) * 0.5
    return SectionFrame("S0001", GROUND[y0 : y0 + size, x0 : x0 + size], 0.5, 100.0, center)


def test_fields_make_the_ground_again() -> None:
    mosaic = stitch([field(0, 0), field(30, 0), field(60, 20), field(0, 20), field(30, 20), field(60, 0)])
    assert (mosaic.pixels == GROUND).all()
    assert mosaic.mask is None
    assert mosaic.center_um == pytest.approx((25, -15))


def test_ground_that_no_field_shows_is_masked() -> None:
    mosaic = stitch([field(0, 0), field(60, 20)])
    assert mosaic.mask is not None
    assert mosaic.mask.sum() == 2 * 40 * 40
    assert (mosaic.pixels[mosaic.mask] == GROUND[mosaic.mask]).all()
    beside, there = mosaic.pixels[~mosaic.mask], field(0, 0).pixels
    assert np.median(beside) == pytest.approx(np.median(there), rel=0.05)
    # Noise as of the darker half of the field: beside a flat part, noise is taken for cells.
    below = np.quantile(there, [0.16, 0.5])
    assert np.diff(np.quantile(beside, [0.16, 0.5])) == pytest.approx(np.diff(below), rel=0.1)


def test_the_first_field_counts_where_two_overlap() -> None:
    later = replace(field(20, 0), pixels=np.zeros((40, 40), np.uint16))
    assert (stitch([field(0, 0), later]).pixels[:, :40] == GROUND[:40, :40]).all()


def test_one_field_is_its_own_mosaic() -> None:
    assert stitch([one := field(0, 0)]) is one


def test_fields_that_differ_are_refused() -> None:
    with pytest.raises(DetectionError, match="one field at least"):
        stitch([])
    with pytest.raises(DetectionError, match="S0001 differ"):
        stitch([field(0, 0), replace(field(30, 0), pixel_size_um=0.4)])


def test_a_mosaic_knows_where_its_fields_lie() -> None:
    fields = [field(30, 0), field(0, 20), field(60, 20)]
    mosaic = stitch(fields)
    assert [window.as_tuple() for window in mosaic.windows] == [
        (30, 0, 70, 40),
        (0, 20, 40, 60),
        (60, 20, 100, 60),
    ]
    assert (mosaic.pixels[mosaic.windows[0].slices] == fields[0].pixels).all()
    assert field(0, 0).windows[0].as_tuple() == (0, 0, 40, 40)
    turned = replace(fields[1], rotation_rad=0.02)
    assert stitch([fields[0], turned]).fields == ()
