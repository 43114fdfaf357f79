"""What a fluorescence light and camera must offer."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drivers.pose import Pose


@dataclass(frozen=True, slots=True)
class FmSettings:
    """Settings of one fluorescence exposure."""

    exposure_s: float
    em_gain: float
    excitation_nm: float
    power_density_w_per_cm2: float


@dataclass(frozen=True, slots=True)
class FmFrame:
    """One fluorescence frame as the camera gave it.

    Attributes
    ----------
    pixels : (rows, columns) array of uint8 or uint16
        Raw, linear grey levels, offset included.
    pose : Pose
        Where it lies, by the stage's read-back at the time of exposure.
    settings : FmSettings
        As read back from the hardware, or as recorded.
    offset_adu : float
        Grey level of no light.
    taken_at_s : float
        Start of the exposure on the microscope's clock, s.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    pose: Pose
    settings: FmSettings
    offset_adu: float
    taken_at_s: float


class Light(Protocol):
    """The excitation light. `off` may be called at any time, from any thread, also after a failure."""

    def on(self, excitation_nm: float, power_density_w_per_cm2: float, timeout_s: float) -> None:
        """Switch the source nearest `excitation_nm` on and all others off; returns when it shines.

        Raises
        ------
        OutOfRangeError
            No source of that wavelength, or too much power.
        DriverError
            The light may be on or off: call `off`.
        """
        ...

    def off(self) -> None:
        """Switch all sources off, within 1 s; harmless when they are off."""
        ...

    def is_on(self) -> bool:
        """Whether any source shines, as read from the hardware."""
        ...


class FluorescenceCamera(Protocol):
    """The camera. It neither switches the light nor moves the stage."""

    def expose(self, settings: FmSettings, timeout_s: float) -> FmFrame:
        """Take one frame; blocks for the exposure and the readout.

        The frame is a new one, begun after the call. Safe to repeat after any error.

        Raises
        ------
        DeviceTimeoutError
            No frame after `timeout_s`.
        InterruptedCallError
            `stop` was called.
        OutOfRangeError
            A setting that the camera does not have.
        DeviceLostError, DriverError
        """
        ...

    def stop(self) -> None:
        """End `expose` from another thread, within 1 s; harmless when nothing runs."""
        ...


class LightFocus(Protocol):
    """The drive that moves the fluorescence objective along z; up is positive."""

    def move_to(self, z_m: float, timeout_s: float) -> float:
        """Go to a height, settle, and return the read-back, m; blocks. Safe to repeat after any error.

        Raises
        ------
        OutOfRangeError
            Not finite or outside `range_m`; nothing moved.
        DeviceTimeoutError, DeviceLostError, DriverError
        """
        ...

    def position(self) -> float:
        """Read the height back, m; does not block."""
        ...

    def range_m(self) -> tuple[float, float]:
        """Lowest and highest position, m."""
        ...


@runtime_checkable
class Cooled(Protocol):
    """What a camera offers besides that is cooled and says so."""

    def temperature_c(self) -> float:
        """Read the temperature of the sensor back, degrees Celsius; does not block.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...

    def target_temperature_c(self) -> float:
        """Temperature that the cooling is set to, degrees Celsius."""
        ...
