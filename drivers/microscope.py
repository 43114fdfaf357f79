"""All devices of one integrated light and electron microscope."""

from dataclasses import dataclass
from typing import Any, Protocol

from drivers.chamber import Chamber
from drivers.chamber_by_hand import ChamberByHand
from drivers.fluorescence import FluorescenceCamera, Light, LightFocus
from drivers.sem import ElectronFocus, Sem
from drivers.stage import Stage


@dataclass(frozen=True, slots=True)
class PutBack:
    """Outcome of putting settings back.

    Attributes
    ----------
    done : tuple of str
        Names of the settings that were changed back.
    left : tuple of str
        Sentences on what was left as it is, with the reason.
    complete : bool
        False if something is still to be put back.
    """

    done: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    complete: bool = True


class FoundSettings(Protocol):
    """The settings that the hardware had before this program changed any."""

    def values(self) -> dict[str, Any]:
        """Return them as JSON values, to be kept for another process."""
        ...

    def recall(self, values: dict[str, Any]) -> None:
        """Replace them by those that an earlier process found, which ended before it put them back."""
        ...

    def put_back(self, timeout_s: float) -> PutBack:
        """Put them back, at an orderly end only: beam blanked, light off, nothing of this program running.

        The light stays off and an open blanker is never opened again, whatever was found.

        Raises
        ------
        DeviceTimeoutError, DeviceLostError, DriverError
            Some may not have been put back; beam and light are as they were.
        """
        ...


@dataclass(frozen=True, slots=True)
class FluorescenceHalf:
    """The fluorescence devices, where another machine drives SEM and chamber."""

    camera: FluorescenceCamera
    light: Light
    stage: Stage
    light_focus: LightFocus | None = None
    """Drive of the fluorescence objective; None where it is focused by hand."""
    found: FoundSettings | None = None
    """Settings to put back at an orderly end; None where none are kept."""
    cautions: tuple[str, ...] = ()
    """Warnings for people before a session, in sentences."""


@dataclass(frozen=True, slots=True)
class Microscope:
    """The devices, each behind its Protocol."""

    camera: FluorescenceCamera
    light: Light
    stage: Stage
    sem: Sem
    chamber: Chamber
    focus: ElectronFocus | None = None
    """Automatic focus of the beam; None where the machine has none."""
    light_focus: LightFocus | None = None
    """Drive of the fluorescence objective; None where it is focused by hand."""
    found: FoundSettings | None = None
    """Settings to put back at an orderly end; None where none are kept."""
    chamber_by_hand: ChamberByHand | None = None
    """The chamber again where a person operates it; None where the program does."""
    cautions: tuple[str, ...] = ()
    """Warnings for people before a session, in sentences."""
