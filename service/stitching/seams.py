"""Errors of an image at its seams."""

from collections.abc import Sequence

import numpy as np

from service.stitching.canvas import Canvas, Piece
from service.stitching.documents import SeamsOfImage, Spread
from service.stitching.values import Seam


def seams_of_image(canvas: Canvas, pieces: Sequence[Piece], seams: Sequence[Seam]) -> SeamsOfImage:
    """Return the seams inside an image, by what overlapping tiles both show.

    Parameters
    ----------
    canvas : Canvas
    pieces : sequence of Piece
        Its tiles, on whole pixels.
    seams : sequence of Seam
        Of the section.
    """
    at = {piece.tile.job: piece for piece in pieces}
    inside = [
        seam
        for seam in seams
        if seam.first in at and seam.second in at and _meet(canvas, at[seam.first], at[seam.second])
    ]
    known = [seam for seam in inside if seam.measured_m is not None and seam.agrees]
    before = [seam.read_back_nm for seam in known if seam.read_back_nm is not None]
    after = [_off_nm(canvas, at[seam.first], at[seam.second], seam) for seam in known]
    return SeamsOfImage(
        seams=len(inside),
        measured=len(known),
        contradicted=sum(not seam.agrees for seam in inside),
        by_read_back=spread(before),
        as_stitched=spread(after),
    )


def spread(values_nm: Sequence[float]) -> Spread | None:
    """Return median, 95th percentile and largest; None of nothing."""
    if not values_nm:
        return None
    median, most, worst = np.percentile(values_nm, [50, 95, 100]).tolist()
    return Spread(median_nm=median, percentile_95_nm=most, worst_nm=worst)


def _meet(canvas: Canvas, one: Piece, other: Piece) -> bool:
    left, right = max(one.left, other.left, 0), min(one.right, other.right, canvas.size_px[0])
    top, bottom = max(one.top, other.top, 0), min(one.bottom, other.bottom, canvas.size_px[1])
    return left < right and top < bottom


def _off_nm(canvas: Canvas, one: Piece, other: Piece, seam: Seam) -> float:
    x = (other.left + other.right - one.left - one.right) / 2 * canvas.pixel_size_m
    y = -(other.top + other.bottom - one.top - one.bottom) / 2 * canvas.pixel_size_m
    measured = seam.measured_m or (x, y)
    return float(np.hypot(x - measured[0], y - measured[1])) * 1e9
