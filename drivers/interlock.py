"""What keeps stage, camera and scan generator out of each other's way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from drivers.errors import NotReadyError


class Interlock:
    """One of a move, an exposure or a scan at a time; the others are refused, not queued."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: str | None = None

    @contextmanager
    def holding(self, what: str) -> Iterator[None]:
        """Claim the microscope for `what` ("a scan").

        Raises
        ------
        NotReadyError
            Something else runs.
        """
        with self._lock:
            if self._busy is not None:
                raise NotReadyError(f"{what} was refused: {self._busy} runs")
            self._busy = what
        try:
            yield
        finally:
            with self._lock:
                self._busy = None
