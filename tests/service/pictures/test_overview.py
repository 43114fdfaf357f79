"""The picture of sections in an overview."""

import numpy as np
import pytest

from detection.overview.values import Found, Outline
from service.pictures.holder.overview import LONGEST_PX, draw_overview_sections
from service.pictures.overlay import FOUND, NOT_IMAGED, Colour


def outline(x_px: float, confidence: float) -> Outline:
    corners = ((x_px, 10.0), (x_px + 40, 10.0), (x_px + 40, 40.0), (x_px, 40.0))
    return Outline(corners, 90.0, confidence, (1.0, 1.0, 1.0, 1.0), 1.0)


def number_of(colour: Colour, picture: np.ndarray) -> int:
    return int((np.abs(picture.astype(int) - colour).max(axis=2) < 40).sum())


@pytest.mark.parametrize("colour", [FOUND, NOT_IMAGED])
def test_outlines_are_seen_on_sections_of_their_own_colour(colour: Colour) -> None:
    pixels = np.full((60, 120, 3), colour, dtype=np.uint8)
    pixels[0], pixels[-1] = 0, 255  # so that colours stay as they are
    found = Found(sections=(outline(10, 1.0),), doubtful=(outline(70, 0.1),))
    picture = draw_overview_sections(pixels, found)
    assert picture.shape == (120, 240, 3)
    for half, own in ((picture[:, :120], FOUND), (picture[:, 120:], NOT_IMAGED)):
        inner = half[8:-8]
        assert (inner.max(axis=2) < 100).sum() > 200
        assert number_of(own, inner) > 100


def test_a_large_overview_is_shrunk() -> None:
    picture = draw_overview_sections(np.zeros((10, 2 * LONGEST_PX), dtype=np.uint8), Found())
    assert picture.shape == (5, LONGEST_PX, 3)
