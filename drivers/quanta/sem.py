"""Beam, blanker and scan generator of a Quanta-style server."""

import logging
import math
import secrets
import threading

from config.instrument import SemConfig
from config.quanta import QuantaConfig
from drivers.chamber import Chamber
from drivers.clock import Clock
from drivers.errors import DeviceTimeoutError, OutOfRangeError
from drivers.guards.conditions import Conditions
from drivers.guards.interlock import Interlock
from drivers.guards.read_back import without_rounding
from drivers.guards.scan_guard import (
    beam_on,
    require_high_vacuum,
    require_scan,
    require_undisturbed,
    within_reach,
)
from drivers.guards.stopping import StopSwitch
from drivers.quanta import settings
from drivers.quanta.blanker import Blanker
from drivers.quanta.channel import Channel
from drivers.quanta.client import QuantaClient
from drivers.quanta.scans import frames
from drivers.quanta.scans.geometry import ScanArea, largest
from drivers.quanta.scans.scanning import check_scan, presets, set_scan
from drivers.quanta.scans.watching import Watching
from drivers.sem import BeamSettings, ScanImage, ScanRequest
from drivers.stage import Stage

log = logging.getLogger(__name__)


class QuantaSem:
    """Implements `drivers.sem.Sem` and `drivers.sem.ElectronFocus`.

    A scan is set, read back, begun, waited for and blanked; only then its image is fetched and checked. The
    beam rests on one point of the rectangle between unblanking and the first row, for milliseconds, and from
    the last row until its end is noticed, for at most ``quanta.poll_s``.
    Blanking, stopping and reading the blanker go over connections of their own.

    Parameters
    ----------
    client : QuantaClient
    sem : SemConfig
        Aperture and detector are set by hand on such a machine; they are as configured here.
    quanta : QuantaConfig
    clock : Clock
    interlock : Interlock
    stage : Stage
        The stage under the specimen.
    """

    def __init__(
        self,
        client: QuantaClient,
        sem: SemConfig,
        quanta: QuantaConfig,
        clock: Clock,
        interlock: Interlock,
        stage: Stage,
    ) -> None:
        self._client = client
        self._sem = sem
        self._quanta = quanta
        self._clock = clock
        self._interlock = interlock
        self._stage = stage
        self._chamber: Chamber | None = None
        self._max_pressure_pa = 0.0
        self._blanker = Blanker(client)
        self._watching = Watching(client, self._blanker, stage)
        self._channel = Channel(client, quanta, clock)
        self._switch = StopSwitch()
        self._scans = secrets.randbelow(256)
        self._last: bytes | None = None

    def connect(self, chamber: Chamber, max_pressure_pa: float) -> None:
        """Set the chamber that the SEM is mounted on; without one it refuses to scan.

        Parameters
        ----------
        chamber : Chamber
        max_pressure_pa : float
            Highest pressure for the beam, Pa.
        """
        self._chamber, self._max_pressure_pa = chamber, max_pressure_pa

    def set_beam(self, wanted: BeamSettings, timeout_s: float) -> BeamSettings:  # noqa: ARG002
        """Set the column, leave the beam blanked, and return what was read back."""
        by_hand = self._sem.aperture_um / 1e6
        if not math.isclose(wanted.aperture_m, by_hand, rel_tol=1e-6):
            raise OutOfRangeError(
                f"the aperture is changed by hand: it is {by_hand * 1e6:g} um,"
                f" not {wanted.aperture_m * 1e6:g} um"
            )
        if wanted.detector != self._sem.detector:
            raise OutOfRangeError(
                f"the detector is chosen by hand: it is {self._sem.detector}, not {wanted.detector}"
            )
        values = (
            (settings.HT_VOLTAGE, wanted.accelerating_voltage_v),
            (settings.SPOT_SIZE, wanted.spot_size),
            (settings.WORKING_DISTANCE, wanted.working_distance_m),
        )
        with self._interlock.holding("a change of the beam"):
            self.blank()
            self._blanker.require_power()
            for setting, value in values:
                settings.check(self._client, setting, value)
            for setting, value in values:
                settings.apply(self._client, setting, value)
            return self.beam()

    def beam(self) -> BeamSettings:
        """Read the column back; aperture and detector are as configured."""
        return BeamSettings(
            settings.read(self._client, settings.HT_VOLTAGE),
            settings.read(self._client, settings.SPOT_SIZE),
            self._sem.aperture_um / 1e6,
            settings.read(self._client, settings.WORKING_DISTANCE),
            self._sem.detector,
            as_configured=("aperture_m", "detector"),
        )

    def max_scan_px(self) -> tuple[int, int]:
        """Return the largest width and height of a scan, px, without a data bar."""
        return self._sem.specimen_px

    def max_beam_shift_m(self) -> float:
        """Return the longest beam shift, m; some of the range is reserved for `frames.tag_m`."""
        range_m = self._client.ask("beam_shift_info", lambda info: float(info["range"]))
        reserved_m = self._sem.pixel_size_m + 16 * frames.TAG_STEP_M
        return max(0.0, min(self._sem.beam_shift_range_um * 1e-6, range_m - reserved_m))

    def beam_reach_m(self) -> tuple[float, float]:
        """Return the field of the largest preset, m, at most ``sem.beam_reach_um``.

        Zeros for a machine without reduced areas, which places no scan beside the axis.
        """
        if not (self._sem.beam_moves and self._quanta.reduced_area):
            return 0.0, 0.0
        width_px, height_px = largest(presets(self._client))
        width_um, height_um = self._sem.beam_reach_um
        pixel_m = self._sem.pixel_size_m
        return min(width_um * 1e-6, width_px * pixel_m), min(height_um * 1e-6, height_px * pixel_m)

    def scan(self, request: ScanRequest, timeout_s: float) -> ScanImage:
        """Unblank, scan once, blank, and return the image; blocks on the clock.

        A scan that cannot end within `timeout_s` is not begun.
        """
        begin_s = self._clock.now_s()
        area = self._check(request)
        with self._interlock.holding("a scan"), self._switch.running() as wake:
            self._require_ready()
            if request.beam_s > timeout_s:
                raise DeviceTimeoutError(
                    f"a scan of {request.beam_s:g} s does not end within {timeout_s:g} s; it was not begun"
                )
            before, self._last = self._last, None
            self._quiet(wake)
            expected = self._set(request, area)
            if before is None:
                before = frames.fingerprint(self._channel.latest())
            start_m = self._stage.position()
            size_m = tuple(n * request.pixel_size_m for n in request.size_px)
            set_up = Conditions(start_m, (size_m[0], size_m[1]))
            with beam_on(), self._watching.undisturbed(set_up) as watch:
                with self._watching.beam(watch):
                    with self._blanker.unblanking(wake):
                        self._channel.run_once(request.beam_s)
                    self._channel.wait(request.beam_s, begin_s + timeout_s, wake)
                frame = self._channel.fetch(before, expected, wake)
                _log_other_place(start_m, frame)
                self._last = frames.fingerprint(frame)
                image = self._image(frame, request, area, expected, start_m)
                require_undisturbed(watch.seen, image)
                return image

    def autofocus(self, request: ScanRequest, timeout_s: float) -> float:
        """Let the machine focus on a rectangle; return the working distance that it found, m."""
        end_s = self._clock.now_s() + timeout_s
        area = self._check(request)
        with self._interlock.holding("an automatic focus"), self._switch.running() as wake:
            self._require_ready()
            self._last = None
            self._quiet(wake)
            self._set(request, area)
            set_up = Conditions(self._stage.position())
            with beam_on(), self._watching.undisturbed(set_up, focusing=True) as watch:
                with self._watching.beam(watch, focusing=True):
                    with self._blanker.unblanking(wake):
                        self._channel.begin_focus()
                    self._channel.wait_for_focus(timeout_s, end_s, wake)
                require_undisturbed(watch.seen, None)
                return settings.read(self._client, settings.WORKING_DISTANCE)

    def set_focus(self, working_distance_m: float) -> None:
        """Set the working distance, and read it back; leaves the beam blanked."""
        with self._interlock.holding("a change of the beam"):
            self.blank()
            settings.apply(self._client, settings.WORKING_DISTANCE, working_distance_m)

    def stop(self) -> None:
        """Blank the beam and end `scan` or `autofocus`; harmless when nothing runs."""
        self.blank()

    def blank(self) -> None:
        """Blank the beam and read it back; ends a running scan. Harmless when the beam is blanked.

        Raises
        ------
        DriverError
            The blanker does not answer or does not blank; in the latter case the beam was switched off.
        """
        self._switch.stop()
        self._blanker.blank()

    def is_blanked(self) -> bool:
        """Return True if the beam is blanked or switched off."""
        return self._blanker.is_blanked()

    def _check(self, request: ScanRequest) -> ScanArea:
        """Return how the machine scans the request, or refuse it before anything changes."""
        reach_m = self.beam_reach_m()
        require_scan(request, self.max_scan_px(), self.max_beam_shift_m(), reach_m)
        off_axis = within_reach(request, reach_m)
        return check_scan(self._client, request, self._quanta.reduced_area, off_axis)

    def _require_ready(self) -> None:
        require_high_vacuum(self._chamber, self._max_pressure_pa)
        self._blanker.require_power()

    def _quiet(self, wake: threading.Event) -> None:
        """Blank, and end a scan that an earlier program may have left running."""
        self._blanker.blank_now()
        self._channel.cancel_earlier(wake)

    def _set(self, request: ScanRequest, area: ScanArea) -> frames.Expected:
        self._scans += 1
        return set_scan(self._client, request, area, frames.tag_m(self._scans), self._sem.databar_px)

    def _image(
        self,
        frame: frames.Frame,
        request: ScanRequest,
        area: ScanArea,
        expected: frames.Expected,
        stage_m: tuple[float, float],
    ) -> ScanImage:
        shift_m = expected.beam_shift_m
        return ScanImage(
            frames.pixels(frame, expected),
            (
                stage_m[0] + shift_m[0] + area.off_center_m[0],
                stage_m[1] + shift_m[1] + area.off_center_m[1],
            ),
            without_rounding(expected.scanning_size_m / area.preset_px[0], request.pixel_size_m),
            expected.dwell_s,
            request.nonce,
            self.beam(),
        )


def _log_other_place(start_m: tuple[float, float], frame: frames.Frame) -> None:
    """Log a frame that reports another position than the stage.

    Some servers put the position of an earlier move into a frame: the stage's own read-back counts.
    """
    reported = frame[0].get("stage_position")
    if reported != {"x": start_m[0], "y": start_m[1]}:
        log.warning("the frame reports the position %s, the stage reads back %s", reported, start_m)
