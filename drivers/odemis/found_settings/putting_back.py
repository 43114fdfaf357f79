"""Settings of a SECOM put back at the orderly end of a session."""

from typing import Any

from drivers.errors import DriverError
from drivers.guards.interlock import Interlock
from drivers.microscope import PutBack
from drivers.odemis.client import OdemisClient
from drivers.odemis.found_settings.settings import in_order
from drivers.odemis.sem import OdemisSem

_FILTER_S = 10.0
"""Time for the filter wheel, s; chosen by hand, not measured."""


class OdemisFound:
    """Implements `drivers.microscope.FoundSettings`.

    Parameters
    ----------
    client : OdemisClient
    interlock : Interlock
    found : dict
        As `settings_of` returns it.
    sem : OdemisSem or None
        None if another server drives the SEM.
    """

    def __init__(
        self, client: OdemisClient, interlock: Interlock, found: dict[str, Any], sem: OdemisSem | None
    ) -> None:
        self._client, self._interlock, self._found, self._sem = client, interlock, found, sem
        self._recalled = False

    def values(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return dict(self._found)

    def recall(self, values: dict[str, Any]) -> None:
        """Replace the settings by those that an earlier process found."""
        self._found = {**self._found, **values}
        self._recalled = True

    def put_back(self, timeout_s: float) -> PutBack:
        """Put camera, filter and scan generator back, and at last an automatic blanker."""
        settings = in_order(self._found["settings"])
        left: list[str] = []
        complete = True
        sem = self._sem
        # Of a scan that an earlier process began, only the recalled settings are known.
        ours = sem is not None and (sem.has_scanned() or self._recalled)
        scanning = sem is not None and ours and sem.may_scan()
        if scanning:
            settings.pop("ebeam", None)
            left.append("the e-beam keeps the settings of the session: a scan that was stopped may still run")
            complete = False
        with self._interlock.holding("putting the settings back"):
            said = self._client.long(
                "put_back",
                timeout_s,
                settings=settings,
                band=self._found["band"],
                timeout_s=min(_FILTER_S, timeout_s),
            ).result
            done = list(said["done"])
            left += [f"{name} was not put back: {why}" for name, why in said["failed"].items()]
            if self._found["blanker"] == "automatic":
                complete = self._automatic(scanning, done, left) and complete
            elif self._found["blanker"] == "open":
                left.append("the beam stays blanked, though it was not at the start")
        if self._found["light"]:
            left.append("the light stays off, though it was on at the start")
        return PutBack(tuple(done), tuple(left), complete and not said["failed"])

    def _automatic(self, scanning: bool, done: list[str], left: list[str]) -> bool:
        stays = "live images stay black until you set it to automatic in Odemis (e-beam, blanker)"
        if scanning:
            left.append(f"the blanker stays closed, as a scan that was stopped may still run; {stays}")
            return False
        try:
            self._client.quick("leave_blanker_automatic")
        except DriverError as error:
            left.append(f"the blanker stays closed: {error}; {stays}")
            return False
        done.append("e-beam blanker (automatic)")
        return True
