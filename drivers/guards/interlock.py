"""Mutual exclusion of stage, camera and scan generator."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from drivers.errors import NotReadyError


class Interlock:
    """Allows one move, exposure or scan at a time; others are refused, not queued."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: str | None = None

    @contextmanager
    def holding(self, what: str) -> Iterator[None]:
        """Claim the microscope for `what` ("a scan").

        Raises
        ------
        NotReadyError
            Another operation is running.
        """
        with self._lock:
            if self._busy is not None:
                raise NotReadyError(f"{what} was refused: {self._busy} is running")
            self._busy = what
        try:
            yield
        finally:
            with self._lock:
                self._busy = None
