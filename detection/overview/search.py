"""Places and angles at which a shape may lie: its sides matched at all angles.

For every angle the picture is turned, so that the sides of a rectangle run along rows and columns and their
support is a mean along each. A shape that is no rectangle is matched by the rectangle of its mean sides: the
fit that follows knows its true sides.
"""

import math

import cv2
import numpy as np

from detection.overview import quads
from detection.overview.edges import of_energy
from detection.overview.ground import Ground
from detection.overview.settings import SearchSettings
from detection.overview.values import Corners, Floats


def candidates(ground: Ground, shape: Corners, lopsided: bool, settings: SearchSettings) -> Corners:
    """Return outlines (N, 4, 2), working pixels, the best first.

    Parameters
    ----------
    ground : Ground
    shape : (4, 2) array
        About its centre, working pixels, the first side facing up.
    lopsided : bool
        It differs after half a turn, so both are returned.
    settings : SearchSettings
    """
    first, second, third, fourth = quads.sides(shape)
    width, height = (first + third) / 2, (second + fourth) / 2
    low, high = settings.angle_step_deg
    step = min(max(math.degrees(2 / max(width, height)), low), high)
    count = math.ceil(90 / step)
    found = [_at_angle(ground, width, height, index * 90 / count, settings) for index in range(count)]
    places = np.concatenate(found)
    order = np.argsort(-places[:, 3], kind="stable")
    places = _thinned(places[order[: 4 * settings.most_candidates]], min(width, height), settings)
    turns = (0, 180) if lopsided else (0,)
    return np.array(
        [quads.placed(shape, x, y, turn + more) for x, y, turn, _ in places for more in turns]
    ).reshape(-1, 4, 2)


def _at_angle(
    ground: Ground, width: float, height: float, turn_deg: float, settings: SearchSettings
) -> Floats:
    """Return the places (N, 4) at one angle: x, y, turn, score; the shape upright, and on its side."""
    rows, columns = ground.glass.shape
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    # Turned back by the angle, into a frame that holds all of the picture.
    wide = math.ceil(columns * cos + rows * sin) + 2
    tall = math.ceil(columns * sin + rows * cos) + 2
    matrix = np.array([[cos, sin, 0.0], [-sin, cos, 0.0]])
    matrix[:, 2] = np.array([wide / 2, tall / 2]) - matrix[:, :2] @ (columns / 2, rows / 2)
    turned = cv2.warpAffine(ground.edge, matrix, (wide, tall), flags=cv2.INTER_LINEAR)
    mask = ground.inside.astype(np.float32)
    inside = np.asarray(cv2.warpAffine(mask, matrix, (wide, tall), flags=cv2.INTER_LINEAR), dtype=np.float32)
    xx, xy, yy = cv2.split(turned)
    across = of_energy(cos * cos * xx + 2 * cos * sin * xy + sin * sin * yy, ground)
    down = of_energy(sin * sin * xx - 2 * cos * sin * xy + cos * cos * yy, ground)
    across = np.asarray(cv2.dilate(across, np.ones((1, 3), np.uint8)), dtype=np.float32)
    down = np.asarray(cv2.dilate(down, np.ones((3, 1), np.uint8)), dtype=np.float32)
    back = cv2.invertAffineTransform(matrix)
    found = []
    for turn, wide_px, tall_px in ((turn_deg, width, height), (turn_deg + 90, height, width)):
        w, h = max(round(wide_px), 3), max(round(tall_px), 3)
        score = _score(across, down, inside, w, h)
        peak = cv2.dilate(score, np.ones((3, 3), np.uint8))
        ys, xs = np.nonzero((score >= peak) & (score >= settings.least_score))
        points = np.stack([xs, ys, np.ones(len(xs))], axis=1) @ back.T
        found.append(np.column_stack([points, np.full(len(xs), turn), score[ys, xs]]))
    return np.concatenate(found)


def _score(across: Floats, down: Floats, inside: Floats, w: int, h: int) -> Floats:
    """Return the score of a rectangle centred at each pixel."""
    along, beside = _mean(across, 1, round(0.9 * h)), _mean(down, round(0.9 * w), 1)
    total = np.zeros_like(along)
    for side, x, y in (
        (along, w // 2, 0),
        (along, w // 2 - w, 0),
        (beside, 0, h // 2),
        (beside, 0, h // 2 - h),
    ):
        _add_moved(total, side, x, y)
    total *= 0.25
    total[_mean(inside, w, h) <= 0.5] = 0
    return total


def _mean(image: Floats, width: int, height: int) -> Floats:
    size = (max(width, 1), max(height, 1))
    return np.asarray(cv2.blur(image, size, borderType=cv2.BORDER_CONSTANT), dtype=np.float32)


def _add_moved(total: Floats, image: Floats, x: int, y: int) -> None:
    """Add to each pixel (row, column) that of an image at (row + y, column + x)."""
    rows, columns = image.shape
    total[max(0, -y) : rows - max(0, y), max(0, -x) : columns - max(0, x)] += image[
        max(0, y) : rows - max(0, -y), max(0, x) : columns - max(0, -x)
    ]


def _thinned(places: Floats, side: float, settings: SearchSettings) -> Floats:
    """Return the best places; of those that nearly coincide only a few."""
    cell = max(side * 0.3, 1.0)
    kept: list[int] = []
    near: dict[tuple[int, int], list[int]] = {}
    for number, (x, y, turn, _) in enumerate(places):
        column, row = int(x // cell), int(y // cell)
        others = [one for i in (-1, 0, 1) for j in (-1, 0, 1) for one in near.get((column + i, row + j), ())]
        close = [one for one in others if math.hypot(places[one, 0] - x, places[one, 1] - y) < cell]
        same = [one for one in close if abs((places[one, 2] - turn + 90) % 180 - 90) < 10]
        if len(kept) >= settings.most_candidates:
            break
        if same or len(close) >= settings.most_per_place:
            continue
        kept.append(number)
        near.setdefault((column, row), []).append(number)
    return places[kept]
