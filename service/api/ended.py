"""A run that no daemon drives, answered from its folder as a daemon would; nothing can be changed."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from config.model import Config
from config.work import TargetsConfig
from service.api.handler import Handler
from service.api.wire.messages import ErrorCode
from service.api.wire.methods import METHODS
from service.errors import ApiError, IllegalTransitionError
from service.model.jobs import Job
from service.model.review import PolicyChange
from service.planning.requested_frames import AskedFrame
from service.planning.review.asked import Asked
from service.planning.review.effective import Policy
from service.planning.review.preview import PolicyPreview, PolicyPreviews
from service.planning.session_estimate import SessionEstimate, estimate_session
from service.planning.targets.listing import Preview, TargetList, TargetLists
from service.session.folders.kept_config import kept_config
from service.session.folders.run_folder import open_existing
from service.session.hardware import microscope_name
from service.store.database import utc_now
from service.store.store import Store

_PAGE = 1000
_ENDED = "no program drives this run: it can be looked at, not changed"


class EndedSession:
    """The folder of a run, used like a `service.api.client.Client`; not thread-safe.

    Parameters
    ----------
    path : Path
        Folder of the run.

    Raises
    ------
    InputError, StoreError
        It is no folder of a run.
    """

    def __init__(self, path: Path) -> None:
        folder, info = open_existing(path)
        config = kept_config(folder, info)
        self._store = Store.open(folder.store)
        control = _EndedControl(config, self._store)
        self._handler = Handler(self._store, control, "", microscope_name(config, info.kind))

    def close(self) -> None:
        """Close the files; harmless when repeated."""
        self._store.close()

    def call(self, method: str, *, request_id: str | None = None, **params: Any) -> dict[str, Any]:
        """Call a method and return its result.

        Parameters
        ----------
        method : str
            One of `service.api.wire.methods.METHODS`.
        request_id : str, optional
        **params
            JSON values; those that are None are left out.

        Raises
        ------
        ApiError
            The request was refused, as any that would change something.
        """
        if method in METHODS and METHODS[method].changes:
            raise ApiError(ErrorCode.ILLEGAL_TRANSITION, _ENDED)
        given = {name: value for name, value in params.items() if value is not None}
        request = {"v": 1, "id": request_id or uuid.uuid4().hex, "method": method, "params": given}
        reply = json.loads(self._handler.answer(json.dumps(request).encode()))
        if not reply["ok"]:
            raise ApiError(reply["error"]["code"], reply["error"]["message"])
        return dict(reply["result"])

    def events(self, since: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the events after a sequence number, and end."""
        last = since or 0
        while page := self.call("events.since", seq=last, limit=_PAGE)["events"]:
            yield from page
            last = page[-1]["seq"]


class _EndedControl:
    """Controls of a run that has ended: it is read, and refuses all else."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self._targets = TargetLists(config, store)
        self._policies = PolicyPreviews(config, store)

    def pause(self, by: str) -> str:  # noqa: ARG002
        return self._refuse()

    def resume(self, by: str) -> str:  # noqa: ARG002
        return self._refuse()

    def abort(self, by: str) -> str:  # noqa: ARG002
        return self._refuse()

    def acknowledge(self, by: str) -> str:  # noqa: ARG002
        return self._refuse()

    def confirm_review(self, by: str) -> str:  # noqa: ARG002
        return self._refuse()

    def choose(self, rule: TargetsConfig, by: str, reason: str) -> str:  # noqa: ARG002
        return self._refuse()

    def edit(self, asked: Sequence[Asked], by: str, reason: str) -> str:  # noqa: ARG002
        return self._refuse()

    def set_policy(self, policy: PolicyChange, by: str, reason: str) -> str:  # noqa: ARG002
        return self._refuse()

    def undo(self, by: str, mine: bool) -> str:  # noqa: ARG002
        return self._refuse()

    def policy(self) -> Policy:
        return Policy(self._config.detection, self._store.review.policy_step())

    def preview_policy(self, policy: PolicyChange, field: str | None) -> PolicyPreview:
        return self._policies.preview(policy, field)

    def admitted(self, asked: Sequence[AskedFrame], expose_again: bool) -> list[Job]:  # noqa: ARG002
        return self._refuse()

    def retakes(self) -> int:
        return self._config.session.retakes

    def targets(self) -> TargetList:
        return self._targets.now()

    def preview(self, rule: TargetsConfig) -> Preview:
        return self._targets.preview(rule)

    def devices(self) -> Mapping[str, Any]:
        return {}

    def health(self) -> Mapping[str, Any]:
        return {"step": None}

    def time_s(self) -> float:
        return self._store.last_time_s()

    def estimate(self) -> SessionEstimate:
        return estimate_session(self._config, self._store, utc_now())

    def _refuse(self) -> NoReturn:
        raise IllegalTransitionError(_ENDED)
