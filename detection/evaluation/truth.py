"""Cells of the truth, with which detection is evaluated and trained."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx


@dataclass(frozen=True, slots=True)
class TrueCell:
    """One cell of the truth.

    Attributes
    ----------
    id : str
        The same for one cell in all serial sections, where that is known.
    box : BoxPx
        Around the whole cell, undilated.
    mask : (rows, columns) array of bool or None
        Its pixels within `box`; None if only the box is known.
    contrast_to_noise : float or None
        Mean signal of its labelled pixels over the noise of a background pixel.
    counted : bool
        False for marks that may be found or not: grazed cells, artefacts, unclear ones.
    kind : str
        Kind given by a reader, such as clear or dim; empty if there are no kinds.
    """

    id: str
    box: BoxPx
    mask: NDArray[np.bool_] | None = None
    contrast_to_noise: float | None = None
    counted: bool = True
    kind: str = ""

    @classmethod
    def of_mask(cls, name: str, mask: NDArray[np.bool_], origin_px: tuple[int, int] = (0, 0)) -> Self:
        """Return the cell of a mask, whose first pixel is at column and row `origin_px`.

        Raises
        ------
        ValueError
            Raised when no pixel is true.
        """
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            raise ValueError(f"the mask of {name} has no pixels")
        y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        left, top = origin_px
        return cls(name, BoxPx(left + x0, top + y0, left + x1, top + y1), mask[y0:y1, x0:x1].copy())

    @property
    def area_px(self) -> int:
        """Number of pixels of the cell; of its box if only that is known."""
        return self.box.area_px if self.mask is None else int(self.mask.sum())

    def share_inside(self, imaged: NDArray[np.bool_]) -> float:
        """Return the share of its pixels that is true in a mask of the frame, 0..1."""
        inside = imaged[self.box.slices]
        own = np.ones((self.box.height_px, self.box.width_px), bool) if self.mask is None else self.mask
        return float((own[: inside.shape[0], : inside.shape[1]] & inside).sum() / self.area_px)
