"""Settings of a SEM behind a Quanta-style server before a session, put back at its orderly end."""

from dataclasses import dataclass
from typing import Any

from drivers.errors import DeviceLostError, DeviceTimeoutError, DriverError
from drivers.guards.interlock import Interlock
from drivers.microscope import FoundSettings, PutBack
from drivers.quanta import settings
from drivers.quanta.client import QuantaClient

_NUMBERS = {
    setting.name: setting
    for setting in (
        settings.ROTATION,
        settings.SCANNING_SIZE,
        settings.DWELL_TIME,
        settings.HT_VOLTAGE,
        settings.SPOT_SIZE,
        settings.WORKING_DISTANCE,
    )
}

_ALL = ("scan_mode", "resolution", "selected_area", *_NUMBERS, "beam_shift")
"""Settings in the order in which they are put back: the size of the scan limits its area."""


class QuantaFound:
    """Implements `drivers.microscope.FoundSettings`; the beam stays blanked, whatever was found.

    Parameters
    ----------
    client : QuantaClient
    interlock : Interlock
    """

    def __init__(self, client: QuantaClient, interlock: Interlock) -> None:
        self._client, self._interlock = client, interlock
        self._found: dict[str, Any] | None = None

    def values(self) -> dict[str, Any]:
        """Return the settings; the first call reads them, so make it before anything is set."""
        if self._found is None:
            self._found = {}
            for name in _ALL:
                try:
                    self._found[name] = self._client.call(f"get_{name}")
                except (DeviceLostError, DeviceTimeoutError):
                    # Each further call would wait as long for a server that is gone.
                    break
                except DriverError:
                    # What cannot be read cannot be put back either.
                    continue
        return dict(self._found)

    def recall(self, values: dict[str, Any]) -> None:
        """Replace the settings by those that an earlier process found."""
        self._found = dict(values)

    def put_back(self, timeout_s: float) -> PutBack:  # noqa: ARG002
        """Put back what differs; what fails is reported, and does not keep the others from it."""
        done: list[str] = []
        left: list[str] = []
        found = self._found or {}
        with self._interlock.holding("putting the settings back"):
            for name in (name for name in _ALL if name in found):
                label, value = f"SEM {name.replace('_', ' ')}", found[name]
                try:
                    if self._client.call(f"get_{name}") != value:
                        self._set(name, value)
                        done.append(label)
                except DriverError as error:
                    left.append(f"{label} was not put back: {error}")
        return PutBack(tuple(done), tuple(left), not left)

    def _set(self, name: str, value: Any) -> None:
        call = self._client.call
        match name:
            case "scan_mode":
                call("set_scan_mode", mode=value)
            case "resolution":
                call("set_resolution", width=value[0], height=value[1])
            case "selected_area" if value is None:
                call("reset_selected_area")
            case "selected_area":
                left, top, width, height = value
                call("set_selected_area", left=left, top=top, width=width, height=height)
            case "beam_shift":
                call("set_beam_shift", x=value["x"], y=value["y"])
            case _:
                settings.apply(self._client, _NUMBERS[name], value)


@dataclass(frozen=True, slots=True)
class FoundOfBoth:
    """Settings of a microscope of two drivers. Implements `drivers.microscope.FoundSettings`."""

    fluorescence: FoundSettings | None
    sem: FoundSettings

    def values(self) -> dict[str, Any]:
        """Return the settings of both."""
        light = {} if self.fluorescence is None else self.fluorescence.values()
        return {"fluorescence": light, "sem": self.sem.values()}

    def recall(self, values: dict[str, Any]) -> None:
        """Replace the settings of both by those that an earlier process found."""
        if self.fluorescence is not None:
            self.fluorescence.recall(values["fluorescence"])
        self.sem.recall(values["sem"])

    def put_back(self, timeout_s: float) -> PutBack:
        """Put the settings of both back; a half that does not answer does not keep the other from it."""
        results = []
        for half in (self.fluorescence, self.sem):
            try:
                results += [] if half is None else [half.put_back(timeout_s / 2)]
            except DriverError as error:
                results.append(PutBack(left=(f"some settings were not put back: {error}",), complete=False))
        return PutBack(
            tuple(name for one in results for name in one.done),
            tuple(text for one in results for text in one.left),
            all(one.complete for one in results),
        )
