"""Interface between the API and a running session."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from config.work import TargetsConfig
from service.model.jobs import Job
from service.model.review import PolicyChange
from service.planning.requested_frames import AskedFrame
from service.planning.review.asked import Asked
from service.planning.review.effective import Policy
from service.planning.review.preview import PolicyPreview
from service.planning.session_estimate import SessionEstimate
from service.planning.targets.listing import Preview, TargetList


class Control(Protocol):
    """Controls of a running session.

    The API calls the changes inside the transaction that keeps their reply. They return at once, with a
    sentence that names the step at which the change takes effect. They must not wait for a lock that another
    thread holds while it writes to the store. Anything that must wait for the commit (such as waking the
    runner) goes through `Store.after_commit`. Each raises `IllegalTransitionError` if the phase does not
    allow the change.
    """

    def pause(self, by: str) -> str:
        """Pause after the current step; `by` says who asks for it, as in all that follow."""
        ...

    def resume(self, by: str) -> str:
        """Continue after a pause; this confirms what the pause asked for."""
        ...

    def abort(self, by: str) -> str:
        """End the session at once; it cannot be resumed."""
        ...

    def acknowledge(self, by: str) -> str:
        """Acknowledge a fault."""
        ...

    def confirm_review(self, by: str) -> str:
        """End the review between fluorescence and the beam."""
        ...

    def choose(self, rule: TargetsConfig, by: str, reason: str) -> str:
        """Choose the cells to image, or raise `RefusedChoiceError`; their sections are planned again."""
        ...

    def targets(self) -> TargetList:
        """Return the cells that can be chosen, with the choice in force."""
        ...

    def preview(self, rule: TargetsConfig) -> Preview:
        """Return the effect of a choice, or raise `RefusedChoiceError`."""
        ...

    def edit(self, asked: Sequence[Asked], by: str, reason: str) -> str:
        """Edit cells, or raise `RefusedChoiceError`; their sections are planned again."""
        ...

    def set_policy(self, policy: PolicyChange, by: str, reason: str) -> str:
        """Set margins and threshold, or raise `RefusedChoiceError`; sections are planned again."""
        ...

    def undo(self, by: str, mine: bool) -> str:
        """Undo the last edits, or raise `RefusedChoiceError`; sections are planned again."""
        ...

    def policy(self) -> Policy:
        """Return the policy of the configuration, and the one that a person has set."""
        ...

    def preview_policy(self, policy: PolicyChange, field: str | None) -> PolicyPreview:
        """Return the effect of a policy, without a change."""
        ...

    def retakes(self) -> int:
        """Return how often a frame may be exposed again without a person."""
        ...

    def admitted(self, asked: Sequence[AskedFrame], expose_again: bool) -> list[Job]:
        """Return the jobs for frames that a person asks for, or raise `RefusedFrameError`."""
        ...

    def devices(self) -> Mapping[str, Any]:
        """Return the last readings of the devices, without waiting for hardware."""
        ...

    def health(self) -> Mapping[str, Any]:
        """Return the progress of the session, where it will stop, and the state of the notifications."""
        ...

    def time_s(self) -> float:
        """Return the time on the microscope's clock, s."""
        ...

    def estimate(self) -> SessionEstimate:
        """Return an estimate of the rest of the session."""
        ...
