"""Buttons that hold, release, approve, skip and move frames, each with its question."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from nicegui import ui

from service.console.ask import Question, ask
from service.console.parts import button
from service.console.view import View

_MOST_NAMED = 5

_EXPOSED_AGAIN = (
    "The beam goes there once more. If the ground was exposed before, it gets a second dose, which cannot be"
    " undone."
)


def buttons(
    view: View,
    chosen: Callable[[], Sequence[str]],
    on_choice: Callable[[Callable[[], None]], object],
    done: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Make the buttons.

    Parameters
    ----------
    view : View
    chosen : callable
        Returns the frames that are meant.
    on_choice : callable
        Registers a function to be called when they change.
    done : callable, optional
        Called after a change.
    """

    async def act(method: str, question: Question, **params: Any) -> None:
        names, status = list(chosen()), view.state.status
        answer = await ask(view, question) if names and status else None
        if answer is None or status is None:
            return
        if method == "queue.move":
            params["job"] = names[0]
        else:
            params["jobs"] = names
        # Refused if somebody else has steered since the question was asked.
        await view.change(method, by=answer.by, reason=answer.reason, if_rev=status["rev"], **params)
        if done is not None:
            await done()

    made: list[tuple[ui.button, bool]] = []

    def offer(label: str, action: Callable[[], Awaitable[None]], single: bool = False) -> None:
        made.append((button(label, action).classes("steer"), single))

    def check() -> None:
        count = len(chosen())
        for one, single in made:
            one.set_enabled(count == 1 if single else count > 0)

    offer("Hold", lambda: act("queue.hold", _hold(chosen())))
    offer("Release", lambda: act("queue.release", _release(chosen())))
    offer("Expose again", lambda: act("queue.approve", _approve(chosen())))
    offer("Skip", lambda: act("queue.skip", _skip(chosen())))
    offer("Move first", lambda: act("queue.move", _first(chosen()), to_front=True), single=True)
    offer("Move last", lambda: act("queue.move", _last(chosen())), single=True)
    on_choice(check)
    check()


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
