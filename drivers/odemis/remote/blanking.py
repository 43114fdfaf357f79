"""The ways in which a SECOM keeps its beam off the specimen between scans.

The blanker is always set, never left to the scan generator: automatic blanking fails on some machines while
the scan is driven externally.
"""

from typing import Any

from drivers.odemis.remote.components import Part, WorkerError

SETTINGS = {"blanker": "blanker", "external": "external"}
"""Setting of the e-beam that each way needs; parking needs none."""


class Blanking:
    """One of the ways: ``blanker``, ``external`` or ``parked``.

    Parameters
    ----------
    beam : Part
    way : str
        Of `config.odemis.Blanking`.
    """

    def __init__(self, beam: Part, way: str) -> None:
        self._beam = beam
        self._way = way

    def close(self) -> None:
        """Keep the beam off, and read back.

        Raises
        ------
        WorkerError
            It does not obey: kind `failed`.
        """
        if self._way == "parked":
            self._hold()
        else:
            self._setting().value = self._way == "blanker"
        if not self.closed():
            problem = "the blanker does not blank"
            if self._way != "blanker":
                problem = "the external scan of the SEM does not switch"
            raise WorkerError("failed", problem)

    def closed(self) -> bool:
        """Return True if the beam is kept off; an automatic setting (None) does not count."""
        if self._way == "blanker":
            return self._setting().value is True
        if self._way == "external":
            return self._setting().value is False
        return not self._beam.has("external") or self._beam.read("external") is True

    def reading(self) -> Any:
        """Return the state of the blanker or of the external scan; None where there is neither."""
        if self._way == "parked":
            return self._beam.read("external") if self._beam.has("external") else None
        return self._setting().value

    def opened(self) -> bool | None:
        """Return the reading while the beam reaches the specimen; None where there is nothing to read."""
        if self._way == "parked":
            return True if self._beam.has("external") else None
        return self._way != "blanker"

    def is_automatic(self) -> bool:
        """Return True if the scan generator opens the blanker by itself."""
        return self._way == "blanker" and self._setting().value is None

    def leave_automatic(self) -> None:
        """Put the blanker back to automatic and read it back; other ways of blanking leave it alone.

        Raises
        ------
        WorkerError
            It does not obey: kind `failed`; it is then left blanked.
        """
        if self._way != "blanker":
            return
        self._setting().value = None
        if not self.is_automatic():
            self.close()
            raise WorkerError("failed", "the blanker does not become automatic; it is left blanked")

    def open(self) -> None:
        """Let the beam reach the specimen.

        Raises
        ------
        WorkerError
            It does not obey: kind `not-ready`.
        """
        if self._way == "parked":
            self._hold()
            return
        opened = self._way != "blanker"
        self._setting().value = opened
        if self._setting().value is not opened:
            kind = "blanker does not open" if self._way == "blanker" else "external scan does not switch on"
            raise WorkerError("not-ready", f"the {kind}")

    def _hold(self) -> None:
        """Keep the SEM from a scan of its own, which would sweep the specimen."""
        if self._beam.has("external"):
            self._beam.setting("external").value = True

    def _setting(self) -> Any:
        return self._beam.setting(SETTINGS[self._way])
