"""Parts of frames that are too large for memory."""

from collections.abc import Iterator

from detection.image.boxes import BoxPx

PART_PX = 2048
"""Frames of up to 2048 x 2048 pixels, full frames of common sCMOS cameras, are taken as a whole."""


def cores_of(rows: int, columns: int, part_px: int) -> Iterator[BoxPx]:
    """Yield parts of about equal size that cover a frame without overlap."""
    down, across = -(-rows // part_px), -(-columns // part_px)
    for i in range(down):
        for j in range(across):
            yield BoxPx(
                columns * j // across,
                rows * i // down,
                columns * (j + 1) // across,
                rows * (i + 1) // down,
            )
