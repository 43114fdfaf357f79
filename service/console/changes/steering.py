"""Buttons that hold, release, approve, skip and move frames, each with its question."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from nicegui import ui

from service.console.ask import Question, ask
from service.console.parts import button
from service.console.safety import Role
from service.console.view import View
from service.model.jobs import JobState

_MOST_NAMED = 5

_EXPOSED_AGAIN = (
    "The beam goes there once more. If the ground was exposed before, it gets a second dose, which cannot be"
    " undone."
)


def buttons(
    view: View, chosen: Callable[[], Mapping[str, JobState]], only_possible: bool = False
) -> Callable[[], None]:
    """Make the buttons, none for whoever may only watch; they are hidden while nothing can be changed.

    Parameters
    ----------
    view : View
    chosen : callable
        Returns the states of the frames that are meant, by name.
    only_possible : bool
        Hide what is not possible now; otherwise it is shown and does not work.

    Returns
    -------
    callable
        To be called when the chosen frames or their states, or the session, have changed.
    """
    made: list[tuple[_Action, ui.button]] = []

    async def act(action: _Action) -> None:
        names, rev = list(chosen()), view.rev
        if rev is None or not names:
            return
        answer = await ask(view, action.question(names))
        if answer is None:
            return
        which = {"jobs": names} if action.place is None else {"job": names[0], **action.place}
        # Refused if somebody else has steered since the question was asked.
        await view.change(action.method, by=answer.by, reason=answer.reason, if_rev=rev, **which)

    def check() -> None:
        states, may = list(chosen().values()), view.may_steer
        for action, one in made:
            possible = action.is_possible(states)
            one.set_enabled(may and possible)
            # An ended run says above that it is read only: what can never work there is not shown.
            one.set_visibility(may and (possible or not only_possible))

    # Only now and then is it known before the page is made that a run has ended.
    if view.role is Role.OPERATE:
        made.extend(
            (action, button(action.label, partial(act, action)).classes("steer")) for action in _ACTIONS
        )
    check()
    return check


def _hold(names: Sequence[str]) -> Question:
    return Question(
        f"Hold {_named(names)}?",
        "The beam does not go there until somebody releases it.",
        "Hold",
        reason=True,
    )


def _release(names: Sequence[str]) -> Question:
    return Question(
        f"Release {_named(names)}?", "It returns to its place in the queue.", "Release", reason=True
    )


def _approve(names: Sequence[str]) -> Question:
    return Question(
        f"Expose {_named(names)} again?",
        _EXPOSED_AGAIN,
        "Expose again",
        reason=True,
        must_say_why=True,
        dangerous=True,
    )


def _skip(names: Sequence[str]) -> Question:
    return Question(
        f"Skip {_named(names)}?",
        "No image of it is taken, now or later. That is final.",
        "Skip",
        reason=True,
        must_say_why=True,
        dangerous=True,
    )


def _first(names: Sequence[str]) -> Question:
    return Question(f"Move {_named(names)} to the front?", "It is the next frame.", "Move first", reason=True)


def _last(names: Sequence[str]) -> Question:
    return Question(
        f"Move {_named(names)} to the end?", "It is taken after all others.", "Move last", reason=True
    )


def _named(names: Sequence[str]) -> str:
    """Return the frames by name, a few of them."""
    few = ", ".join(names[:_MOST_NAMED])
    return few if len(names) <= _MOST_NAMED else f"{few} and {len(names) - _MOST_NAMED} more frames"


@dataclass(frozen=True, slots=True)
class _Action:
    """A change of some frames: its label, method, question, and the states from which it is possible."""

    label: str
    method: str
    question: Callable[[Sequence[str]], Question]
    states: frozenset[JobState]
    place: Mapping[str, bool] | None = None
    """New place of a single frame; None for what is done to several."""

    def is_possible(self, states: Sequence[JobState]) -> bool:
        """Return True if it can be done to frames in these states."""
        alone = len(states) == 1 or self.place is None
        return bool(states) and alone and all(state in self.states for state in states)


_WAITING = frozenset({JobState.QUEUED, JobState.HELD, JobState.NEEDS_REVIEW})

_ACTIONS = (
    _Action("Hold", "queue.hold", _hold, frozenset({JobState.QUEUED})),
    _Action("Release", "queue.release", _release, frozenset({JobState.HELD})),
    _Action("Expose again", "queue.approve", _approve, frozenset({JobState.NEEDS_REVIEW})),
    _Action("Skip", "queue.skip", _skip, _WAITING),
    _Action("Move first", "queue.move", _first, _WAITING, {"to_front": True}),
    _Action("Move last", "queue.move", _last, _WAITING, {}),
)
