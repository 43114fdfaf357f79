"""Buttons that hold, release, approve, skip and move frames, each with its question."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from nicegui import ui

from service.console.ask import Question, ask
from service.console.parts import button
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
    """Make the buttons, none for whoever may not change anything.

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
        To be called when the chosen frames or their states have changed.
    """
    made: list[tuple[_Action, ui.button]] = []

    async def act(action: _Action) -> None:
        names, status = list(chosen()), view.state.status
        if status is None or not names:
            return
        answer = await ask(view, action.question(names))
        if answer is None:
            return
        which = {"jobs": names} if action.place is None else {"job": names[0], **action.place}
        # Refused if somebody else has steered since the question was asked.
        await view.change(action.method, by=answer.by, reason=answer.reason, if_rev=status["rev"], **which)

    def check() -> None:
        states = list(chosen().values())
        for action, one in made:
            possible = bool(states) and all(state in action.states for state in states)
            possible = possible and (len(states) == 1 or action.place is None)
            one.set_enabled(possible)
            one.set_visibility(possible or not only_possible)

    if view.may_change:
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


_WAITING = frozenset({JobState.QUEUED, JobState.HELD, JobState.NEEDS_REVIEW})

_ACTIONS = (
    _Action("Hold", "queue.hold", _hold, frozenset({JobState.QUEUED})),
    _Action("Release", "queue.release", _release, frozenset({JobState.HELD})),
    _Action("Expose again", "queue.approve", _approve, frozenset({JobState.NEEDS_REVIEW})),
    _Action("Skip", "queue.skip", _skip, _WAITING),
    _Action("Move first", "queue.move", _first, _WAITING, {"to_front": True}),
    _Action("Move last", "queue.move", _last, _WAITING, {}),
)
