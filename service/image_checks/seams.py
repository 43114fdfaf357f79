"""Drift in the course of a scan, by the ground that the image beside it shows, too.

If the specimen stands still while two frames side by side are scanned, the strip that both show is shifted by
the same amount from top to bottom. One image alone tells nothing about a steady drift: a specimen that is
sheared is a specimen. Nor do two that drift alike, or frames above each other.

Three accounts of the strip are compared by their likelihood, with the noise of both images: it stands still,
drifts steadily, or jumps once. A part of it that shows little adds little, so that faint detail counts, too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from service.image_checks.noise import noises_of

Floats = NDArray[np.float32]
Points = NDArray[np.float64]

DRIFT_PX = 4.0
"""Way at which an image has drifted. All numbers here are chosen by hand, by images of development seeds;
`benchmarks frame_checks` shows what they do."""
LEAST_PX = 24
"""Narrowest strip that is compared."""
LEAST_ROWS = 320
_PIXEL = 2
"""Pixels on each axis of which means are compared: detail of a pixel is mostly noise."""
_WINDOW_ROWS = 16
"""Rows of a window, of means: a drift of 40 px goes on by 3 px in it."""
_MOST_X, _MOST_Y = 16, 20
"""Largest shift that is looked for, of means; along the rows also a third of the strip."""
_DETAIL = (0.7, 3.0)
_LARGEST_PX = 64.0
_PROVEN = 30.0
"""Log of the likelihood by which one account must be ahead of another. Some thousand are looked at."""
_OF_AN_END = 8.0
"""The same, of a third of the windows at either end for one place of a strip that stands still."""
_OF_A_WINDOW = 30.0
"""The most that one window says against a place: it may show dirt."""
_FITS = 2.0
"""Largest square of what differs at the best place, over what is expected of the same ground."""
_MOST_ALIKE = 0.9
"""Largest correlation that is expected of two images: half a mean of pixels off, they have hardly more."""
_CLEAR = 12.0
"""Log of the likelihood of the best place of a window over that of any other that is 6 px off."""
_LEAST = 4
"""Fewest windows that tell anything."""
_ROUNDING = 0.1
"""Square of the standard deviation that rounding to grey levels gives a mean of four pixels of two images."""


@dataclass(frozen=True, slots=True)
class Strips:
    """The same ground in two images, to the error of their positions.

    Attributes
    ----------
    here, beside : (rows, columns) arrays of float32, of one shape
    """

    here: Floats
    beside: Floats


def drift_px(strips: Strips) -> float | None:
    """Return by how much the ground moves within a strip, px; 0 if it stands still, None if unclear."""
    likely = _Likely.of(strips)
    if likely is None:
        return None
    peaks = likely.peaks()
    still, place = likely.still(peaks)
    ways = [*likely.drifts(peaks), *likely.jumps(peaks)]
    far = max((way for way in ways if way.px >= DRIFT_PX), key=lambda way: way.log, default=None)
    # One that hardly moves may be likelier than one that stands still: between them nothing is proven.
    near = max([still, *(way.log for way in ways if way.px < DRIFT_PX)])
    if far and far.log - near >= _PROVEN and far.px <= _LARGEST_PX and likely.fits(far.path):
        return far.px
    best = near if far is None else max(near, far.log)
    stands = best - still < _OF_AN_END and likely.fits(np.repeat(place[None], likely.count, axis=0))
    return 0.0 if stands and likely.stands(place) else None


@dataclass(frozen=True, slots=True)
class _Way:
    """An account of a strip that moves: the log of its likelihood, its way, its shift in each window."""

    log: float
    px: float
    path: Points


@dataclass(frozen=True, slots=True)
class _Likely:
    """Log of the likelihood of each shift in each window, over that of the best, and what differs there.

    Attributes
    ----------
    log : (windows, rows, columns) array
        At each mean of pixels, the unit of all shifts.
    misfit : (windows, rows, columns) array
        Mean square of what differs, over what is expected of the same ground.
    """

    log: Floats
    misfit: Floats

    @classmethod
    def of(cls, strips: Strips) -> "_Likely | None":
        noise = float(np.mean([noises_of(one)[0] ** 2 for one in (strips.here, strips.beside)]))
        here, beside = (_detail(one) for one in (strips.here, strips.beside))
        rows, columns = here.shape
        most_x = min(_MOST_X, columns // 3)
        size = _WINDOW_ROWS * (columns - 2 * most_x)
        power = _GAIN * noise / _PIXEL**2 + _ROUNDING
        log, misfit = [], []
        for row in range(_MOST_Y, rows - _MOST_Y - _WINDOW_ROWS + 1, _WINDOW_ROWS):
            window = here[row : row + _WINDOW_ROWS, most_x : columns - most_x]
            area = beside[row - _MOST_Y : row + _WINDOW_ROWS + _MOST_Y]
            both = cv2.matchTemplate(area, window, cv2.TM_CCORR)
            apart = np.maximum(cv2.matchTemplate(area, window, cv2.TM_SQDIFF), 0)
            whole = float((window * window).mean())
            # Correlation of two images of the same ground: two normal distributions with that, or with none.
            alike = min(max(1 - power / max(whole, 1e-6), 0.0), _MOST_ALIKE)
            squares = apart + 2 * both
            known = max(whole, 1e-6) * (1 - alike**2) * _CORRELATED
            log.append(np.asarray((alike * both - alike**2 / 2 * squares) / known, np.float32))
            misfit.append(np.asarray(apart / (2 * size * max(whole * (1 - alike), power)), np.float32))
        if len(log) < _LEAST:
            return None
        found = np.array(log)
        found -= found.max(axis=(1, 2), keepdims=True)
        for one in found:
            if not _is_clear(one):
                one[:] = 0
        return cls(np.maximum(found, -_OF_A_WINDOW), np.array(misfit))

    @property
    def count(self) -> int:
        """Number of windows."""
        return len(self.log)

    def peaks(self) -> Points:
        """Return the likeliest shifts of the windows, one after the other, column and row."""
        found = []
        for surface in self.log:
            top = np.unravel_index(int(np.argmax(surface)), surface.shape)
            row, column = (int(one) for one in np.clip(top, 1, np.array(surface.shape) - 2))
            off_x = _peak(surface[row, column - 1 : column + 2].tolist())
            off_y = _peak(surface[row - 1 : row + 2, column].tolist())
            found.append((column + off_x, row + off_y))
        return np.array(found)

    def at(self, points: Points) -> Points:
        """Return the log of the likelihood of shifts, (..., windows, 2), between those that were measured."""
        windows, rows, columns = self.log.shape
        x, y = points[..., 0], points[..., 1]
        inside = (x >= 0) & (x <= columns - 1) & (y >= 0) & (y <= rows - 1)
        left, top = (
            np.clip(np.floor(one).astype(int), 0, most - 2) for one, most in ((x, columns), (y, rows))
        )
        right, down = np.clip(x - left, 0, 1), np.clip(y - top, 0, 1)
        of = np.arange(windows)
        above = self.log[of, top, left] * (1 - right) + self.log[of, top, left + 1] * right
        below = self.log[of, top + 1, left] * (1 - right) + self.log[of, top + 1, left + 1] * right
        # Of a place beyond those that were looked at nothing is known.
        unknown = self.log.mean(axis=(1, 2))
        return np.asarray(np.where(inside, above * (1 - down) + below * down, unknown), np.float64)

    def of_paths(self, first: Points, last: Points) -> Points:
        """Return the log of the likelihood of shifts that go steadily from a first to a last one."""
        part = np.linspace(0, 1, self.count)[:, None]
        return np.asarray(self.at(first[:, None] * (1 - part) + last[:, None] * part).sum(axis=1))

    def still(self, peaks: Points) -> tuple[float, Points]:
        """Return the likeliest shift of all windows: its likelihood, and where it is."""
        clear = self.log.min(axis=(1, 2)) < 0
        middle = np.median(peaks[clear] if clear.any() else peaks, axis=0)
        places = np.concatenate([peaks, middle[None]])
        logs = self.of_paths(places, places)
        best = int(np.argmax(logs))
        return float(logs[best]), places[best]

    def drifts(self, peaks: Points) -> list[_Way]:
        """Return the likeliest steady drift through two windows of those that go far, and of the others."""
        one, other = np.triu_indices(self.count, max(1, int(0.4 * self.count)))
        slope = (peaks[other] - peaks[one]) / (other - one)[:, None]
        first, last = peaks[one] - slope * one[:, None], peaks[one] + slope * (self.count - 1 - one)[:, None]
        logs = self.of_paths(first, last)
        # The strip goes on above and below the windows.
        whole = (self.count + 2 * _MOST_Y / _WINDOW_ROWS) / (self.count - 1)
        ways_px = np.hypot(*(last - first).T) * whole * _PIXEL
        return [
            _Way(float(logs[n]), float(ways_px[n]), np.linspace(first[n], last[n], self.count))
            for n in _likeliest(logs, ways_px)
        ]

    def jumps(self, peaks: Points) -> list[_Way]:
        """Return the likeliest single jump between two windows of those that go far, and of the others."""
        # Of each place, window by window.
        logs = self.at(np.repeat(peaks[:, None], self.count, axis=1))
        above = np.cumsum(logs, axis=1)
        below = above[:, -1:] - above
        after = np.arange(1, self.count - 2)
        sums = above[:, None, after] + below[None, :, after]
        apart_px = np.hypot(*(peaks[None] - peaks[:, None]).transpose(2, 0, 1)) * _PIXEL
        ways_px = np.broadcast_to(apart_px[..., None], sums.shape)
        found = []
        for n in _likeliest(sums.ravel(), ways_px.ravel()):
            one, other, place = np.unravel_index(n, sums.shape)
            upper = np.arange(self.count)[:, None] <= after[place]
            path = np.where(upper, peaks[one], peaks[other])
            found.append(_Way(float(sums.flat[n]), float(ways_px.flat[n]), path))
        return found

    def fits(self, path: Points) -> bool:
        """Return True if both images show the same ground at some shifts, but for noise."""
        columns, rows = np.rint(path).astype(int).T
        _, most_rows, most_columns = self.misfit.shape
        inside = (rows >= 0) & (rows < most_rows) & (columns >= 0) & (columns < most_columns)
        found = self.misfit[np.flatnonzero(inside), rows[inside], columns[inside]]
        return bool(found.size and found.mean() <= _FITS)

    def stands(self, point: Points) -> bool:
        """Return True if either end of the strip alone shows that it is shifted so, and not otherwise."""
        third = max(1, self.count // 3)
        rows, columns = np.indices(self.log.shape[1:])
        near = np.hypot(columns - point[0], rows - point[1]) <= 2
        for part in (self.log[:third], self.log[-third:]):
            sums = part.sum(axis=0)
            if not near.any() or near.all() or sums[near].max() - sums[~near].max() < _OF_AN_END:
                return False
        return True


def _likeliest(logs: Points, ways_px: Points) -> list[int]:
    """Return the places of the likeliest far way and of the likeliest other one, where there are any."""
    far = ways_px >= DRIFT_PX
    return [int(np.argmax(np.where(one, logs, -np.inf))) for one in (far, ~far) if one.any()]


def _is_clear(log: Floats) -> bool:
    """Return True if a window says where it lies: one that shows a line, or a little detail, does not."""
    row, column = (int(one) for one in np.unravel_index(int(np.argmax(log)), log.shape))
    near = 3
    others = log.copy()
    others[max(0, row - near) : row + near + 1, max(0, column - near) : column + near + 1] = -math.inf
    return bool(others.max() <= log[row, column] - _CLEAR)


def _detail(image: Floats) -> Floats:
    """Return the detail of means of pixels, without the brightness of rows."""
    rows, columns = (side // _PIXEL for side in image.shape)
    whole = np.ascontiguousarray(image[: rows * _PIXEL, : columns * _PIXEL])
    means = np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
    detail = _blurred(means, _DETAIL[0]) - _blurred(means, _DETAIL[1])
    return np.asarray(detail - detail.mean(axis=1, keepdims=True), np.float32)


def _blurred(image: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def _of_noise() -> tuple[float, float]:
    """Return the power of noise in the detail, and how many of its pixels tell as much as one."""
    one = np.zeros((65, 65), np.float32)
    one[32, 32] = 1
    kernel = _blurred(one, _DETAIL[0]) - _blurred(one, _DETAIL[1])
    shared = np.fft.irfft2(np.abs(np.fft.rfft2(kernel, (130, 130))) ** 2, (130, 130))
    return float(shared[0, 0]), float(((shared / shared[0, 0]) ** 2).sum())


_GAIN, _CORRELATED = _of_noise()


def _peak(three: Sequence[float]) -> float:
    """Return the place of the top of a parabola through three values, from the middle one."""
    before, top, after = three
    bend = before - 2 * top + after
    return float(np.clip(0.5 * (before - after) / bend, -1, 1)) if bend < 0 else 0.0
