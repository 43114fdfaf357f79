"""Changes made through the API, each inside the transaction that keeps its reply."""

from collections.abc import Callable, Mapping

from service.api.control import Control
from service.api.wire import queue as jobs
from service.api.wire import review as wire
from service.api.wire.messages import Changed, ChangeParams, SessionParams
from service.api.wire.targets import SetTargetsParams
from service.model.review import EditKind
from service.planning.requested_frames import AskedFrame
from service.planning.review.asked import Asked
from service.store.store import Store
from service.store.tables.steering import Word


class Changes:
    """Changes of one session and of its queue."""

    def __init__(self, store: Store, control: Control, microscope: str) -> None:
        self._store = store
        self._control = control
        self._run, self._microscope = store.run_id(), microscope
        self._runs: Mapping[str, Callable[[str], str]] = {
            "run.pause": control.pause,
            "run.resume": control.resume,
            "run.abort": control.abort,
            "fault.ack": control.acknowledge,
            "review.confirm": control.confirm_review,
        }

    def make(self, method: str, params: ChangeParams) -> Changed:
        """Make a change and return its result.

        Raises
        ------
        IllegalTransitionError, UnknownIdError, RefusedFrameError, RefusedChoiceError
            The change is not possible; nothing changed.
        """
        match params:
            case jobs.JobsParams():
                return self._changed(self._steer(method, params))
            case jobs.MoveParams():
                return self._changed(self._move(params))
            case jobs.AddParams():
                return self._add(params)
            case SetTargetsParams():
                return self._changed(self._control.choose(params.rule, params.by, params.reason))
            case wire.ReviewEditParams():
                return self._changed(self._control.edit(_asked(params), params.by, params.reason))
            case wire.ReviewPolicyParams():
                change = params.policy.change()
                return self._changed(self._control.set_policy(change, params.by, params.reason))
            case wire.ReviewUndoParams():
                return self._changed(self._control.undo(params.by, params.mine))
            case SessionParams():
                return self._changed(self._runs[method](params.by))
            case _:
                raise ValueError(f"{method} is no change")

    def _changed(self, message: str) -> Changed:
        return Changed(
            message=message,
            phase=self._store.status().phase,
            rev=self._store.requests.rev(),
            run=self._run,
            microscope=self._microscope,
        )

    def _steer(self, method: str, params: jobs.JobsParams) -> str:
        steering, names, word = self._store.steering, params.jobs, _word(params)
        subject = names[0] if len(names) == 1 else f"{len(names)} jobs"
        match method:
            case "queue.hold":
                steering.hold(names, word)
                return f"{subject} held, until released"
            case "queue.release":
                steering.release(names, word)
                return f"{subject} queued again"
            case "queue.approve":
                steering.approve(names, word)
                return f"{subject} queued for another exposure"
            case _:
                steering.skip(names, word)
                return f"{subject} skipped permanently"

    def _move(self, params: jobs.MoveParams) -> str:
        self._store.steering.move(params.job, params.before, params.to_front, _word(params))
        if params.before is not None:
            return f"{params.job} moved before {params.before}"
        return f"{params.job} moved to the {'front' if params.to_front else 'end'} of the queue"

    def _add(self, params: jobs.AddParams) -> jobs.Added:
        asked = [
            AskedFrame(frame.section, frame.center_m, frame.size_px, frame.pixel_size_m, frame.dwell_s)
            for frame in params.jobs
        ]
        added = self._control.admitted(asked, params.expose_again)
        self._store.steering.add(added, _word(params))
        changed = self._changed(
            f"{len(added)} frames queued, {sum(job.beam_s for job in added):.0f} s of beam time"
        )
        names = tuple(job.id for job in added)
        return jobs.Added(**changed.model_dump(), jobs=names)


def _asked(params: wire.ReviewEditParams) -> list[Asked]:
    return [
        Asked(
            EditKind(one.kind),
            cell=None if isinstance(one, wire.DrawEdit) else one.cell,
            field=one.field if isinstance(one, wire.DrawEdit) else None,
            box_px=one.box_px if isinstance(one, (wire.DrawEdit, wire.ResizeEdit)) else None,
            whole_track=isinstance(one, (wire.RejectEdit, wire.AcceptEdit)) and one.whole_track,
        )
        for one in params.edits
    ]


def _word(params: jobs.SteerParams) -> Word:
    return Word(params.by, params.reason)
