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
