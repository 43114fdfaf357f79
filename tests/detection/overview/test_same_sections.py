"""The same sections are found in the same picture, however it was turned, stored or framed."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.holder import alterations as change
from benchmarks.holder.alterations import Shown
from detection.overview import quads
from detection.overview.find import find_sections
from detection.overview.padding import padding_of
from detection.overview.settings import PaddingSettings
from tests.detection.overview.pictures import drawn, outlines

RNG = np.random.default_rng(2)


def scaled(shown: Shown) -> Shown:
    rows, columns = shown.pixels.shape[:2]
    size = (round(1.5 * columns), round(1.5 * rows))
    return change.warped(shown, np.array([[1.5, 0.0, 0.0], [0.0, 1.5, 0.0]]), size, 0)


def inverted(shown: Shown) -> Shown:
    return Shown(np.asarray(255 - shown.pixels, np.uint8), shown.expected, shown.others)


def on_white_in_16_bit(shown: Shown) -> Shown:
    """A camera of 12 bit, and a border of the whitest level that 16 bit has."""
    dark = change.in_16_bit(change.bordered(shown, 255, RNG), 4095)
    return Shown(np.where(dark.pixels == 4095, 65535, dark.pixels).astype(np.uint16), dark.expected, ())


CHANGES: dict[str, Callable[[Shown], Shown]] = {
    "turned by 90 deg, mirrored, 16 bit": lambda shown: change.in_16_bit(
        change.mirrored(change.turned(shown, 90, 0)), 65535
    ),
    "inverted": inverted,
    "scaled by 1.5": scaled,
    "turned by 45 deg, white corners": lambda shown: change.turned(shown, 45, 255),
    "on white in 16 bit": on_white_in_16_bit,
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_sections_are_found_however_the_picture_is_stored(name: str) -> None:
    truth = outlines()
    shown = CHANGES[name](Shown(drawn(truth), tuple(truth), ()))
    found = find_sections(shown.pixels)
    assert len(shown.expected) == len(truth) == len(found.sections)
    for corners in shown.expected:
        assert max(quads.overlap(np.array(one.corners_px), corners) for one in found.sections) > 0.85


def tones_of(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    return picture[:, :, None].astype(np.float32)


def test_what_was_painted_beside_a_picture_has_no_data_and_a_clipped_substrate_has() -> None:
    settings = PaddingSettings()
    picture = drawn(outlines())
    framed = np.full((240, 340), 150, np.uint8)
    framed[:200, :270] = picture
    padding = padding_of(tones_of(framed), settings)
    assert padding[210:, :].all()
    assert padding[:, 280:].all()
    assert not padding[:190, :260].any()
    clipped = np.where(picture > 150, 255, picture).astype(np.uint8)
    assert not padding_of(tones_of(clipped), settings).any()
    black = np.where(picture < 130, 0, picture).astype(np.uint8)
    assert not padding_of(tones_of(black), settings).any(), "sections may be black"
    drawing = np.full((200, 270), 190, np.uint8)
    cv2.rectangle(drawing, (60, 60), (200, 130), 90, -1)
    assert not padding_of(tones_of(drawing), settings).any(), "a drawing has no noise anywhere"
    slope = np.repeat(np.linspace(100, 160, 400).astype(np.uint8)[None], 200, axis=0)
    assert not padding_of(tones_of(slope), settings).any(), "a picture without noise has steps of one level"


def test_truth_follows_an_altered_picture() -> None:
    truth = outlines()
    shown = Shown(drawn(truth), tuple(truth), ())
    for altered in (change.turned(shown, 33, 0), change.mirrored(shown), scaled(shown)):
        for corners in altered.expected:
            inside = np.zeros(altered.pixels.shape[:2], np.uint8)
            cv2.fillConvexPoly(inside, np.round(quads.grown(corners, 0.7) - 0.5).astype(np.int32), 1)
            assert np.median(altered.pixels[inside > 0]) < 100
            assert quads.clockwise(corners) is corners
    assert len(change.cropped(shown).expected) < len(truth)
