"""Beam and scan generator of a SECOM."""

import logging
import math
import secrets
import threading
from dataclasses import replace
from typing import Any

import numpy as np

from config.model import Config
from drivers.chamber import Chamber, VacuumState
from drivers.clock import Clock
from drivers.errors import (
    DeviceLostError,
    DeviceTimeoutError,
    DriverError,
    InterruptedCallError,
    NotReadyError,
    OutOfRangeError,
    StillBusyError,
)
from drivers.interlock import Interlock
from drivers.odemis.client import OdemisClient
from drivers.odemis.lane import Reply
from drivers.odemis.stage import OdemisStage
from drivers.sem import BeamSettings, ScanImage, ScanRequest
from drivers.stopping import StopSwitch

_log = logging.getLogger(__name__)

_QUICK_ESTIMATE_S = 5.0
"""Of settings and of a few blanked pixels."""
_LEAST_SPARE_S = 2.0
"""For the few blanked pixels themselves."""
_LONGEST_DWELL_S = 10e-3
_LARGEST_PIXEL_M = 1e-6


class OdemisSem:
    """Implements `drivers.sem.Sem`.

    Parameters
    ----------
    config : Config
    client : OdemisClient
    clock : Clock
    interlock : Interlock
    stage : OdemisStage
    chamber : Chamber
    """

    def __init__(
        self,
        config: Config,
        client: OdemisClient,
        clock: Clock,
        interlock: Interlock,
        stage: OdemisStage,
        chamber: Chamber,
    ) -> None:
        self._config = config
        self._client = client
        self._clock = clock
        self._interlock = interlock
        self._stage = stage
        self._chamber = chamber
        self._switch = StopSwitch()
        sem = config.sem
        width, height = sem.specimen_px
        # Of a program before this one nobody knows what it scanned; by then its longest frame has ended.
        self._free_s = clock.now_s() + client.budget_s(width * height * sem.dwell_s, math.inf)
        self._beam = BeamSettings(
            sem.accelerating_voltage_kv * 1e3,
            sem.spot_size,
            sem.aperture_um * 1e-6,
            sem.working_distance_mm * 1e-3,
            sem.detector,
        )

    def set_beam(self, settings: BeamSettings, timeout_s: float) -> BeamSettings:
        """Set what Odemis can set, blanked; aperture, working distance and the like are a person's."""
        numbers = (
            settings.accelerating_voltage_v,
            settings.spot_size,
            settings.aperture_m,
            settings.working_distance_m,
        )
        if not all(math.isfinite(number) and number > 0 for number in numbers):
            raise OutOfRangeError("voltage, spot size, aperture and working distance must be above 0")
        ready_s = self._client.budget_s(_QUICK_ESTIMATE_S, timeout_s)
        with self._interlock.holding("a change of the beam"), self._switch.running() as wake:
            try:
                self._drain(timeout_s - ready_s, wake)
            except DriverError as error:
                if not (wake.is_set() or isinstance(error, NotReadyError)):
                    raise
                # Nothing is scanned now: the first scan waits again.
                _log.warning("%s", error)
            said = self._client.long(
                "set_beam",
                ready_s,
                voltage_v=settings.accelerating_voltage_v,
                spot_size=settings.spot_size,
                current_a=self._config.sem.beam_current_pa * 1e-12,
            ).result
            self._beam = _as_told(said, settings)
        return self._beam

    def beam(self) -> BeamSettings:
        """Read the column back; Odemis tells no aperture, working distance and detector of the SEM."""
        return _as_told(self._client.quick("column"), self._beam)

    def max_scan_px(self) -> tuple[int, int]:
        """Largest scan, px: of the configuration, or what the field of the beam holds if that is less."""
        width, height = self._config.sem.specimen_px
        field = self._field_px()
        return min(width, field[0]), min(height, field[1])

    def max_beam_shift_m(self) -> float:
        """How far the largest scan can be moved in the field of the beam, m, as far as the settings allow."""
        said = self._client.quick("largest_scan", pixel_size_m=self._config.sem.pixel_size_m)
        if not said["movable"]:
            return 0.0
        width, height = self._config.sem.specimen_px
        room_px = min((said["size_px"][0] - width) / 2, (said["size_px"][1] - height) / 2)
        room_m = max(0.0, room_px) * self._config.sem.pixel_size_m
        return float(min(self._config.sem.beam_shift_range_um * 1e-6, room_m))

    def scan(self, request: ScanRequest, timeout_s: float) -> ScanImage:
        """Prepare blanked, unblank, scan once, blank; the image is proven to be the one asked for."""
        self._check(request)
        budget_s = self._client.budget_s(request.beam_s, timeout_s)
        ready_s = self._client.budget_s(_QUICK_ESTIMATE_S, timeout_s)
        with self._interlock.holding("a scan"), self._switch.running() as wake:
            self._check_vacuum()
            begun_s = self._clock.now_s()
            spare_s = timeout_s - request.beam_s - _QUICK_ESTIMATE_S
            ready = self._prepare(request, spare_s, ready_s, wake)
            here_m = self._stage.position()
            reply = self._expose(request, budget_s, wake)
            if wake.is_set():
                raise InterruptedCallError("the scan was stopped; part of it was exposed")
            if self._clock.now_s() - begun_s > timeout_s:
                raise DeviceTimeoutError(f"the scan did not end within {timeout_s:g} s")
        return self._image(request, reply, here_m, ready)

    def _drain(self, spare_s: float, wake: threading.Event) -> None:
        """Wait, blanked, for a scan that may still run: its image would be given to us as ours, beam open.

        Raises
        ------
        StillBusyError
            It has not ended in the time that there is to spare, and may take longer.
        NotReadyError
            It should have ended: the scan generator hangs.
        """
        if not self._client.orphans:
            return
        try:
            budget_s = max(spare_s, _LEAST_SPARE_S)
            self._client.long("drain", budget_s, wake, nonce=secrets.token_hex(8))
        except DeviceTimeoutError as error:
            kind = StillBusyError if self._clock.now_s() < self._free_s else NotReadyError
            raise kind(f"the beam stayed blanked: a scan of before still runs ({error})") from error
        self._client.orphans = False

    def _prepare(
        self, request: ScanRequest, spare_s: float, ready_s: float, wake: threading.Event
    ) -> dict[str, float]:
        """Set everything up, blanked; gives the pixel size and the dwell that were read back."""
        try:
            self._drain(spare_s, wake)
            return self._client.long(
                "prepare_scan",
                ready_s,
                wake,
                size_px=list(request.size_px),
                pixel_size_m=request.pixel_size_m,
                dwell_s=request.dwell_s,
                shift_m=list(request.beam_shift_m),
            ).result
        except DriverError as error:
            if wake.is_set():
                raise InterruptedCallError("the scan was stopped before the beam was on") from error
            raise

    def _expose(self, request: ScanRequest, budget_s: float, wake: threading.Event) -> Reply:
        """Scan what was prepared; the beam is blanked over the other connection, whatever became of it."""
        failure: DriverError | None = None
        # Killing a process does not end its scan: Odemis lets nobody else end a frame that was asked for.
        self._free_s = self._clock.now_s() + self._client.budget_s(request.beam_s, math.inf)
        try:
            reply = self._client.long(
                "scan", budget_s, wake, nonce=request.nonce, size_px=list(request.size_px)
            )
        except DriverError as error:
            failure = error
        try:
            self._client.quick("blank")
        except DriverError as error:
            before = f"{failure}; " if failure is not None else ""
            raise DeviceLostError(f"{before}the beam is not known to be blanked: {error}") from failure
        if failure is None:
            return reply
        if wake.is_set():
            raise InterruptedCallError("the scan was stopped; part of it was exposed") from failure
        if isinstance(failure, (OutOfRangeError, NotReadyError)):
            # The blanker was opened: no longer an error before the beam.
            raise DriverError(str(failure)) from failure
        raise failure

    def stop(self) -> None:
        """End `scan` and blank; harmless when nothing runs."""
        self._switch.stop()
        self.blank()

    def blank(self) -> None:
        """Blank the beam; a scan that runs ends, in the end by the death of its process."""
        self._switch.stop()
        self._client.quick("blank")
        if self._client.settle({"drain", "prepare_scan", "scan"}):
            # It may have opened the blanker after the first blanking.
            self._client.quick("blank")

    def is_blanked(self) -> bool:
        """Whether the beam is blanked."""
        return bool(self._client.quick("beam_state")["blanked"])

    def _field_px(self) -> tuple[int, int]:
        said = self._client.quick("largest_scan", pixel_size_m=self._config.sem.pixel_size_m)
        return int(said["size_px"][0]), int(said["size_px"][1])

    def _check(self, request: ScanRequest) -> None:
        width, height = request.size_px
        most_width, most_height = self.max_scan_px()
        if not (1 <= width <= most_width and 1 <= height <= most_height):
            raise OutOfRangeError(
                f"a scan of {width} x {height} pixels is not within 1 x 1 to {most_width} x {most_height}"
            )
        for name, unit, value, most in (
            ("pixel size", "m", request.pixel_size_m, _LARGEST_PIXEL_M),
            ("dwell time", "s", request.dwell_s, _LONGEST_DWELL_S),
        ):
            if not 0 < value <= most:
                raise OutOfRangeError(f"{name} {value:g} {unit} is not above 0 and at most {most:g} {unit}")
        shift_m, most_m = math.hypot(*request.beam_shift_m), self.max_beam_shift_m()
        if not shift_m <= most_m:
            raise OutOfRangeError(
                f"a beam shift of {shift_m * 1e6:g} um is more than the {most_m * 1e6:g} um that there are"
            )

    def _check_vacuum(self) -> None:
        state, pressure_pa = self._chamber.state(), self._chamber.pressure_pa()
        limit_pa = self._config.chamber.beam_max_pressure_pa
        if state is not VacuumState.HIGH or not pressure_pa <= limit_pa:
            raise NotReadyError(
                f"no beam in a chamber that is {state} at {pressure_pa:.3g} Pa; it needs high vacuum below"
                f" {limit_pa:g} Pa"
            )

    def _image(
        self, request: ScanRequest, reply: Reply, here_m: tuple[float, float], ready: dict[str, float]
    ) -> ScanImage:
        said, pixels = reply.result, reply.pixels
        if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
            raise DriverError("the SEM gave no image of 8 or 16 bits")
        for name, wanted in ready.items():
            found = said[name][0] if isinstance(said[name], list) else said[name]
            if found is not None and not math.isclose(found, wanted, rel_tol=0.01):
                raise DriverError(f"the image says {name} {found:g}, not {wanted:g}: it is of another scan")
        center_m = here_m[0] + request.beam_shift_m[0], here_m[1] + request.beam_shift_m[1]
        remark = self._compare_position(said, center_m)
        return ScanImage(
            pixels,
            center_m,
            _rounded(ready["pixel_size_m"], request.pixel_size_m),
            _rounded(ready["dwell_s"], request.dwell_s),
            request.nonce,
            self._beam,
            remark,
        )

    def _compare_position(self, said: dict[str, object], center_m: tuple[float, float]) -> str | None:
        """Some images right after a move carry the position before it; the stage's read-back counts.

        Returns
        -------
        str or None
            What the ledger is to say of an image with a stale position: it cannot be taken again.

        Raises
        ------
        DriverError
            It lies elsewhere, and nothing else proves that it is not of an earlier scan.
        """
        at_m = said["position_m"]
        if not isinstance(at_m, list):
            return None
        off_m = math.dist(at_m[:2], center_m)
        if off_m <= self._config.stage.arrival_tolerance_um * 1e-6:
            return None
        text = f"the image says that it lies {off_m * 1e6:.1f} um from where the stage reads back"
        if said["proof"] == "order":
            raise DriverError(f"{text}, and nothing proves that it is not of an earlier scan")
        remark = f"{text}; its position is stale, that of the stage counts"
        _log.warning("%s", remark)
        return remark


def _as_told(said: dict[str, Any], asked: BeamSettings) -> BeamSettings:
    """Return what a worker has read of the column, and where it has read nothing what was asked for."""
    told = {"accelerating_voltage_v": said["voltage_v"], "spot_size": said["spot_size"]}
    read: dict[str, Any] = {
        name: _rounded(value, getattr(asked, name)) for name, value in told.items() if value is not None
    }
    silent = (name for name, value in told.items() if value is None)
    by_hand = ("aperture_m", "working_distance_m", "detector")
    return replace(asked, **read, probe_current_a=said["current_a"], as_configured=(*silent, *by_hand))


def _rounded(found: float, asked: float) -> float:
    """Return what was asked for where the read-back differs from it by a rounding error only."""
    return asked if math.isclose(found, asked, rel_tol=1e-9) else float(found)
