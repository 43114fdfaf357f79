import numpy as np
import pytest
import scipy.ndimage as ndi

from detection.image.boxes import BoxPx
from detection.paper.clahe import clahe
from detection.paper.filters import brightest, gradient_magnitude, negative_log, rescale
from detection.paper.merging import merge_boxes
from detection.paper.rolling_ball import subtract_rolling_ball


def random_image(seed: int = 0, shape: tuple[int, int] = (96, 120)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape).astype(np.float32)


@pytest.mark.parametrize("sigma", [2.0, 7.0])
def test_the_separable_log_is_the_full_convolution(sigma: float) -> None:
    image = random_image()
    size = round(6 * sigma)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    gauss = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    kernel = gauss * (x**2 + y**2 - 2 * sigma**2) / (sigma**4 * gauss.sum())
    kernel -= kernel.mean()
    middle = (size - 1) // 2
    centred = image.astype(np.float64) - image.mean(dtype=np.float64)
    padded = np.pad(centred, ((middle, size - 1 - middle), (middle, size - 1 - middle)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    expected = -np.einsum("ijkl,kl->ij", windows, kernel)
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    assert negative_log(image, sigma) == pytest.approx(expected, abs=2e-6)


def test_the_log_peaks_on_a_blob() -> None:
    image = np.zeros((101, 101), dtype=np.float32)
    image[45:56, 55:66] = 1
    row, column = np.unravel_index(negative_log(image, 7.0).argmax(), image.shape)
    assert abs(row - 50) <= 1
    assert abs(column - 60) <= 1


def test_a_constant_image_has_no_feature() -> None:
    assert not rescale(np.full((20, 20), 7, dtype=np.float32)).any()


def test_eight_percent_of_different_values_are_markers() -> None:
    image = np.random.default_rng(1).permutation(10_000).astype(np.float32).reshape(100, 100)
    assert brightest(image, 0.92).sum() == 799


def test_nothing_is_above_the_threshold_of_a_constant_image() -> None:
    assert not brightest(np.ones((10, 10), dtype=np.float32), 0.92).any()


def test_the_gradient_of_a_ramp_is_eight_times_its_slope() -> None:
    ramp = np.tile(np.arange(12, dtype=np.float32), (10, 1))
    assert gradient_magnitude(ramp)[:, 1:-1] == pytest.approx(8)


@pytest.mark.parametrize("shape", [(96, 120), (97, 123), (16, 16)])
def test_clahe_keeps_the_range_and_spreads_contrast(shape: tuple[int, int]) -> None:
    dim = (random_image(shape=shape) * 0.2 + 0.4).astype(np.float32)
    equalised = clahe(dim)
    assert equalised.shape == shape
    assert equalised.min() >= 0
    assert equalised.max() <= 1 + 1e-6
    assert equalised.std() > dim.std()


def test_clahe_never_turns_the_order_of_grey_levels_round_in_a_uniform_texture() -> None:
    image = np.tile(random_image(shape=(16, 16)), (8, 8))
    equalised = clahe(image)[32:96, 32:96].ravel()
    order = np.argsort(np.rint(image[32:96, 32:96].ravel() * 255), kind="stable")
    assert (np.diff(equalised[order]) >= -1e-6).all()


def test_the_rolling_ball_takes_a_bell_and_leaves_a_cell() -> None:
    y, x = np.mgrid[:256, :256]
    bell = 80 * np.exp(-((x - 128.0) ** 2 + (y - 128.0) ** 2) / 128**2)
    cell = 100.0 * ((x - 90) ** 2 + (y - 150) ** 2 < 20**2)
    left = subtract_rolling_ball((bell + cell + 500).astype(np.float32), 50.0)
    assert left.min() >= 0
    assert left[150, 90] == pytest.approx(100, abs=12)
    assert ndi.minimum_filter(left, 5)[20:60, 150:230].max() < 10


def test_boxes_merge_from_a_third_of_either() -> None:
    big, inside, apart = BoxPx(0, 0, 60, 60), BoxPx(10, 10, 30, 30), BoxPx(100, 0, 130, 30)
    (first, second) = merge_boxes([big, inside, apart], 0.33)
    assert (first.box, first.index, first.merged) == (big, 0, True)
    assert (second.box, second.index, second.merged) == (apart, 2, False)


def test_only_the_last_of_several_boxes_extends_the_first() -> None:
    first, second, third = BoxPx(0, 0, 30, 30), BoxPx(-15, 0, 15, 30), BoxPx(15, 0, 45, 30)
    (merged,) = merge_boxes([first, second, third], 0.33)
    assert merged.box == BoxPx(0, 0, 45, 30)


def test_areas_count_one_pixel_more_on_each_side() -> None:
    # 3 shared columns of 10 count as 4 of 11: above a third only by the rule of the authors' program.
    assert len(merge_boxes([BoxPx(0, 0, 10, 10), BoxPx(7, 0, 17, 10)], 0.33)) == 1
    assert len(merge_boxes([BoxPx(0, 0, 10, 10), BoxPx(8, 0, 18, 10)], 0.33)) == 2


def test_no_boxes_merge_into_none() -> None:
    assert merge_boxes([], 0.33) == []
