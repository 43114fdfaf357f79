"""Protocols of a scanning electron microscope: beam, scan generator, blanker and automatic focus."""

from dataclasses import dataclass, field
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from config.instrument import SemConfig


@dataclass(frozen=True, slots=True)
class BeamSettings:
    """Settings of beam and column.

    Attributes
    ----------
    accelerating_voltage_v : float
    spot_size : float
        Spot size of the machine, unitless.
    aperture_m : float
        Diameter of the final aperture.
    working_distance_m : float
        From the pole piece to the point of focus.
    detector : str
    probe_current_a : float or None
        As read back; None where the hardware does not report it. Not compared.
    as_configured : tuple of str
        Attributes that the hardware does not report: they repeat the configuration. Not compared.
    """

    accelerating_voltage_v: float
    spot_size: float
    aperture_m: float
    working_distance_m: float
    detector: str
    probe_current_a: float | None = field(default=None, compare=False)
    as_configured: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def configured(cls, sem: SemConfig) -> Self:
        """Return the settings of a configuration."""
        return cls(
            accelerating_voltage_v=sem.accelerating_voltage_kv * 1e3,
            spot_size=sem.spot_size,
            aperture_m=sem.aperture_um * 1e-6,
            working_distance_m=sem.working_distance_mm * 1e-3,
            detector=sem.detector,
        )


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """One scan, centred on the stage position or placed beside it by the beam.

    Attributes
    ----------
    size_px : (int, int)
        Width and height of the scanned specimen, px; without a data bar.
    pixel_size_m : float
    dwell_s : float
        Dwell time of a pixel.
    nonce : str
        Unique to this scan; the image carries it, so that the image of an earlier scan is recognised.
    beam_shift_m : (float, float)
        Centre of the scan on the specimen relative to the stage position, x and y: at most
        `Sem.max_beam_shift_m` long, or with all of the scan inside `Sem.beam_reach_m`.
    """

    size_px: tuple[int, int]
    pixel_size_m: float
    dwell_s: float
    nonce: str
    beam_shift_m: tuple[float, float] = (0.0, 0.0)

    @property
    def beam_s(self) -> float:
        """Time under the beam, s: pixels times dwell time."""
        return self.size_px[0] * self.size_px[1] * self.dwell_s


@dataclass(frozen=True, slots=True)
class ScanImage:
    """One electron image, with the settings that it was taken with.

    Attributes
    ----------
    pixels : (rows, columns) array of uint8 or uint16
    center_m : (float, float)
        Stage position of the centre of the image: stage read-back at the start of the scan plus beam shift.
    pixel_size_m, dwell_s : float
        As read back.
    nonce : str
        That of the request.
    beam : BeamSettings
        As read back.
    remark : str or None
        A note for the user on an image that is usable nevertheless; it goes into the ledger.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    center_m: tuple[float, float]
    pixel_size_m: float
    dwell_s: float
    nonce: str
    beam: BeamSettings
    remark: str | None = None


class ElectronFocus(Protocol):
    """Automatic focus of the beam, where the machine has one."""

    def autofocus(self, request: ScanRequest, timeout_s: float) -> float:
        """Focus with the beam on a rectangle; blocks. `Sem.stop` ends it.

        Only the rectangle is exposed; the machine decides for how long. The beam is blanked on return, and
        after an error too, as far as the hardware still responds.

        Parameters
        ----------
        request : ScanRequest
            Rectangle and pixel size; the machine chooses its own dwell time.
        timeout_s : float
            Longest time, s, after which the call raises.

        Returns
        -------
        float
            Working distance found, m; it is set.

        Raises
        ------
        OutOfRangeError, NotReadyError, StoppedInTimeError
            Refused, or stopped before the beam was on: it stayed blanked, nothing was exposed.
        FocusNotFoundError
            The focus ended without a result: the rectangle was exposed, the working distance is undefined.
        DisturbedError
            As `Sem.scan`; the working distance is undefined.
        DeviceTimeoutError, InterruptedCallError, DeviceLostError, DriverError
            The rectangle may have been exposed, the working distance is undefined.
        """
        ...

    def set_focus(self, working_distance_m: float) -> None:
        """Set the working distance without the beam, which stays or becomes blanked.

        Raises
        ------
        OutOfRangeError
            The machine does not have that working distance, or read back another one.
        NotReadyError
            A scan or a move is running; nothing changed.
        DeviceTimeoutError, DeviceLostError, DriverError
            The working distance is undefined.
        """
        ...


class Sem(Protocol):
    """Beam, scan generator and blanker. `blank` may be called at any time, from any thread."""

    def set_beam(self, settings: BeamSettings, timeout_s: float) -> BeamSettings:
        """Blank the beam and set the column; blocks. Safe to repeat after any error.

        Parameters
        ----------
        settings : BeamSettings
        timeout_s : float
            Longest time, s, after which the call raises.

        Returns
        -------
        BeamSettings
            As read back; `BeamSettings.as_configured` names what cannot be.

        Raises
        ------
        OutOfRangeError
            A setting that the machine does not have, or read back differently.
        NotReadyError
            A scan or a move is running, or the beam is switched off as a whole; the column is unchanged.
        DeviceTimeoutError, DeviceLostError, DriverError
            Any part of the column may have changed; the beam is blanked as far as the hardware responds.
        """
        ...

    def beam(self) -> BeamSettings:
        """Read the column back; changes nothing and does not block.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...

    def max_scan_px(self) -> tuple[int, int]:
        """Return the largest width and height of a scan, px, without a data bar.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...

    def max_beam_shift_m(self) -> float:
        """Return the longest beam shift, in any direction, m; 0 where the beam cannot be shifted.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...

    def beam_reach_m(self) -> tuple[float, float]:
        """Return width and height of the ground around the stage position in which scans may lie, m.

        Zeros where the beam has no such reach: then only a beam shift moves a scan.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...

    def scan(self, request: ScanRequest, timeout_s: float) -> ScanImage:
        """Unblank, scan once, blank, and return the image; blocks for `request.beam_s` and some overhead.

        Every pixel of the rectangle is exposed once, and nothing outside it. The beam is blanked on return,
        and after an error too, as far as the hardware still responds.

        **Never repeat a scan that failed after the beam was on.** The rectangle may have been exposed in
        part or in full; only a person decides to expose it again.

        Parameters
        ----------
        request : ScanRequest
        timeout_s : float
            Longest time, s, overhead included, after which the call raises.

        Returns
        -------
        ScanImage
            The image of this scan; the image of an earlier one is never returned.

        Raises
        ------
        OutOfRangeError
            A size, pixel size, dwell time or place that the microscope does not have, or that it read back
            differently: the beam stayed blanked, nothing was exposed.
        NotReadyError
            No high vacuum, the beam is switched off, or another call is running: the beam stayed blanked,
            nothing was exposed.
        StoppedInTimeError
            It was stopped before the beam was on: nothing was exposed.
        DisturbedError
            Another program moved the stage, closed the blanker, or changed scan, column or detector
            meanwhile. The error has the image, if there is one, and all places where the beam was.
        DeviceTimeoutError, InterruptedCallError, DeviceLostError, DriverError
            The rectangle may have been exposed.
        """
        ...

    def stop(self) -> None:
        """Blank the beam and end `scan` or `autofocus`, within 1 s; harmless when nothing runs.

        Raises
        ------
        DeviceLostError, DriverError
            The beam may be on.
        """
        ...

    def blank(self) -> None:
        """Blank the beam, within 1 s; ends a running scan. Harmless when the beam is blanked.

        Raises
        ------
        DeviceLostError, DriverError
            The beam may be on.
        """
        ...

    def is_blanked(self) -> bool:
        """Return True if the hardware reads back that no electrons reach the specimen.

        Raises
        ------
        DeviceLostError, DriverError
            Unknown: assume that the beam is on.
        """
        ...


@runtime_checkable
class SelfBlanking(Protocol):
    """A beam whose blanker may be left to the scan generator, as before a session."""

    def is_automatic(self) -> bool:
        """Return True if the blanker opens and closes by itself with each scan of any program.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...
