"""Places along a strip where sections of a row join: lines across it, and steps of its width.

Numbers without a source beside them are chosen by hand; no measurement of one alone is kept.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from detection.overview.common_shape.strips import ENDS, Strip
from detection.overview.values import Floats

_NEAR = 0.05
"""Share of a part within which the line between two parts lies."""
_CLEAR = 3.0
"""Strength of a clear line, in those that are usual in the strip."""
CLEAR_TEETH = 0.4
"""Share of the changes of the width that saw teeth explain where sections are trapezoids in a row. Here and
below by development seeds 1 to 27 of plain trapezoids in ribbons (docs/mapping.md)."""
_LEAST_TOOTH = 0.05
_LEAST_TOOTH_PX = 2.0
"""Height of the smallest tooth: share of the width, and working pixels."""
_SIDES = (0.97, 1.0, 1.03)
"""The size of a section is known to some per cent."""
_UNEVEN = 0.05
"""Difference from the usual distance of two joints that costs as much as a clear line gains, share."""
_BREAK = 2.0
"""The most that a distance costs, in clear lines: a section may be half lost."""
_SEEN = 0.68
"""Least mean strength, in clear lines, of the lines by which a row is parted."""
_NEAR_STEP = 0.15
_STEP_SPAN = 0.12
"""Shares of a part: the place of a joint, and the length over which widths beside it are averaged."""


def joints_of(strip: Strip, parts: int) -> NDArray[np.float64]:
    """Return the places between equal parts, (parts - 1,), each at the clearest line or step nearby."""
    side = (strip.length - 1) / parts
    if saw_teeth(strip, parts) >= CLEAR_TEETH:
        return _steps(strip, parts)
    across = _across(strip)[:, 0]
    reach = max(1, round(_NEAR * side))
    clear = _CLEAR * float(np.median(across))
    found = np.arange(1, parts) * side
    for number, place in enumerate(np.round(found).astype(int)):
        near = across[place - reach : place + reach + 1]
        if len(near) and near.max() > clear:
            found[number] = place - reach + int(near.argmax())
    return np.asarray(found, np.float64)


def joints_seen(strip: Strip, side: float) -> NDArray[np.float64] | None:
    """Return where sections of a known size join, by the lines across; None where these are not clear.

    The sum of the strengths of the lines, less what unequal distances cost, is the largest that there is. A
    section that is half lost leaves a short part, so that a row need not be a whole number of sections.

    Parameters
    ----------
    strip : Strip
    side : float
        Length of a section along the strip, working pixels: right to some per cent.

    Returns
    -------
    (N,) array or None
    """
    if strip.length < 1.5 * side or side < 4:
        return None
    across = _across(strip)[:, 0]
    clear = _CLEAR * max(float(np.median(across)), 1e-9)
    gain = np.clip(across / clear, 0, 1)
    rows = [_best_row(gain, share * side) for share in _SIDES]
    joints = max(rows, key=lambda row: row[0])[1]
    if not joints or float(gain[joints].mean()) < _SEEN:
        return None
    # Of lines that are all clear the sum takes any place nearby: the strongest is the joint.
    return np.array([_strongest(across, place, max(1, round(_NEAR * side))) for place in joints])


def _best_row(gain: NDArray[np.float64], side: float) -> tuple[float, list[int]]:
    """Return the largest gain of joints less the cost of their distances, and their places."""
    near, far = max(2, round(0.3 * side)), round(1.2 * side)
    steps = np.arange(near, far + 1)
    cost = np.minimum(((steps / side - 1) / _UNEVEN) ** 2, _BREAK)
    last = len(gain) - 1
    # Of all rows that end with a joint at each place, the best one, and its joint before.
    best, before = np.full(last + 1, -np.inf), np.zeros(last + 1, int)
    best[0] = 0.0
    for place in range(near, last + 1):
        reach = steps[steps <= place]
        total = best[place - reach] - cost[: len(reach)]
        number = int(total.argmax())
        best[place] = total[number] + (gain[place] if place < last else 0.0)
        before[place] = place - reach[number]
    joints: list[int] = []
    place = int(before[last])
    while place > 0:
        joints.append(place)
        place = int(before[place])
    return float(best[last]), joints[::-1]


def _strongest(across: Floats, place: int, reach: int) -> float:
    """Return the middle of where the lines near a place are strongest."""
    first = max(place - reach, 0)
    near = across[first : place + reach + 1]
    return first + float(np.flatnonzero(near >= 0.999 * near.max()).mean())


def saw_teeth(strip: Strip, parts: int) -> float:
    """Return how well the width follows equal saw teeth, one for each part, 0 to 1.

    In a ribbon of trapezoids each section begins as wide as the one before began, so that the width steps
    back at every joint, whatever is seen inside. 1: nothing else changes the width; 0 where the teeth are too
    low to be told from rough borders.
    """
    widths = strip.widths
    place = np.arange(strip.length)
    phase = place * parts / strip.length % 1
    inside = (place >= 2) & (place < strip.length - 2)
    if inside.sum() < 4 * parts:
        return 0.0
    slope, offset = np.polyfit(phase[inside], widths[inside], 1)
    if abs(slope) < max(_LEAST_TOOTH * strip.width, _LEAST_TOOTH_PX):
        return 0.0
    usual = float(np.abs(widths[inside] - np.median(widths[inside])).mean())
    off = float(np.abs(widths[inside] - slope * phase[inside] - offset).mean())
    return max(0.0, 1 - off / max(usual, 1e-9))


def _steps(strip: Strip, parts: int) -> NDArray[np.float64]:
    """Return the largest step of the width near each place between equal parts, (parts - 1,)."""
    side = (strip.length - 1) / parts
    reach, span = max(1, round(_NEAR_STEP * side)), max(2, round(_STEP_SPAN * side))
    widths = np.pad(strip.widths, span, mode="edge")
    total = np.concatenate([[0.0], np.cumsum(widths)])
    mean = (total[span:] - total[:-span]) / span
    # The mean width after a place less that before it.
    step = np.abs(mean[span:] - mean[:-span])[: strip.length]
    found = np.arange(1, parts) * side
    for number, at in enumerate(np.round(found).astype(int)):
        near = step[at - reach : at + reach + 1]
        if len(near):
            found[number] = at - reach + int(near.argmax()) - 0.5
    return np.asarray(found, np.float64)


def joint_rank(strip: Strip, parts: int) -> float:
    """Return the mean rank, 0 to 1, of the lines across at equal distances among all lines across.

    0: each is stronger than any elsewhere; .5: they are as strong as anything.
    """
    side = strip.length / parts
    reach = max(1, round(0.03 * side))
    near = cv2.dilate(_across(strip), np.ones((2 * reach + 1, 1), np.uint8))[:, 0]
    place = np.arange(strip.length)
    joints = np.round(np.arange(1, parts) * side).astype(int)
    off = np.abs(place[:, None] - joints).min(axis=1) > 2 * reach + 2
    end = max(5, round(ENDS * side))
    others = near[off & (place >= end) & (place < strip.length - end)]
    return float((others >= near[joints][:, None]).mean()) if len(others) else 0.5


def _across(strip: Strip) -> Floats:
    """Return the strength of lines across at each place, (length, 1).

    Both halves of the width count on their own: a line may be tilted.
    """
    total = np.zeros((strip.length, 1), np.float32)
    for half in np.split(strip.tones, 2, axis=1):
        profile = gaussian_filter1d(half.mean(axis=1), 0.8)
        step = np.abs(np.gradient(profile)).astype(np.float32)
        total += cv2.dilate(step[:, None], np.ones((3, 1), np.uint8))
    return total
