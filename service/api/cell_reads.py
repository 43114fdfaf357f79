"""Replies about the cells of the whole session."""

from collections.abc import Mapping

from service.api.wire.fields import CellCounts
from service.model.jobs import JobState
from service.store.store import Store


class CellCounter:
    """Counts of the cells; only sections whose jobs have changed are counted anew. Not thread-safe.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._imaged: dict[str, tuple[Mapping[JobState, int], int]] = {}
        """Job counts and imaged cells by section. Jobs are only added, and done for ever: equal counts mean
        equal cells."""

    def now(self) -> CellCounts:
        """Return the counts."""
        specimen = self._store.specimen
        for section, jobs in self._store.queue.counts_by_section().items():
            known = self._imaged.get(section)
            if known is None or known[0] != jobs:
                imaged = specimen.imaged_cells(section) if jobs.get(JobState.DONE) else 0
                self._imaged[section] = jobs, imaged
        return CellCounts(
            found=specimen.cell_count(),
            imaged=sum(imaged for _, imaged in self._imaged.values()),
            in_review=specimen.cells_in_review(),
        )
