"""Linear programme that covers test points by columns, rows with the same columns joined."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from planner.cover.search.central_path import central_duals
from planner.cover.search.pricing import Candidates, Column

Values = NDArray[np.float64]


class Programme:
    """Linear programme over some columns.

    Attributes
    ----------
    matrix : csc_array
    costs_s : array
    """

    def __init__(self, candidates: Candidates, pool: Sequence[Column]) -> None:
        rows = np.concatenate([c.rows for c in pool])
        columns = np.repeat(np.arange(len(pool)), [len(c.rows) for c in pool])
        needed = candidates.open[rows]
        rows, columns = rows[needed], columns[needed]
        # Equal sums of random numbers: rows with the same columns, but for a chance of about 1e-12.
        marks = np.random.default_rng(0).integers(1, 2**62, len(pool))
        sums = np.zeros(candidates.rows, dtype=np.int64)
        np.add.at(sums, rows, marks[columns])
        opened = np.nonzero(candidates.open)[0]
        _, first, classes = np.unique(sums[opened], return_index=True, return_inverse=True)
        numbers = np.full(candidates.rows, -1)
        numbers[opened[first]] = np.arange(len(first))
        kept = numbers[rows] >= 0
        self.matrix = csc_array(
            (np.ones(int(kept.sum())), (numbers[rows[kept]], columns[kept])), shape=(len(first), len(pool))
        )
        self.costs_s = np.asarray([c.cost_s for c in pool])
        self._opened, self._classes = opened, classes
        # Rows without ground, those to keep rectangles whole, are classes of their own.
        self._share = np.maximum(candidates.area_m2[opened], 1e-18)
        self._share /= np.bincount(classes, weights=self._share)[classes]
        self._rows = candidates.rows

    def needed_rows(self) -> csc_array:
        """Return the matrix without rows that are served whenever another is."""
        table = self.matrix.toarray().astype(np.float32)
        sizes = table.sum(axis=1)
        # A row with all columns of another. None has the same ones: those are joined.
        within = (table @ table.T == sizes[:, None]) & (sizes[:, None] < sizes)
        return csc_array(self.matrix[~within.any(axis=0)])

    def duals(self) -> Values:
        """Return nearly optimal duals of all rows, s."""
        joined = central_duals(self.matrix.toarray(), self.costs_s)
        found = np.zeros(self._rows)
        found[self._opened] = joined[self._classes] * self._share
        return found
