"""Controls of a session for the API; every call returns at once and says where the session will stop."""

import time
from collections.abc import Callable, Mapping, Sequence

from config.work import TargetsConfig
from drivers.chamber import VacuumState
from service import wording
from service.daemon.runner import Runner
from service.errors import IllegalTransitionError
from service.logs import get_logger
from service.model.jobs import Job, JobState
from service.model.phases import HALTED, PauseCause, Phase, SessionEvent, Status, step
from service.model.review import PolicyChange
from service.model.specimen import FieldState
from service.planning.requested_frames import AskedFrame, admitted
from service.planning.review import edit as review
from service.planning.review.asked import Asked
from service.planning.review.effective import Policy
from service.planning.review.preview import PolicyPreview, PolicyPreviews
from service.planning.session_estimate import SessionEstimate, estimate_session
from service.planning.targets.choose import set_choice
from service.planning.targets.listing import Preview, TargetList, TargetLists
from service.safety.safe_state import stop_devices
from service.safety.timed_call import TimedCall
from service.session.context import Context
from service.session.interrupts import Interrupt
from service.store.database import utc_now
from service.store.outcome import last_fault
from service.words.states import PHASES, said_now

log = get_logger(__name__)

_STOP_AGAIN_S = 0.2
_STOP_FOR_S = 30.0
_SOMEBODY = "somebody"


class SessionControl:
    """Controls of one session; may be called from any thread.

    Parameters
    ----------
    context : Context
    runner : Runner
    watch : callable
        Returns progress and notifications, for `health`.
    """

    def __init__(
        self, context: Context, runner: Runner, watch: Callable[[], Mapping[str, object]] = dict
    ) -> None:
        self._context = context
        self._runner = runner
        self._watch = watch
        self._targets = TargetLists(context.config, context.store)
        self._policies = PolicyPreviews(context.config, context.store)

    def pause(self, by: str = _SOMEBODY) -> str:
        """Pause after the present step: no exposure is cut short."""
        status = self._context.store.status()
        step(status, SessionEvent.PAUSE, cause=PauseCause.PERSON)
        reason = wording.asked_by(by)
        self._after_commit(lambda: self._context.interrupts.put(Interrupt.PAUSE, reason, PauseCause.PERSON))
        return self._pause_lands(status)

    def _pause_lands(self, status: Status) -> str:
        armed = self._context.store.queue.jobs(state=JobState.ARMED, limit=1)
        if armed:
            return f"pauses after frame {armed[0].id}, in at most {armed[0].beam_s:.0f} s"
        if status.phase in (Phase.TO_HIGH_VACUUM, Phase.TO_PARTIAL_VACUUM):
            return "pauses when the chamber has reached its pressure"
        return "pauses after the present step"

    def resume(self, by: str = _SOMEBODY) -> str:
        """Go on, or take back a pause that has not been reached yet.

        The vacuum is proved again first, or has been confirmed by whoever operates the chamber.
        """
        store, interrupts = self._context.store, self._context.interrupts
        hand = self._context.devices.chamber_by_hand
        with store.transaction():
            before = store.status()
            phase = before.phase
            if phase not in HALTED:
                if interrupts.pending() is not Interrupt.PAUSE:
                    raise IllegalTransitionError(
                        f"there is nothing to continue: {said_now(phase)}, and no pause is pending"
                    )
                interrupts.drop_pause()
                store.events.note("pause_taken_back", "session", {"by": by})
                return f"the pause is taken back, goes on: {PHASES[phase].lower()}"
            status = store.apply(SessionEvent.RESUME, notes={"by": by})
            # A pause that is not carried out yet is older than the one that ends here.
            interrupts.drop_pause()
            said = ""
            if hand is not None and before.cause is PauseCause.CHAMBER_BY_HAND:
                state = VacuumState.PARTIAL if status.phase is Phase.TO_PARTIAL_VACUUM else VacuumState.HIGH
                store.events.note("vacuum_confirmed", "chamber", {"state": state.value, "by": by})
                # Before the commit: the runner looks at the chamber as soon as it sees the new phase. If the
                # commit fails, the session faults, and the person is asked again.
                hand.confirm(state)
                said = f": {wording.chamber_confirmed(state, by)}"
        self._after_commit(interrupts.wake)
        return f"goes on: {PHASES[status.phase].lower()}{said}"

    def abort(self, by: str = _SOMEBODY) -> str:
        """Abort at once: the beam is blanked in mid-scan. This is final."""
        step(self._context.store.status(), SessionEvent.ABORT)
        self._after_commit(lambda: self.stop(Interrupt.ABORT, wording.asked_by(by)))
        return f"stops at once and blanks the beam; {self._left_behind()}"

    def _left_behind(self) -> str:
        """Return what is done and what an abort leaves undone, for people."""
        store = self._context.store
        jobs, fields = store.queue.counts_in_use(), store.specimen.field_counts()
        left = jobs.get(JobState.QUEUED, 0) + jobs.get(JobState.HELD, 0)
        done = jobs.get(JobState.DONE, 0)
        parts = [f"{done} job{'s' * (done != 1)} done", f"{left} queued or held not taken"]
        if fields.get(FieldState.PENDING, 0):
            parts.append(f"{fields[FieldState.PENDING]} fields without fluorescence")
        armed = store.queue.jobs(state=JobState.ARMED, limit=1)
        if armed:
            parts.append(f"{armed[0].id}, in mid-scan, is left for review if its beam was on")
        return ", ".join(parts)

    def acknowledge(self, by: str = _SOMEBODY) -> str:
        """Leave a fault; the session is then paused."""
        was = self._context.store.status()
        reason = None
        if was.phase is Phase.FAULT:
            said, fault = was.reason, last_fault(self._context.store)
            # A pause is only reached in the safe state: what the fault said against it is past.
            if fault is not None and not fault.safe and fault.once_safe is not None:
                said = fault.once_safe
            reason = wording.fault_acknowledged(said)
        status = self._context.store.apply(SessionEvent.ACKNOWLEDGE, reason, notes={"by": by})
        self._after_commit(self._context.interrupts.wake)
        return f"{PHASES[status.phase].lower()}; continue when the microscope is ready"

    def confirm_review(self, by: str = _SOMEBODY) -> str:
        """End the review between fluorescence and the beam."""
        status = self._context.store.apply(SessionEvent.REVIEW_CONFIRMED, notes={"by": by})
        self._after_commit(self._context.interrupts.wake)
        return f"goes on: {PHASES[status.phase].lower()}"

    def choose(self, rule: TargetsConfig, by: str, reason: str) -> str:
        """Choose the cells to image; their sections are planned again in the background."""
        said = set_choice(self._context.config, self._context.store, rule, by, reason)
        self._after_commit(self._runner.plan_again)
        return said

    def targets(self) -> TargetList:
        """Return the cells that can be chosen, with the choice in force."""
        return self._targets.now()

    def preview(self, rule: TargetsConfig) -> Preview:
        """Return the effect of a choice, without making it."""
        return self._targets.preview(rule)

    def edit(self, asked: Sequence[Asked], by: str, reason: str) -> str:
        """Edit cells; their sections are planned again in the background."""
        said = review.edit(self._context.config, self._context.store, asked, by, reason)
        self._after_commit(self._runner.plan_again)
        return said

    def set_policy(self, policy: PolicyChange, by: str, reason: str) -> str:
        """Set margins and threshold; sections are planned again in the background."""
        said = review.set_policy(self._context.config, self._context.store, policy, by, reason)
        self._after_commit(self._runner.plan_again)
        return said

    def undo(self, by: str, mine: bool) -> str:
        """Undo the last edits; sections are planned again in the background."""
        said = review.undo(self._context.config, self._context.store, by, mine)
        self._after_commit(self._runner.plan_again)
        return said

    def policy(self) -> Policy:
        """Return the policy of the configuration, and the one that a person has set."""
        return Policy(self._context.config.detection, self._context.store.review.policy_step())

    def preview_policy(self, policy: PolicyChange, field: str | None) -> PolicyPreview:
        """Return the effect of a policy, without a change."""
        return self._policies.preview(policy, field)

    def retakes(self) -> int:
        """Return how often a frame may be exposed again without a person."""
        return self._context.config.session.retakes

    def admitted(self, asked: Sequence[AskedFrame], expose_again: bool) -> list[Job]:
        """Return the jobs for frames that a person asks for, or raise `RefusedFrameError`."""
        return admitted(
            self._context.config.sem, self._context.stage_frame, self._context.store, asked, expose_again
        )

    def devices(self) -> dict[str, object]:
        """Return the devices as last read by the runner."""
        return self._context.view.last()

    def health(self) -> dict[str, object]:
        """Return progress, notifications, and where the session will stop."""
        pending = self._context.interrupts.pending()
        status = self._context.store.status()
        landing = None
        if pending is Interrupt.PAUSE and status.phase not in HALTED:
            landing = self._pause_lands(status)
        elif pending in (Interrupt.ABORT, Interrupt.SHUTDOWN):
            landing = "stops at once"
        blocked = self._runner.blocked
        reason = None if blocked is None else f"{blocked.reason}. {blocked.to_do}"
        return {**self._watch(), "landing": landing, "blocked": reason}

    def time_s(self) -> float:
        """Return the time on the microscope's clock, s."""
        return self._context.clock.now_s()

    def estimate(self) -> SessionEstimate:
        """Return an estimate of the rest of the session."""
        return estimate_session(self._context.config, self._context.store, utc_now())

    def stop(self, interrupt: Interrupt, reason: str) -> None:
        """Interrupt the runner, and stop the device call that it waits for."""
        if not self._runner.ended.is_set():
            self._runner.landed.clear()
        self._context.interrupts.put(interrupt, reason)
        try:
            TimedCall("stop", self._stop_until_landed).start()
        except RuntimeError:
            # Once, on this thread: that the runner lands is not waited for.
            _log_failed(stop_devices(self._context.devices))

    def _after_commit(self, action: Callable[[], None]) -> None:
        """Run `action`, which wakes the runner, once the change and its reply are on the disk."""
        self._context.store.after_commit(action)

    def _stop_until_landed(self) -> None:
        # Repeated, as the runner may be between its check and its call.
        end_s = time.monotonic() + _STOP_FOR_S
        while time.monotonic() < end_s:
            _log_failed(stop_devices(self._context.devices))
            if self._runner.landed.wait(_STOP_AGAIN_S) or self._runner.ended.is_set():
                return


def _log_failed(problems: list[str]) -> None:
    if problems:
        log.error("stop failed", problems=problems)
