"""Runner: the thread that drives the microscope through the phases of a session."""

import threading

from drivers.chamber import VacuumState
from drivers.errors import DriverError
from service.acquisition.electron import set_beam, take_electron_images
from service.acquisition.exposing import settle
from service.acquisition.fluorescence import take_fluorescence
from service.acquisition.holds import give_up_waiting, release_waiting
from service.acquisition.overviews.follow import give_up_waiting_overviews
from service.acquisition.retakes.helping import give_up_helping
from service.acquisition.retakes.waiting import give_up_retakes, release_retakes
from service.acquisition.retry import repeat_harmless
from service.acquisition.saving import keep_at_the_end, keep_unsaved, note_missing, verify_saved
from service.acquisition.vacuum import ask_for, pump_to
from service.analysis.worker import Analysis
from service.daemon.halts import Blocked, Halts
from service.daemon.questions import Questions
from service.diagnostics.computer_checks import clock_check, disk_checks, last_event_at
from service.diagnostics.preflight import (
    device_checks,
    plan_checks,
    red_ones,
)
from service.errors import SessionFaultError, StoreError, UnsafeError, VacuumError
from service.logs import get_logger
from service.model.focus import FocusBeam
from service.model.overviews import NotUsed
from service.model.phases import FINAL, Phase, SessionEvent
from service.model.specimen import FieldState
from service.model.work import Step
from service.planning.session_estimate import estimate_session
from service.planning.targets.choose import catalogue, rule_in_force
from service.safety.safe_state import make_safe
from service.session.context import Context
from service.session.interrupts import InterruptSession
from service.session.progress import ANALYSIS, ANALYSIS_S, BETWEEN, BETWEEN_S
from service.store.database import utc_now

log = get_logger(__name__)

_PUMP = {VacuumState.PARTIAL: Step.PUMP_TO_PARTIAL, VacuumState.HIGH: Step.PUMP_TO_HIGH}


class Runner:
    """Runner of one session; `run` returns when it has ended or was shut down, with the beam blanked.

    Parameters
    ----------
    context : Context
    analysis : Analysis
    attended : bool
        True if a person can be asked for decisions before the session ends.
    """

    def __init__(self, context: Context, analysis: Analysis, attended: bool = False) -> None:
        self._context = context
        self._analysis = analysis
        self._attended = attended
        self._questions = Questions(context.store)
        self.landed = threading.Event()
        """Set while nothing runs on the microscope: the session waits for a person, or has ended."""
        self.ended = threading.Event()
        """Set at the end of `run`: no device call is left to stop."""
        self._halts = Halts(context, self.landed)

    @property
    def blocked(self) -> Blocked | None:
        """Block of a session that cannot be recorded; None while it can."""
        return self._halts.blocked

    def plan_again(self) -> None:
        """Plan the sections whose plan was withdrawn; returns at once."""
        self._analysis.plan_again()

    def run(self) -> None:
        """Run until the session is done or aborted, or the program is shut down.

        Raises
        ------
        UnsafeError
            It ended, and the beam may not be blanked or the light may be on.
        """
        try:
            while self._go_on():
                pass
        finally:
            self.landed.set()
            self.ended.set()
            self._context.progress.rest()
            try:
                make_safe(self._context.devices)
            finally:
                keep_at_the_end(self._context)
                self._analysis.close()
                self._context.note_busy()

    def _go_on(self) -> bool:
        """Do the work of the present phase and handle its end; return False at the end of the session."""
        try:
            # Whatever phase comes next, no scan runs here: a row of the ledger still open is closed first.
            settle(self._context)
            phase = self._context.store.status().phase
            if phase in FINAL:
                return False
            log.info("phase", phase=phase.value)
            try:
                self._context.progress.begin(BETWEEN, BETWEEN_S)
                self._phase(phase)
            except InterruptSession as asked:
                return self._halts.handle(asked)
            except StoreError:
                raise
            except UnsafeError as error:
                return self._halts.fault_unsafe(str(error))
            except (SessionFaultError, VacuumError, DriverError, OSError) as error:
                return self._halts.fault(str(error) or type(error).__name__)
            except Exception as error:
                log.exception("unexpected")
                return self._halts.fault(f"unexpected {type(error).__name__}: {error}")
        except StoreError as error:
            self._halts.wait_until_recorded(error)
        except Exception as error:
            # A session that cannot halt must not go on.
            log.exception("unexpected")
            self._halts.wait_until_recorded(error)
        return True

    def _phase(self, phase: Phase) -> None:
        context, store = self._context, self._context.store
        match phase:
            case Phase.IDLE:
                store.apply(SessionEvent.START)
            case Phase.PREFLIGHT:
                self._preflight()
            case Phase.RECOVERING:
                make_safe(context.devices)
                context.view.look(context.devices)
                verify_saved(context)
                note_missing(context)
                store.apply(SessionEvent.RECOVERED)
            case Phase.TO_PARTIAL_VACUUM:
                self._pump_to(VacuumState.PARTIAL)
                store.apply(SessionEvent.PARTIAL_VACUUM_REACHED)
            case Phase.FLUORESCENCE:
                self._fluorescence()
            case Phase.TO_HIGH_VACUUM:
                self._pump_to(VacuumState.HIGH)
                store.apply(SessionEvent.HIGH_VACUUM_REACHED)
            case Phase.ELECTRON:
                self._electron()
            case Phase.REVIEW | Phase.PAUSED | Phase.FAULT:
                if phase is Phase.REVIEW:
                    # An earlier process may have ended before all was planned again.
                    self._analysis.plan_again()
                self._questions.paused_for(store.status().cause)
                self._halts.wait_for_a_person(phase)
            case Phase.DONE | Phase.ABORTED:
                pass

    def _preflight(self) -> None:
        context, store = self._context, self._context.store
        make_safe(context.devices)
        fields = store.specimen.fields()
        now = utc_now()
        checks = [
            *device_checks(context.devices, context.config),
            *plan_checks(context.config, fields, now.date()),
            *disk_checks(context.config, context.folder.path, fields),
            clock_check(now, last_event_at(store)),
        ]
        said = [{"name": check.name, "level": check.level, "says": check.says} for check in checks]
        store.events.note("preflight", "session", {"checks": said})
        red = red_ones(checks)
        if red:
            raise SessionFaultError("; ".join(red))
        context.checkpoint()
        store.apply(SessionEvent.PREFLIGHT_PASSED)

    def _pump_to(self, state: VacuumState) -> None:
        context = self._context
        context.checkpoint()
        if context.devices.chamber_by_hand is not None:
            ask_for(context.devices.chamber_by_hand, state, context.config.chamber)

        def pump() -> None:
            begun_s = context.clock.now_s()
            estimate_s = context.config.chamber.change_timeout_min * 60
            with context.step(f"the chamber going to {state.value}", estimate_s):
                pumped = pump_to(context.devices.chamber, state, context.config.chamber)
            if pumped:
                context.store.durations.record(_PUMP[state], context.clock.now_s() - begun_s)

        repeat_harmless(context, f"chamber to {state.value}", pump, (DriverError, VacuumError))
        context.store.events.note("vacuum", "chamber", {"pressure_pa": context.devices.chamber.pressure_pa()})

    def _fluorescence(self) -> None:
        context = self._context
        self._analysis.submit_unfinished()
        take_fluorescence(context, self._analysis.submit, self._section())
        self._analysis.finish()
        self._draw_focuses(FocusBeam.LIGHT)
        if context.config.session.review or self._nothing_chosen():
            self._wait_for_analysis()
            self._note_estimate()
            context.store.apply(SessionEvent.REVIEW_NEEDED)
        else:
            context.store.apply(SessionEvent.FLUORESCENCE_COMPLETE)

    def _nothing_chosen(self) -> bool:
        """Return True if the configuration leaves out every cell: a person shall look, not the beam go on."""
        context = self._context
        if rule_in_force(context.config, context.store).everything:
            return False
        self._wait_for_analysis()
        cells = catalogue(context.store).cells
        return bool(cells) and all(cell.left_out is not None for cell in cells)

    def _draw_focuses(self, beam: FocusBeam) -> None:
        """Draw the focus of a beam over the array, if there was one."""
        focuses = self._context.store.focus.all(beam)
        if focuses:
            # Matplotlib takes long to load, and few sessions focus.
            from service.pictures.focus import draw_focuses

            draw_focuses(self._context.folder, focuses)

    def _electron(self) -> None:
        context = self._context
        self._analysis.submit_unfinished()
        self._wait_for_analysis()
        if not context.config.session.review and not context.store.ledger.exposures(limit=1):
            self._note_estimate()
        keep_unsaved(context)
        release_waiting(context)
        if context.store.queue.next_job() is not None:
            set_beam(context)
            take_electron_images(context)
            self._draw_focuses(FocusBeam.ELECTRON)
        if context.store.specimen.fields(state=FieldState.PENDING, limit=1):
            context.store.apply(SessionEvent.SECTION_COMPLETE)
        else:
            verify_saved(context, last=True)
            give_up_helping(context)
            release_retakes(context)
            if context.store.queue.next_job() is None:
                give_up_retakes(context)
            give_up_waiting(context)
            note_missing(context)
            if self._attended:
                self._questions.ask()
            with context.store.transaction():
                # A person may have queued a job just now: then the phase runs again.
                if context.store.queue.next_job() is None:
                    give_up_waiting_overviews(context.store, NotUsed.TOO_LATE)
                    context.store.apply(SessionEvent.ELECTRON_COMPLETE)

    def _note_estimate(self) -> None:
        """Record an estimate of the electron images before the first of them."""
        store = self._context.store
        left = estimate_session(self._context.config, store, utc_now())
        store.events.note("estimate", "session", left.model_dump(mode="json"))

    def _wait_for_analysis(self) -> None:
        self._context.progress.begin(ANALYSIS, ANALYSIS_S, renewed_by_events=True)
        self._analysis.wait(self._context.interrupts.take)
        self._context.progress.begin(BETWEEN, BETWEEN_S)

    def _section(self) -> str | None:
        """Return the section whose fluorescence is next; None for the whole array."""
        if self._context.config.session.order == "array":
            return None
        pending = self._context.store.specimen.fields(state=FieldState.PENDING, limit=1)
        return pending[0].section if pending else None
