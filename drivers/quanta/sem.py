"""Beam, blanker and scan generator of a Quanta-style server."""

import logging
import math
import secrets
import threading

from config.instrument import SemConfig
from config.quanta import QuantaConfig
from drivers.chamber import Chamber, VacuumState
from drivers.clock import Clock
from drivers.errors import (
    BeamOffError,
    DeviceLostError,
    DeviceTimeoutError,
    DriverError,
    InterruptedCallError,
    NotReadyError,
    OutOfRangeError,
)
from drivers.interlock import Interlock
from drivers.quanta import frames, settings
from drivers.quanta.client import Call, QuantaClient
from drivers.quanta.geometry import ScanArea
from drivers.quanta.scanning import check_scan, set_scan
from drivers.sem import BeamSettings, ScanImage, ScanRequest
from drivers.stage import Stage
from drivers.stopping import StopSwitch

log = logging.getLogger(__name__)

_LOCK_S = 0.2
"""How long blanking waits for an unblanking that is under way; it does not wait for one that hangs."""
_STALE_S = 5.0
"""How long a server may go on with showing the frame before ours."""
_CANCEL_S = 10.0
"""How long a scan that an earlier program left may take to end once it is cancelled."""
_STOOD_STILL_M = 2e-7


class QuantaSem:
    """Implements `drivers.sem.Sem` and `drivers.sem.ElectronFocus`.

    A scan is set, read back, begun, waited for, blanked, and only then its image is fetched and checked. The
    beam rests on one point of the rectangle for the milliseconds between unblanking and the first row, and
    from the last row until its end is noticed, ``quanta.poll_s`` at most.
    Blanking, stopping and reading the blanker go over connections of their own.

    Parameters
    ----------
    client : QuantaClient
    sem : SemConfig
        Aperture and detector are set by hand on such a machine: they are what this says.
    quanta : QuantaConfig
    clock : Clock
    interlock : Interlock
    stage : Stage
        Says where the specimen stands.
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
        self._switch = StopSwitch()
        self._beam_lock = threading.Lock()
        self._scans = secrets.randbelow(256)
        self._last: bytes | None = None

    def watch(self, chamber: Chamber) -> None:
        """Tell the SEM which chamber it stands in; without one it does not scan."""
        self._chamber = chamber

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
            self._demand_power()
            for setting, value in values:
                settings.check(self._client, setting, value)
            for setting, value in values:
                settings.apply(self._client, setting, value)
            return self.beam()

    def beam(self) -> BeamSettings:
        """Read the column back; no call tells aperture and detector."""
        return BeamSettings(
            settings.read(self._client, settings.HT_VOLTAGE),
            settings.read(self._client, settings.SPOT_SIZE),
            self._sem.aperture_um / 1e6,
            settings.read(self._client, settings.WORKING_DISTANCE),
            self._sem.detector,
            as_configured=("aperture_m", "detector"),
        )

    def max_scan_px(self) -> tuple[int, int]:
        """Largest width and height of a scan that show specimen, px."""
        return self._sem.specimen_px

    def max_beam_shift_m(self) -> float:
        """How far a scan may be shifted from the stage position, m; some is kept for `frames.tag_m`."""
        range_m = self._client.ask("beam_shift_info", lambda info: float(info["range"]))
        kept_m = self._sem.pixel_size_m + 16 * frames.TAG_STEP_M
        return max(0.0, min(self._sem.beam_shift_range_um * 1e-6, range_m - kept_m))

    def scan(self, request: ScanRequest, timeout_s: float) -> ScanImage:
        """Unblank, scan once, blank, and return the image; blocks on the clock.

        A scan that cannot end within `timeout_s` is not begun.
        """
        begin_s = self._clock.now_s()
        area = self._check(request)
        with self._interlock.holding("a scan"), self._switch.running() as wake:
            self._check_ready()
            if request.beam_s > timeout_s:
                raise DeviceTimeoutError(
                    f"a scan of {request.beam_s:g} s does not end within {timeout_s:g} s; it was not begun"
                )
            before, self._last = self._last, None
            self._quiet(wake)
            expected = self._set(request, area)
            if before is None:
                before = frames.fingerprint(self._latest())
            start_m = self._stage.position()
            try:
                self._expose(request, begin_s + timeout_s, wake)
            finally:
                self._blank()
            frame = self._fetch(before, expected, wake)
            self._same_place(start_m, frame)
            self._last = frames.fingerprint(frame)
            shift_m = expected.beam_shift_m
            return ScanImage(
                frames.pixels(frame, expected),
                (
                    start_m[0] + shift_m[0] + area.off_center_m[0],
                    start_m[1] + shift_m[1] + area.off_center_m[1],
                ),
                _near(expected.scanning_size_m / area.preset_px[0], request.pixel_size_m),
                expected.dwell_s,
                request.nonce,
                self.beam(),
            )

    def autofocus(self, request: ScanRequest, timeout_s: float) -> float:
        """Let the machine focus on a rectangle; return the working distance that it found, m."""
        end_s = self._clock.now_s() + timeout_s
        area = self._check(request)
        with self._interlock.holding("an automatic focus"), self._switch.running() as wake:
            self._check_ready()
            self._last = None
            self._quiet(wake)
            self._set(request, area)
            try:
                with self._beam_lock:
                    if wake.is_set():
                        raise InterruptedCallError("the focus was stopped before the beam was on")
                    self._client.call("unblank_beam")
                    self._client.call("set_autofocusing", channel=self._quanta.channel, state=True)
                while self._client.call("is_autofocusing", channel=self._quanta.channel):
                    if self._clock.now_s() >= end_s:
                        raise DeviceTimeoutError(f"the automatic focus did not end within {timeout_s:g} s")
                    if not self._clock.sleep(self._quanta.poll_s, wake):
                        raise InterruptedCallError("the focus was stopped; the ground was exposed")
            finally:
                self._blank()
            return settings.read(self._client, settings.WORKING_DISTANCE)

    def set_focus(self, working_distance_m: float) -> None:
        """Set the working distance, and read it back; leaves the beam blanked."""
        with self._interlock.holding("a change of the beam"):
            self.blank()
            settings.apply(self._client, settings.WORKING_DISTANCE, working_distance_m)

    def stop(self) -> None:
        """End `scan` or `autofocus` and blank; harmless when nothing runs."""
        self.blank()

    def blank(self) -> None:
        """Blank the beam and read it back; a scan that runs ends. Harmless when it is blanked.

        Raises
        ------
        DriverError
            The blanker does not answer or does not blank; in the latter case the beam was switched off.
        """
        self._switch.stop()
        held = self._beam_lock.acquire(timeout=_LOCK_S)
        try:
            self._blank()
        finally:
            if held:
                self._beam_lock.release()

    def is_blanked(self) -> bool:
        """Whether the beam is blanked, or switched off."""
        blanked, power = self._client.urgent(("beam_is_blanked", {}), ("get_beam_power", {}))
        return blanked is True or power is False

    def _blank(self) -> None:
        blank: tuple[Call, Call] = ("blank_beam", {}), ("beam_is_blanked", {})
        if self._client.urgent(*blank)[1] is True or self._client.urgent(*blank)[1] is True:
            return
        off = self._client.urgent(("set_beam_power", {"value": False}), ("get_beam_power", {}))[1] is False
        raise DriverError(
            "the blanker does not blank; "
            + ("the beam was switched off" if off else "AND THE BEAM DOES NOT SWITCH OFF")
        )

    def _check(self, request: ScanRequest) -> ScanArea:
        """Return how the machine scans the request, or refuse it before anything changes."""
        most_width, most_height = self.max_scan_px()
        if not (1 <= request.size_px[0] <= most_width and 1 <= request.size_px[1] <= most_height):
            raise OutOfRangeError(
                f"a scan of {request.size_px[0]} x {request.size_px[1]} pixels is not within 1 x 1 to"
                f" {most_width} x {most_height}"
            )
        area = check_scan(self._client, request, self._quanta.reduced_area)
        shift_m, most_m = math.hypot(*request.beam_shift_m), self.max_beam_shift_m()
        # A shift of just the most there is may come out larger by the rounding of its two parts.
        if not shift_m <= most_m * (1 + 1e-9):
            raise OutOfRangeError(
                f"a beam shift of {shift_m * 1e6:g} um is more than the {most_m * 1e6:g} um that there are"
            )
        return area

    def _check_ready(self) -> None:
        if self._chamber is None:
            raise NotReadyError("the SEM knows no chamber")
        state = self._chamber.state()
        if state is not VacuumState.HIGH:
            pressure_pa = self._chamber.pressure_pa()
            raise NotReadyError(f"no beam in a chamber that is {state} at {pressure_pa:.3g} Pa")
        self._demand_power()

    def _demand_power(self) -> None:
        if self._client.call("get_beam_power") is not True:
            raise BeamOffError(
                "the beam is switched off as a whole; only a person switches it on, at the SEM"
            )

    def _quiet(self, wake: threading.Event) -> None:
        """Blank, and end the scan that an earlier program may have left running."""
        self._blank()
        end_s = self._clock.now_s() + _CANCEL_S
        while self._channel_state() != "stopped":
            if self._clock.now_s() >= end_s:
                raise NotReadyError("a scan that was begun earlier does not end")
            self._client.call("set_channel_state", channel=self._quanta.channel, state="cancel")
            if not self._clock.sleep(self._quanta.poll_s, wake):
                raise InterruptedCallError("the scan was stopped before the beam was on")

    def _set(self, request: ScanRequest, area: ScanArea) -> frames.Expected:
        self._scans += 1
        return set_scan(self._client, request, area, frames.tag_m(self._scans), self._sem.databar_px)

    def _expose(self, request: ScanRequest, end_s: float, wake: threading.Event) -> None:
        """Beam on, one frame, wait for its end; the caller blanks."""
        with self._beam_lock:
            if wake.is_set():
                raise InterruptedCallError("the scan was stopped before the beam was on")
            self._client.call("unblank_beam")
            self._client.call("set_channel_state", channel=self._quanta.channel, state="run")
            # Of frames without end only the first is wanted.
            self._client.call("set_channel_state", channel=self._quanta.channel, state="stop")
        wait_s = request.beam_s
        while True:
            left_s = end_s - self._clock.now_s()
            if not self._clock.sleep(max(0.0, min(wait_s, left_s)), wake) or wake.is_set():
                raise InterruptedCallError("the scan was stopped; part of the rows were exposed")
            if self._channel_state() == "stopped":
                return
            if self._clock.now_s() >= end_s:
                raise DeviceTimeoutError("the scan did not end in time")
            wait_s = self._quanta.poll_s

    def _fetch(self, before: bytes, expected: frames.Expected, wake: threading.Event) -> frames.Frame:
        """Fetch the frame of this scan, while the beam is blanked; asked again where the connection breaks.

        It is all that is left of the ground, and to ask for it changes nothing.
        """
        end_s = self._clock.now_s() + _STALE_S
        while True:
            try:
                frame = self._latest()
            except DeviceLostError as error:
                wrong: DriverError = error
            else:
                strange = _strange(frame, before, expected)
                if frame is not None and strange is None:
                    return frame
                wrong = DriverError(strange)
            if self._clock.now_s() >= end_s:
                raise wrong
            if not self._clock.sleep(self._quanta.poll_s, wake):
                raise InterruptedCallError("stopped while its image was fetched; the rows were exposed")

    def _same_place(self, start_m: tuple[float, float], frame: frames.Frame) -> None:
        """Refuse a scan in whose course the stage moved; log what the frame says where it differs.

        Some servers put the position of an earlier move into a frame: the stage's own read-back counts.
        """
        now_m = self._stage.position()
        if math.dist(start_m, now_m) > _STOOD_STILL_M:
            raise DriverError(
                f"the stage moved by {math.dist(start_m, now_m) * 1e6:.2f} um in the course of the scan"
            )
        says = frame[0].get("stage_position")
        if says != {"x": start_m[0], "y": start_m[1]}:
            log.warning("the frame says that it was taken at %s, the stage reads back %s", says, start_m)

    def _latest(self) -> frames.Frame | None:
        found = self._client.call("get_latest_image", channel=self._quanta.channel)
        return found if isinstance(found, tuple) else None

    def _channel_state(self) -> str:
        return str(self._client.call("get_channel_state", channel=self._quanta.channel))


def _strange(frame: frames.Frame | None, before: bytes, expected: frames.Expected) -> str | None:
    """Why a frame is not that of the scan; None if it is."""
    if frame is None or frames.fingerprint(frame) == before:
        return "the SEM shows the frame that it had before the scan"
    return frames.strange(frame[0], expected)


def _near(value: float, wanted: float) -> float:
    """Return what was wanted where only rounding makes a difference."""
    return wanted if math.isclose(value, wanted, rel_tol=1e-9) else value
