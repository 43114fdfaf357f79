import numpy as np

from detection.image.boxes import BoxPx
from detection.image.hits import Cell
from detection.registration.section_frame import SectionFrame
from detection.serial.noise_hits import REASON, reject_noise
from detection.serial.pooling import Layer, split_background

BOX = BoxPx(40, 40, 60, 60)
HIT = Cell("c0001", BOX, BOX.dilated(3, (100, 100)), 0.9, "kept: confident")


def plain(seed: int, light: float = 0.0, noise: float = 10.0) -> Layer:
    image = np.random.default_rng(seed).normal(500, noise, (100, 100))
    image[BOX.slices] += light
    return split_background(SectionFrame("S0001", np.rint(image).astype(np.uint16), 0.36, 500.0))


def test_a_hit_of_noise_alone_is_left_out_where_both_sides_show_nothing() -> None:
    (found,) = reject_noise([HIT], plain(1), [(plain(2), []), (plain(3), [])])
    assert (found.image_box_px, found.reason, found.box_px) == (None, REASON, BOX)


def test_what_has_light_of_its_own_stays() -> None:
    beside: list[tuple[Layer, list[Cell]]] = [(plain(2), []), (plain(3), [])]
    assert reject_noise([HIT], plain(1, light=8), beside) == (HIT,)


def test_a_neighbour_that_shows_anything_keeps_it() -> None:
    assert reject_noise([HIT], plain(1), [(plain(2), [HIT]), (plain(3), [])]) == (HIT,)


def test_one_neighbour_is_not_enough() -> None:
    assert reject_noise([HIT], plain(1), [(plain(2), [])]) == (HIT,)


def test_a_neighbour_taken_in_the_dark_says_nothing() -> None:
    assert reject_noise([HIT], plain(1), [(plain(2, noise=1), []), (plain(3), [])]) == (HIT,)
