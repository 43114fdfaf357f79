"""A session behind the API: a real store, and a control that does what a runner would at once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from config.model import Config
from config.work import TargetsConfig
from service.api.handler import Handler
from service.api.transport.endpoints import Endpoints
from service.api.transport.server import ApiServer
from service.model.jobs import Job
from service.model.phases import PauseCause, SessionEvent
from service.model.review import PolicyChange
from service.planning.requested_frames import AskedFrame, admitted
from service.planning.review import edit as review
from service.planning.review.asked import Asked
from service.planning.review.effective import Policy
from service.planning.review.preview import PolicyPreview, PolicyPreviews
from service.planning.session_estimate import SessionEstimate, estimate_session
from service.planning.targets.choose import set_choice
from service.planning.targets.listing import Preview, TargetList, TargetLists
from service.session.stage_frame import StageFrame
from service.store.store import Store


class DirectControl:
    """Control that applies each change to the store; no runner, no devices."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.device_values: dict[str, Any] = {"beam_blanked": True, "pressure_pa": float("nan")}
        self.broken = False

    def pause(self, by: str) -> str:
        return f"now {self._store.apply(SessionEvent.PAUSE, f'asked by {by}', PauseCause.PERSON).phase}"

    def resume(self, by: str) -> str:
        return f"goes on with {self._store.apply(SessionEvent.RESUME, notes={'by': by}).phase}"

    def abort(self, by: str) -> str:
        return f"now {self._store.apply(SessionEvent.ABORT, f'asked by {by}').phase}"

    def acknowledge(self, by: str) -> str:
        return f"now {self._store.apply(SessionEvent.ACKNOWLEDGE, notes={'by': by}).phase}"

    def confirm_review(self, by: str) -> str:
        return f"goes on with {self._store.apply(SessionEvent.REVIEW_CONFIRMED, notes={'by': by}).phase}"

    def choose(self, rule: TargetsConfig, by: str, reason: str) -> str:
        return set_choice(Config(), self._store, rule, by, reason)

    def targets(self) -> TargetList:
        return TargetLists(Config(), self._store).now()

    def preview(self, rule: TargetsConfig) -> Preview:
        return TargetLists(Config(), self._store).preview(rule)

    def edit(self, asked: Sequence[Asked], by: str, reason: str) -> str:
        return review.edit(Config(), self._store, asked, by, reason)

    def set_policy(self, policy: PolicyChange, by: str, reason: str) -> str:
        return review.set_policy(Config(), self._store, policy, by, reason)

    def undo(self, by: str, mine: bool) -> str:
        return review.undo(Config(), self._store, by, mine)

    def policy(self) -> Policy:
        return Policy(Config().detection, self._store.review.policy_step())

    def preview_policy(self, policy: PolicyChange, field: str | None) -> PolicyPreview:
        return PolicyPreviews(Config(), self._store).preview(policy, field)

    def retakes(self) -> int:
        return Config().session.retakes

    def admitted(self, asked: Sequence[AskedFrame], expose_again: bool) -> list[Job]:
        return admitted(Config().sem, StageFrame.of(Config()), self._store, asked, expose_again)

    def devices(self) -> Mapping[str, Any]:
        if self.broken:
            raise RuntimeError("a bug")
        return self.device_values

    def health(self) -> dict[str, Any]:
        return {"step": None}

    def time_s(self) -> float:
        return 42.0

    def estimate(self) -> SessionEstimate:
        return estimate_session(Config(), self._store, datetime(2026, 8, 1, tzinfo=UTC))


def api_server(
    store: Store, where: Endpoints, control: DirectControl | None = None, **options: Any
) -> ApiServer:
    """Return a server of a store with a `DirectControl`."""
    control = control or DirectControl(store)
    handler = Handler(store, control, where.events)
    return ApiServer(store, handler.answer, control.time_s, where, needless=handler.is_read, **options)
