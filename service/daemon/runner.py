"""The thread that drives the microscope through the phases of a session."""

import threading

from drivers.chamber import VacuumState
from drivers.errors import DriverError
from service.acquisition.electron import keep_unsaved, set_beam, take_electron_images, verify_saved
from service.acquisition.fluorescence import take_fluorescence
from service.acquisition.holds import give_up_waiting, release_waiting
from service.acquisition.retry import repeat_harmless
from service.acquisition.vacuum import reach
from service.analysis.worker import Analysis
from service.diagnostics.preflight import (
    clock_check,
    device_checks,
    disk_checks,
    last_event_at,
    plan_checks,
    red_ones,
)
from service.errors import SessionFaultError, StoreError, UnsafeError, VacuumError
from service.logs import get_logger
from service.model.jobs import JobState
from service.model.phases import FINAL, Phase, SessionEvent
from service.model.specimen import FieldState
from service.model.work import Step
from service.pictures.focus import draw_focuses
from service.planning.session_estimate import estimate_session
from service.safety.safe_state import make_safe
from service.session.context import Context
from service.session.interrupts import InterruptSession, Wish
from service.session.progress import ANALYSIS, ANALYSIS_S, BETWEEN, BETWEEN_S
from service.store.database import utc_now
from service.wording import some

log = get_logger(__name__)

_PUMP = {VacuumState.PARTIAL: Step.PUMP_TO_PARTIAL, VacuumState.HIGH: Step.PUMP_TO_HIGH}


class Runner:
    """Drives one session; `run` returns when it has ended or was shut down, always with the beam blanked.

    Parameters
    ----------
    context : Context
    analysis : Analysis
    attended : bool
        Whether a person can be asked, before the session ends, about jobs that only a person may decide on.
    """

    def __init__(self, context: Context, analysis: Analysis, attended: bool = False) -> None:
        self._context = context
        self._analysis = analysis
        self._attended = attended
        self._asked: set[str] = set()
        """Jobs and fields that a person was asked about."""
        self.landed = threading.Event()
        """Set while nothing runs on the microscope: the session waits for a person, or has ended."""
        self.blocked: str | None = None
        """Why nothing can be recorded now, so that the session stands still, safe; None if it can."""

    def run(self) -> None:
        """Go on until the session is done or aborted, or somebody shuts the program down.

        Raises
        ------
        UnsafeError
            It ended, and the beam is not known to be blanked or the light not known to be off.
        """
        try:
            while self._turn():
                pass
        finally:
            self.landed.set()
            self._context.progress.rest()
            try:
                make_safe(self._context.devices)
            finally:
                self._analysis.close()
                self._context.note_busy()

    def _turn(self) -> bool:
        """Do the work of the present phase, or what its end asks for; False when the session is to end."""
        try:
            phase = self._context.store.status().phase
            if phase in FINAL:
                return False
            log.info("phase", phase=phase.value)
            try:
                self._context.progress.begin(BETWEEN, BETWEEN_S)
                self._phase(phase)
            except InterruptSession as wish:
                return self._grant(wish)
            except StoreError:
                raise
            except (SessionFaultError, VacuumError, DriverError, UnsafeError, OSError) as error:
                return self._fault(str(error) or type(error).__name__)
            except Exception as error:
                log.exception("unexpected")
                return self._fault(f"unexpected {type(error).__name__}: {error}")
        except StoreError as error:
            self._wait_for_the_store(error)
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

    def _reach(self, state: VacuumState) -> None:
        context = self._context
        context.checkpoint()

        def pump() -> None:
            begun_s = context.clock.now_s()
            estimate_s = context.config.chamber.change_timeout_min * 60
            with context.step(f"the chamber going to {state.value}", estimate_s):
                pumped = reach(context.devices.chamber, state, context.config.chamber)
            if pumped:
                context.store.durations.record(_PUMP[state], context.clock.now_s() - begun_s)

        repeat_harmless(context, f"chamber to {state.value}", pump, (DriverError, VacuumError))
        context.store.events.note("vacuum", "chamber", {"pressure_pa": context.devices.chamber.pressure_pa()})

    def _fluorescence(self) -> None:
        context = self._context
        self._analysis.submit_unfinished()
        take_fluorescence(context, self._analysis, self._section())
        self._analysis.finish()
        draw_focuses(context.folder, context.store.focus.all())
        if context.config.session.review:
            self._wait_for_analysis()
            self._tell_estimate()
            context.store.apply(SessionEvent.REVIEW_NEEDED)
        else:
            context.store.apply(SessionEvent.FLUORESCENCE_COMPLETE)

    def _electron(self) -> None:
        context = self._context
        self._analysis.submit_unfinished()
        self._wait_for_analysis()
        if not context.config.session.review and not context.store.ledger.exposures(limit=1):
            self._tell_estimate()
        keep_unsaved(context)
        release_waiting(context)
        if context.store.queue.next_job() is not None:
            set_beam(context)
            take_electron_images(context)
            draw_focuses(context.folder, context.store.focus.all())
        if context.store.specimen.fields(state=FieldState.PENDING, limit=1):
            context.store.apply(SessionEvent.SECTION_COMPLETE)
        else:
            give_up_waiting(context)
            if self._attended:
                self._ask_about_undecided()
            with context.store.together():
                # A person may have queued a job just now: then the phase is gone through again.
                if context.store.queue.next_job() is None:
                    context.store.apply(SessionEvent.ELECTRON_COMPLETE)

    def _ask_about_undecided(self) -> None:
        """Wait once for a person: with the end of the session it is too late.

        For a decision on jobs in review or held, and for fields whose detection failed.
        """
        self._ask_about_unseen()
        undecided = [
            job.id
            for state in (JobState.NEEDS_REVIEW, JobState.HELD)
            for job in self._context.store.queue.jobs(state=state)
        ]
        if set(undecided) <= self._asked:
            return
        self._asked |= set(undecided)
        raise InterruptSession(
            Wish.PAUSE,
            f"all else is done, {len(undecided)} jobs wait for a person: {some(undecided)}; see"
            " `ilemtrack queue show`, decide by `queue approve`, `release` or `skip`, then `ilemtrack"
            " continue`, which without a decision ends the session",
        )

    def _ask_about_unseen(self) -> None:
        store = self._context.store
        unseen = [
            field.id
            for field in store.specimen.fields(state=FieldState.FAILED)
            if field.undetected and not store.queue.jobs(section=field.section, limit=1)
        ]
        if not set(unseen) <= self._asked:
            self._asked |= set(unseen)
            raise InterruptSession(
                Wish.PAUSE,
                f"all else is done, detection failed in {len(unseen)} fields: {some(unseen)}; mend the"
                " cause, stop the program and `ilemtrack resume`, which detects them again; `ilemtrack"
                " continue` ends the session without them",
            )

    def _tell_estimate(self) -> None:
        """Put into the events what the electron images will take, before the first of them."""
        store = self._context.store
        left = estimate_session(self._context.config, store, utc_now())
        store.events.note("estimate", "session", left.model_dump(mode="json"))

    def _wait_for_analysis(self) -> None:
        self._context.progress.begin(ANALYSIS, ANALYSIS_S)
        self._analysis.wait(self._context.requests.take)
        self._context.progress.begin(BETWEEN, BETWEEN_S)

    def _section(self) -> str | None:
        """Return the section whose fluorescence is taken now; None for that of the whole array."""
        if self._context.config.session.order == "array":
            return None
        pending = self._context.store.specimen.fields(state=FieldState.PENDING, limit=1)
        return pending[0].section if pending else None

    def _wait_for_a_person(self, phase: Phase) -> None:
        context = self._context
        unsafe = self._safe_or_why()
        if unsafe is not None and phase is not Phase.FAULT:
            raise UnsafeError(unsafe)
        context.progress.rest()
        self.landed.set()
        again_s = context.limits.safe_again_s
        told: str | None = None
        while context.store.status().phase is phase:
            if unsafe != told:
                kind = "safe" if unsafe is None else "unsafe"
                context.store.events.note(kind, "microscope", {"problems": unsafe})
                told = unsafe
            context.view.look(context.devices)
            context.requests.wait(None if unsafe is None else again_s)
            context.requests.take()
            if unsafe is not None:
                again_s = min(2 * again_s, context.limits.safe_again_most_s)
                unsafe = self._safe_or_why()
        self.landed.clear()

    def _safe_or_why(self) -> str | None:
        """Reach the safe state; what keeps the microscope from it, None if nothing does."""
        try:
            make_safe(self._context.devices)
        except UnsafeError as error:
            return str(error)
        return None

    def _wait_for_the_store(self, error: StoreError) -> None:
        """Stay safe, with what is in memory, until the database takes the fault.

        Raises
        ------
        StoreError
            The program is told to end first.
        """
        context = self._context
        unsafe = self._safe_or_why()
        self.blocked = f"the database cannot be written: {error}" + (
            f"; NOT SAFE: {unsafe}" if unsafe else ""
        )
        log.critical("blocked", reason=self.blocked)
        context.progress.rest()
        while True:
            if context.requests.pending() is Wish.SHUTDOWN:
                raise error
            try:
                if context.store.status().phase not in FINAL:
                    context.store.apply(SessionEvent.FAULT, self.blocked)
                break
            except StoreError:
                context.requests.wait(context.limits.safe_again_s)
                if unsafe is not None:
                    unsafe = self._safe_or_why()
        self.blocked = None

    def _grant(self, wish: InterruptSession) -> bool:
        """Do what was asked; False if the program is to end with the session as it is."""
        unsafe = self._safe_or_why()
        store = self._context.store
        if unsafe is not None and wish.wish is Wish.PAUSE:
            return self._fault(unsafe)
        match wish.wish:
            case Wish.PAUSE:
                store.apply(SessionEvent.PAUSE, wish.reason)
            case Wish.ABORT:
                store.apply(SessionEvent.ABORT, wish.reason)
            case Wish.SHUTDOWN:
                try:
                    store.events.note("shutdown", "session", {"reason": wish.reason})
                except StoreError as error:
                    # Told to end, it ends, whatever the disk takes.
                    log.error("shutdown not recorded", error=str(error))
                return False
            case Wish.NOTHING:
                pass
        return True

    def _fault(self, reason: str) -> bool:
        """Safe state first, then the fault; a wish that waits (an abort stopped the call) goes first.

        Returns False if the program is to end with the session as it is.
        """
        context = self._context
        unsafe = self._safe_or_why()
        if unsafe is not None:
            reason = f"NOT SAFE: {unsafe}" if reason == unsafe else f"{reason}; NOT SAFE: {unsafe}"
        context.requests.drop(Wish.PAUSE)
        try:
            context.requests.take()
        except InterruptSession as wish:
            log.info("ended on the way", reason=reason)
            return self._grant(wish)
        log.error("fault", reason=reason)
        context.store.apply(SessionEvent.FAULT, reason)
        return True
