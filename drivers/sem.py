"""What a scanning electron microscope must offer."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class BeamSettings:
    """Beam and column.

    Attributes
    ----------
    accelerating_voltage_v, spot_size, aperture_m, working_distance_m, detector
    probe_current_a : float or None
        As read; None where no device tells.
    as_configured : tuple of str
        Names of what no device tells: it is what the configuration says, as a person has set it.
    """

    accelerating_voltage_v: float
    spot_size: float
    aperture_m: float
    working_distance_m: float
    detector: str
    probe_current_a: float | None = field(default=None, compare=False)
    as_configured: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """One scan about the stage position, or off it by a beam shift.

    Attributes
    ----------
    size_px : (int, int)
        Width and height that show specimen, px; a data bar is never part of it.
    pixel_size_m : float
    dwell_s : float
    nonce : str
        Made for this scan; comes back in the image, so that an orphan of an earlier one is recognised.
    beam_shift_m : (float, float)
        Where the middle of the scan lies on the specimen, seen from the stage position, x and y, m; its
        length is at most `Sem.max_beam_shift_m`.
    """

    size_px: tuple[int, int]
    pixel_size_m: float
    dwell_s: float
    nonce: str
    beam_shift_m: tuple[float, float] = (0.0, 0.0)

    @property
    def beam_s(self) -> float:
        """Time under the beam, s: pixels x dwell."""
        return self.size_px[0] * self.size_px[1] * self.dwell_s


@dataclass(frozen=True, slots=True)
class ScanImage:
    """An electron image with what the hardware says of it.

    Attributes
    ----------
    pixels : (rows, columns) array of uint8 or uint16
    center_m : (float, float)
        Where the middle of the image lies: stage read-back at the start of the scan plus beam shift, m.
    pixel_size_m, dwell_s : float
        As read back.
    nonce : str
        That of the request.
    beam : BeamSettings
        As read back.
    remark : str or None
        What a person should know of an image that is good all the same; goes into the ledger.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    center_m: tuple[float, float]
    pixel_size_m: float
    dwell_s: float
    nonce: str
    beam: BeamSettings
    remark: str | None = None


class ElectronFocus(Protocol):
    """The automatic focus of the beam, where the machine has one."""

    def autofocus(self, request: ScanRequest, timeout_s: float) -> float:
        """Focus with the beam on a rectangle, and return the working distance found, m; blocks.

        The rectangle is exposed, for how long is the machine's affair; nothing beyond it. The beam is blanked
        when it returns and, as far as the hardware answers, when it raises. Ended by `Sem.stop`.

        Raises
        ------
        OutOfRangeError, NotReadyError
            Refused; the beam stayed blanked.
        FocusNotFoundError
            It came to its end without a result; the working distance may be any.
        DeviceTimeoutError, InterruptedCallError, DeviceLostError, DriverError
        """
        ...

    def set_focus(self, working_distance_m: float) -> None:
        """Set the working distance without the beam.

        Raises
        ------
        OutOfRangeError, DeviceTimeoutError, DeviceLostError, DriverError
        """
        ...


class Sem(Protocol):
    """Beam, scan generator and blanker. `blank` may be called at any time, from any thread."""

    def set_beam(self, settings: BeamSettings, timeout_s: float) -> BeamSettings:
        """Set the column and return what was read back; leaves the beam blanked.

        Raises
        ------
        OutOfRangeError, DeviceTimeoutError, DeviceLostError, DriverError
        """
        ...

    def beam(self) -> BeamSettings:
        """Read the column back; changes nothing, does not block.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...

    def max_scan_px(self) -> tuple[int, int]:
        """Largest width and height of a scan that show specimen, px."""
        ...

    def max_beam_shift_m(self) -> float:
        """How far a scan may be shifted from the stage position, in any direction, m; 0 if not at all."""
        ...

    def scan(self, request: ScanRequest, timeout_s: float) -> ScanImage:
        """Unblank, scan once, blank, and return the image; blocks for `request.beam_s` and more.

        The beam is blanked when it returns and, as far as the hardware answers, when it raises. An error
        says nothing about how much of the rectangle was exposed: never repeat it without a person.

        Raises
        ------
        OutOfRangeError
            Size, pixel size, dwell or shift that the microscope does not have; the beam stayed blanked.
        NotReadyError
            Vacuum or column not ready; the beam stayed blanked.
        DeviceTimeoutError, InterruptedCallError, DeviceLostError, DriverError
        """
        ...

    def stop(self) -> None:
        """End `scan` from another thread and blank, within 1 s; harmless when nothing runs."""
        ...

    def blank(self) -> None:
        """Blank the beam, within 1 s; harmless when it is blanked."""
        ...

    def is_blanked(self) -> bool:
        """Whether the beam is blanked, as read from the hardware."""
        ...
