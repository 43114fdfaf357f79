"""Protocols of the fluorescence half: light source, camera and objective drive."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drivers.pose import Pose


@dataclass(frozen=True, slots=True)
class FmSettings:
    """Settings of one fluorescence exposure.

    Attributes
    ----------
    exposure_s : float
        Exposure time, s; above 0 and at most 600.
    em_gain : float
        Electron-multiplying gain, 1 to 300; 1 is no multiplication.
    excitation_nm : float
        Wavelength of the excitation, nm.
    power_density_w_per_cm2 : float
        At the specimen, W/cm2.
    """

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
        Position on the stage, by the stage's read-back at the time of exposure.
    settings : FmSettings
        As read back from the hardware, or as recorded.
    offset_adu : float
        Grey level without light.
    taken_at_s : float
        Start of the exposure on the microscope's clock, s.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    pose: Pose
    settings: FmSettings
    offset_adu: float
    taken_at_s: float


class Light(Protocol):
    """The excitation light. `off` may be called at any time, from any thread, also after an error."""

    def on(self, excitation_nm: float, power_density_w_per_cm2: float, timeout_s: float) -> None:
        """Switch on the source nearest to a wavelength and all others off; returns once it is on.

        Parameters
        ----------
        excitation_nm : float
            Wavelength, nm.
        power_density_w_per_cm2 : float
            At the specimen, W/cm2; above 0.
        timeout_s : float
            Longest time, s, after which the call raises.

        Raises
        ------
        OutOfRangeError
            No source of that wavelength, or not that much power; no source was switched on.
        NotReadyError
            A move, an exposure or a scan is running; the light is unchanged.
        DeviceTimeoutError, DeviceLostError, DriverError
            The light may be on: call `off`.
        """
        ...

    def off(self) -> None:
        """Switch all sources off, within 1 s; harmless when they are off.

        Raises
        ------
        DeviceLostError, DriverError
            The light may be on.
        """
        ...

    def is_on(self) -> bool:
        """Return True if the hardware reads back that any source is on.

        Raises
        ------
        DeviceLostError, DriverError
            Unknown: assume that the light is on.
        """
        ...


class FluorescenceCamera(Protocol):
    """The camera. It neither switches the light nor moves the stage."""

    def expose(self, settings: FmSettings, timeout_s: float) -> FmFrame:
        """Take one frame; blocks for exposure and readout. Safe to repeat after any error.

        Parameters
        ----------
        settings : FmSettings
        timeout_s : float
            Longest time, s, after which the call raises.

        Returns
        -------
        FmFrame
            A frame whose exposure began after the call; an older one is never returned.

        Raises
        ------
        OutOfRangeError
            A setting that the camera does not have; nothing was exposed.
        NotReadyError
            A move or a scan is running; nothing was exposed.
        DeviceTimeoutError
            No frame within `timeout_s`.
        InterruptedCallError
            `stop` was called.
        DisturbedError
            Another program moved the stage, or changed light, filter or camera meanwhile.
        DeviceLostError, DriverError
            No frame, or one that may not be the one that was asked for.
        """
        ...

    def stop(self) -> None:
        """End `expose` from another thread, within 1 s; harmless when nothing runs."""
        ...


class LightFocus(Protocol):
    """The drive that moves the fluorescence objective along z; up is positive."""

    def move_to(self, z_m: float, timeout_s: float) -> float:
        """Move to a height and settle; blocks. Safe to repeat after any error.

        Parameters
        ----------
        z_m : float
            Target, m.
        timeout_s : float
            Longest time, s, after which the call raises.

        Returns
        -------
        float
            Height read back, m.

        Raises
        ------
        OutOfRangeError
            A height that is not finite or outside `range_m`; nothing moved.
        NotReadyError
            An exposure or a scan is running; nothing moved.
        DeviceTimeoutError, DeviceLostError, DriverError
            The objective may be anywhere, and may still move.
        """
        ...

    def position(self) -> float:
        """Read the height back, m; does not block.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...

    def range_m(self) -> tuple[float, float]:
        """Return the lowest and the highest position, m.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...


@runtime_checkable
class Cooled(Protocol):
    """Temperatures of a cooled camera that reports them."""

    def temperature_c(self) -> float:
        """Read the temperature of the sensor back, degrees Celsius; does not block.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...

    def target_temperature_c(self) -> float:
        """Return the temperature that the cooling is set to, degrees Celsius."""
        ...
