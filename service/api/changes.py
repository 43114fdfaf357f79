"""The changes of the API: each is made inside the transaction that keeps its reply."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from service.api.wire import queue as jobs
from service.api.wire.messages import Changed, ChangeParams
from service.model.jobs import Job
from service.planning.requested_frames import AskedFrame
from service.planning.session_estimate import SessionEstimate
from service.store.store import Store
from service.store.tables.steering import Word


class Control(Protocol):
    """What the API may ask of a running session.

    The changes are called inside the transaction that keeps their reply. They return at once, with a
    sentence that says where the change will land. They must not wait for a lock that another thread holds
    while it writes to the store. What must happen only once the change is on the disk (waking the runner)
    goes through `Store.after_commit`. Each raises `IllegalTransitionError` where the phase does not allow it.
    """

    def pause(self) -> str:
        """Pause after the step that runs."""
        ...

    def resume(self) -> str:
        """Go on after a pause."""
        ...

    def abort(self) -> str:
        """End the session at once, for good."""
        ...

    def acknowledge(self) -> str:
        """Leave a fault."""
        ...

    def confirm_review(self) -> str:
        """End the review between fluorescence and the beam."""
        ...

    def admitted(self, asked: Sequence[AskedFrame], expose_again: bool) -> list[Job]:
        """Return the jobs for frames that a person asks for, or raise `RefusedFrameError`."""
        ...

    def devices(self) -> Mapping[str, Any]:
        """Return what was read from the devices last; never waits for hardware."""
        ...

    def health(self) -> Mapping[str, Any]:
        """Return how the session comes forward, where it will land, whether people can be told."""
        ...

    def time_s(self) -> float:
        """Time on the microscope's clock, s."""
        ...

    def estimate(self) -> SessionEstimate:
        """What is left of the session."""
        ...


class Changes:
    """Makes the changes that requests ask for."""

    def __init__(self, store: Store, control: Control) -> None:
        self._store = store
        self._control = control
        self._runs: Mapping[str, Callable[[], str]] = {
            "run.pause": control.pause,
            "run.resume": control.resume,
            "run.abort": control.abort,
            "fault.ack": control.acknowledge,
            "review.confirm": control.confirm_review,
        }

    def make(self, method: str, params: ChangeParams) -> Changed:
        """Make a change and say where it lands.

        Raises
        ------
        IllegalTransitionError, UnknownIdError, RefusedFrameError
            It is not possible; nothing changed.
        """
        match params:
            case jobs.JobsParams():
                return self._answer(self._turn(method, params))
            case jobs.MoveParams():
                return self._answer(self._move(params))
            case jobs.AddParams():
                return self._add(params)
            case _:
                return self._answer(self._runs[method]())

    def _answer(self, message: str) -> Changed:
        return Changed(message=message, phase=self._store.status().phase, rev=self._store.requests.rev())

    def _turn(self, method: str, params: jobs.JobsParams) -> str:
        steering, names, word = self._store.steering, params.jobs, _word(params)
        told = names[0] if len(names) == 1 else f"{len(names)} jobs"
        match method:
            case "queue.hold":
                steering.hold(names, word)
                return f"{told} held, until released"
            case "queue.release":
                steering.release(names, word)
                return f"{told} queued again"
            case "queue.approve":
                steering.approve(names, word)
                return f"{told} queued: the beam will go there again"
            case _:
                steering.skip(names, word)
                return f"{told} skipped, for good"

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
        made = self._control.admitted(asked, params.expose_again)
        self._store.steering.add(made, _word(params))
        answer = self._answer(f"{len(made)} frames queued, {sum(job.beam_s for job in made):.0f} s of beam")
        names = tuple(job.id for job in made)
        return jobs.Added(message=answer.message, phase=answer.phase, rev=answer.rev, jobs=names)


def _word(params: jobs.SteerParams) -> Word:
    return Word(params.by, params.reason)
