"""The thread that drives the microscope through the phases of a session."""

import threading
from dataclasses import asdict

from drivers.chamber import VacuumState
from drivers.errors import DriverError
from service.analysis import Analysis
from service.context import Context
from service.electron_phase import (
    give_up_waiting,
    keep_unsaved,
    release_waiting,
    set_beam,
    take_electron_images,
    verify_saved,
)
from service.errors import SessionFaultError, UnsafeError, VacuumError
from service.estimate import estimate_session
from service.fluorescence_phase import take_fluorescence
from service.logs import get_logger
from service.preflight import problems
from service.records import FieldState, Step
from service.requests import InterruptSession, Wish
from service.retry import repeat_harmless
from service.safety import make_safe
from service.session import FINAL, Phase, SessionEvent
from service.store.database import utc_now
from service.vacuum import reach

log = get_logger(__name__)

_PUMP = {VacuumState.PARTIAL: Step.PUMP_TO_PARTIAL, VacuumState.HIGH: Step.PUMP_TO_HIGH}


class Runner:
    """Drives one session; `run` returns when it has ended or was shut down, always with the beam blanked."""

    def __init__(self, context: Context, analysis: Analysis) -> None:
        self._context = context
        self._analysis = analysis
        self.landed = threading.Event()
        """Set while nothing runs on the microscope: the session waits for a person, or has ended."""

    def run(self) -> None:
        """Go on until the session is done or aborted, or somebody shuts the program down.

        Raises
        ------
        UnsafeError
            It ended, and the beam is not known to be blanked or the light not known to be off.
        """
        store = self._context.store
        try:
            while (phase := store.status().phase) not in FINAL:
                log.info("phase", phase=phase.value)
                try:
                    self._phase(phase)
                except InterruptSession as wish:
                    if not self._grant(wish):
                        return
                except (SessionFaultError, VacuumError, DriverError, UnsafeError, OSError) as error:
                    self._fault(str(error) or type(error).__name__)
                except Exception as error:
                    log.exception("unexpected")
                    self._fault(f"unexpected {type(error).__name__}: {error}")
        finally:
            self.landed.set()
            try:
                make_safe(self._context.devices)
            finally:
                self._analysis.close()
                self._context.note_busy()

    def _phase(self, phase: Phase) -> None:
        context, store = self._context, self._context.store
        match phase:
            case Phase.IDLE:
                store.apply(SessionEvent.START)
            case Phase.PREFLIGHT:
                self._preflight()
            case Phase.RECOVERING:
                make_safe(context.devices)
                verify_saved(context)
                store.apply(SessionEvent.RECOVERED)
            case Phase.TO_PARTIAL_VACUUM:
                self._reach(VacuumState.PARTIAL)
                store.apply(SessionEvent.PARTIAL_VACUUM_REACHED)
            case Phase.FLUORESCENCE:
                self._fluorescence()
            case Phase.TO_HIGH_VACUUM:
                self._reach(VacuumState.HIGH)
                store.apply(SessionEvent.HIGH_VACUUM_REACHED)
            case Phase.ELECTRON:
                self._electron()
            case Phase.REVIEW | Phase.PAUSED | Phase.FAULT:
                self._wait_for_a_person(phase)
            case Phase.DONE | Phase.ABORTED:
                pass

    def _preflight(self) -> None:
        context = self._context
        make_safe(context.devices)
        found = problems(context.config, context.devices, context.folder, list(context.store.fields()))
        if found:
            raise SessionFaultError("; ".join(found))
        context.checkpoint()
        context.store.apply(SessionEvent.PREFLIGHT_PASSED)

    def _reach(self, state: VacuumState) -> None:
        context = self._context
        context.checkpoint()

        def pump() -> None:
            begun_s = context.clock.now_s()
            with context.busy.device():
                pumped = reach(context.devices.chamber, state, context.config.chamber)
            if pumped:
                context.store.accounts.took(_PUMP[state], context.clock.now_s() - begun_s)

        repeat_harmless(context, f"chamber to {state.value}", pump, (DriverError, VacuumError))
        context.store.note("vacuum", "chamber", {"pressure_pa": context.devices.chamber.pressure_pa()})

    def _fluorescence(self) -> None:
        context = self._context
        self._analysis.submit_unfinished()
        take_fluorescence(context, self._analysis, self._section())
        if context.config.session.review:
            self._analysis.wait()
            self._tell_estimate()
            context.store.apply(SessionEvent.REVIEW_NEEDED)
        else:
            context.store.apply(SessionEvent.FLUORESCENCE_COMPLETE)

    def _electron(self) -> None:
        context = self._context
        self._analysis.submit_unfinished()
        self._analysis.wait()
        if not context.config.session.review and not context.store.exposures(limit=1):
            self._tell_estimate()
        keep_unsaved(context)
        release_waiting(context)
        if context.store.next_job() is not None:
            set_beam(context)
            take_electron_images(context)
        if context.store.fields(state=FieldState.PENDING, limit=1):
            context.store.apply(SessionEvent.SECTION_COMPLETE)
        else:
            give_up_waiting(context)
            context.store.apply(SessionEvent.ELECTRON_COMPLETE)

    def _tell_estimate(self) -> None:
        """Put into the events what the electron images will take, before the first of them."""
        store = self._context.store
        left = estimate_session(self._context.config, store, utc_now())
        store.note("estimate", "session", asdict(left))

    def _section(self) -> str | None:
        """Return the section whose fluorescence is taken now; None for that of the whole array."""
        if self._context.config.session.order == "array":
            return None
        pending = self._context.store.fields(state=FieldState.PENDING, limit=1)
        return pending[0].section if pending else None

    def _wait_for_a_person(self, phase: Phase) -> None:
        try:
            make_safe(self._context.devices)
        except UnsafeError as error:
            if phase is not Phase.FAULT:
                raise
            self._context.store.note("unsafe", "microscope", {"problems": str(error)})
        self._context.view.look(self._context.devices)
        self.landed.set()
        while self._context.store.status().phase is phase:
            self._context.requests.wait()
            self._context.requests.take()
        self.landed.clear()

    def _grant(self, wish: InterruptSession) -> bool:
        """Do what was asked; False if the program is to end with the session as it is."""
        make_safe(self._context.devices)
        store = self._context.store
        match wish.wish:
            case Wish.PAUSE:
                store.apply(SessionEvent.PAUSE, wish.reason)
            case Wish.ABORT:
                store.apply(SessionEvent.ABORT, wish.reason)
            case Wish.SHUTDOWN:
                store.note("shutdown", "session", {"reason": wish.reason})
                return False
            case Wish.NOTHING:
                pass
        return True

    def _fault(self, reason: str) -> None:
        """Safe state first, then the fault; a wish that waits (an abort stopped the call) goes first."""
        try:
            make_safe(self._context.devices)
        except UnsafeError as error:
            reason = f"{reason}; NOT SAFE: {error}"
        self._context.requests.drop(Wish.PAUSE)
        if self._context.requests.pending() is Wish.NOTHING:
            log.error("fault", reason=reason)
            self._context.store.apply(SessionEvent.FAULT, reason)
