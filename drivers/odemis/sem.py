"""Beam and scan generator of a SECOM."""

import logging
import math
import secrets
import threading
from dataclasses import replace
from typing import Any

from config.model import Config
from drivers.chamber import Chamber
from drivers.clock import Clock
from drivers.errors import (
    DeviceLostError,
    DeviceTimeoutError,
    DriverError,
    InterruptedCallError,
    NotReadyError,
    OutOfRangeError,
    StillBusyError,
    StoppedInTimeError,
)
from drivers.guards.conditions import MAGNIFICATION, Conditions, of, with_field
from drivers.guards.interlock import Interlock
from drivers.guards.limits import require_positive
from drivers.guards.scan_guard import beam_on, require_high_vacuum, require_scan, require_undisturbed
from drivers.guards.stopping import StopSwitch, interrupted
from drivers.odemis.client import OdemisClient
from drivers.odemis.column import read_column
from drivers.odemis.lane import Reply
from drivers.odemis.scan_image import scan_image
from drivers.odemis.stage import OdemisStage
from drivers.sem import BeamSettings, ScanImage, ScanRequest

_log = logging.getLogger(__name__)

_QUICK_ESTIMATE_S = 5.0
"""Estimated time for a change of settings and a few blanked pixels, s; chosen by hand, not measured."""
_LEAST_DRAIN_S = 2.0
"""Shortest wait for an earlier scan to end, s; chosen by hand, not measured."""
_LONGEST_DWELL_S = 10e-3
"""The limit of `config.instrument.SemConfig.dwell_us`."""
_LARGEST_PIXEL_M = 1e-6
"""The limit of `config.instrument.SemConfig.pixel_size_nm`."""


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
        # It is unknown what an earlier program scanned; by then its longest frame has ended.
        self._free_s = clock.now_s() + client.budget_s(width * height * sem.dwell_s, math.inf)
        self._beam = BeamSettings.configured(sem)
        self._scanned = False
        self._parked = config.beam_is_parked
        self._scans_until_s = -math.inf

    def set_beam(self, settings: BeamSettings, timeout_s: float) -> BeamSettings:
        """Blank, and set what Odemis can set; aperture, working distance and detector are set by hand."""
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
            found = self._client.long(
                "set_beam",
                ready_s,
                voltage_v=settings.accelerating_voltage_v,
                spot_size=settings.spot_size,
                current_a=self._config.sem.beam_current_pa * 1e-12,
            ).result
            self._beam = read_column(found, settings)
        return self._beam

    def beam(self) -> BeamSettings:
        """Read the column back; aperture, working distance and detector are as configured."""
        return read_column(self._client.quick("column"), self._beam)

    def max_scan_px(self) -> tuple[int, int]:
        """Return the largest scan, px: the configured one, or the field of the beam where that is less."""
        width, height = self._config.sem.specimen_px
        field = self._field()["size_px"]
        return min(width, int(field[0])), min(height, int(field[1]))

    def max_beam_shift_m(self) -> float:
        """Return the longest beam shift, m, that keeps the largest scan inside the field of the beam.

        It never exceeds ``sem.beam_shift_range_um``.
        """
        field = self._field()
        if not field["movable"]:
            return 0.0
        width, height = self._config.sem.specimen_px
        room_px = min((field["size_px"][0] - width) / 2, (field["size_px"][1] - height) / 2)
        room_m = max(0.0, room_px) * self._config.sem.pixel_size_m
        return float(min(self._config.sem.beam_shift_range_um * 1e-6, room_m))

    def beam_reach_m(self) -> tuple[float, float]:
        """Return the field of the beam, m, at most ``sem.beam_reach_um``; zeros where no scan moves in it."""
        sem, field = self._config.sem, self._field()
        if not (sem.beam_moves and field["movable"]):
            return 0.0, 0.0
        width_m, height_m = (
            min(most_um * 1e-6, size * sem.pixel_size_m)
            for most_um, size in zip(sem.beam_reach_um, field["size_px"], strict=True)
        )
        return width_m, height_m

    def scan(self, request: ScanRequest, timeout_s: float) -> ScanImage:
        """Prepare the scan blanked, unblank, scan once, blank, and check that the image is of this scan."""
        require_scan(request, self.max_scan_px(), self.max_beam_shift_m(), self.beam_reach_m())
        require_positive("pixel size", request.pixel_size_m, _LARGEST_PIXEL_M, "m")
        require_positive("dwell time", request.dwell_s, _LONGEST_DWELL_S, "s")
        budget_s = self._client.budget_s(request.beam_s, timeout_s)
        ready_s = self._client.budget_s(_QUICK_ESTIMATE_S, timeout_s)
        with self._interlock.holding("a scan"), self._switch.running() as wake:
            require_high_vacuum(self._chamber, self._config.chamber.beam_max_pressure_pa)
            begun_s = self._clock.now_s()
            spare_s = timeout_s - request.beam_s - _QUICK_ESTIMATE_S
            ready = self._prepare(request, spare_s, ready_s, wake)
            stage_m = self._stage.position()
            reply = self._expose(request, budget_s, wake)
            if wake.is_set():
                raise InterruptedCallError("the scan was stopped; part of it was exposed")
            if self._clock.now_s() - begun_s > timeout_s:
                raise DeviceTimeoutError(f"the scan did not end within {timeout_s:g} s")
        tolerance_m = self._config.stage.arrival_tolerance_um * 1e-6
        seen = self._seen(request, ready, stage_m, reply)
        try:
            image = scan_image(request, reply, stage_m, ready, self._beam, tolerance_m)
        except DriverError as error:
            require_undisturbed(seen, None, error)
            raise
        require_undisturbed(seen, image)
        return image

    @staticmethod
    def _seen(
        request: ScanRequest, ready: dict[str, float], stage_m: tuple[float, float], reply: Reply
    ) -> list[Conditions]:
        """Return the conditions as prepared, and all that were seen from the beginning of the scan.

        Where the scan lies in its field counts as prepared too, if Odemis says where.
        """
        width, height = request.size_px
        field_m = width * ready["pixel_size_m"], height * ready["pixel_size_m"]
        seen = [of(one) for one in reply.result["seen"]]
        magnification = seen[0].settings.get(MAGNIFICATION)
        shift_m = None if seen[0].shift_m is None else request.beam_shift_m
        prepared = replace(seen[0], stage_m=stage_m, field_m=field_m, shift_m=shift_m)
        return [prepared, *(with_field(one, field_m, magnification) for one in seen)]

    def _drain(self, spare_s: float, wake: threading.Event) -> None:
        """Wait, blanked, until no earlier scan runs: its image would be taken for ours, with the beam open.

        Raises
        ------
        StillBusyError
            It has not ended in the time available, and may still end by itself.
        NotReadyError
            It should have ended: the scan generator hangs.
        """
        if not self._client.orphans:
            return
        if self._parked:
            self._outwait(spare_s, wake)
            return
        try:
            budget_s = max(spare_s, _LEAST_DRAIN_S)
            self._client.long("drain", budget_s, wake, nonce=secrets.token_hex(8))
        except DeviceTimeoutError as error:
            kind = StillBusyError if self._clock.now_s() < self._free_s else NotReadyError
            raise kind(f"the beam stayed blanked: an earlier scan is still running ({error})") from error
        self._client.orphans = False

    def _outwait(self, spare_s: float, wake: threading.Event) -> None:
        """Wait until every earlier scan has ended by its time: without a blanker a test would expose ground.

        Raises
        ------
        StillBusyError
            It may still run when the time available is over.
        InterruptedCallError
        """
        left_s = self._free_s - self._clock.now_s()
        if left_s > 0 and not self._clock.sleep(min(left_s, max(spare_s, _LEAST_DRAIN_S)), wake):
            raise InterruptedCallError("the wait for an earlier scan was stopped")
        if self._clock.now_s() < self._free_s:
            raise StillBusyError("an earlier scan may still be running")
        self._client.orphans = False

    def _prepare(
        self, request: ScanRequest, spare_s: float, ready_s: float, wake: threading.Event
    ) -> dict[str, float]:
        """Set up the scan, blanked; return the pixel size and the dwell time read back."""
        with interrupted(wake, "the scan was stopped before the beam was on", StoppedInTimeError):
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

    def _expose(self, request: ScanRequest, budget_s: float, wake: threading.Event) -> Reply:
        """Run the prepared scan, then blank over the other connection whether or not it succeeded."""
        failure: DriverError | None = None
        self._scanned = True
        # A scan goes on when its process is killed, and Odemis lets no other process end it.
        self._free_s = self._clock.now_s() + self._client.budget_s(request.beam_s, math.inf)
        self._scans_until_s = self._free_s
        try:
            with beam_on(), interrupted(wake, "the scan was stopped; part of it was exposed"):
                reply = self._client.long(
                    "scan", budget_s, wake, nonce=request.nonce, size_px=list(request.size_px)
                )
            self._scans_until_s = -math.inf
            return reply
        except DriverError as error:
            failure = error
            raise
        finally:
            self._blank_after(failure)

    def _blank_after(self, failure: DriverError | None) -> None:
        """Blank after a scan; a beam that may be on outweighs the failure of the scan."""
        try:
            self._client.quick("blank")
        except DriverError as error:
            before = f"{failure}; " if failure is not None else ""
            raise DeviceLostError(f"{before}the beam is not known to be blanked: {error}") from failure

    def stop(self) -> None:
        """Blank the beam and end `scan`; harmless when nothing runs."""
        self._switch.stop()
        self.blank()

    def blank(self) -> None:
        """Blank the beam and end a running scan, if need be by killing its process."""
        self._switch.stop()
        self._client.quick("blank")
        if self._client.settle({"drain", "prepare_scan", "scan"}):
            # The scan may have opened the blanker after it was blanked here.
            self._client.quick("blank")
        left_s = self._unstoppable_s()
        if left_s > 0:
            raise DriverError(
                f"this SEM has no blanker: the scan that was stopped goes on for at most {left_s:.0f} s"
            )

    def is_blanked(self) -> bool:
        """Return True if the beam is blanked, or parked beside the field where nothing blanks it."""
        return bool(self._client.quick("beam_state")["blanked"]) and self._unstoppable_s() <= 0

    def _unstoppable_s(self) -> float:
        """Return the longest time for which a scan may still run without a blanker to stop it, s."""
        return self._scans_until_s - self._clock.now_s() if self._parked else 0.0

    def is_automatic(self) -> bool:
        """Return True if the blanker is left to the scan generator."""
        return bool(self._client.quick("beam_state")["automatic"])

    def may_scan(self) -> bool:
        """Return True if a scan that was stopped may still run; no client of Odemis can end one."""
        return self._client.orphans and self._clock.now_s() < self._free_s

    def has_scanned(self) -> bool:
        """Return True once a scan was begun here."""
        return self._scanned

    def _field(self) -> dict[str, Any]:
        """Return the field that the beam can scan, px of the configured size, and if a scan moves in it."""
        return self._client.quick("largest_scan", pixel_size_m=self._config.sem.pixel_size_m)
