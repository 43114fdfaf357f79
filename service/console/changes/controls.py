"""The buttons that pause, continue, acknowledge and abort."""

from typing import Any

from nicegui import ui

from service.console.ask import Question, ask
from service.console.parts import button
from service.console.view import View
from service.model.jobs import JobState
from service.model.phases import Phase
from service.model.specimen import FieldState


def controls(view: View) -> None:
    """Make the buttons; those that do nothing in the present phase are hidden."""
    with ui.element("div").classes("controls"):
        pause = button("Pause", lambda: _pause(view), "primary")
        go_on = button("Continue", lambda: _continue(view), "primary")
        ack = button("Acknowledge the fault", lambda: _acknowledge(view), "primary")
        abort = button("Abort the session…", lambda: _abort(view), "danger")
    for one in (pause, go_on, ack, abort):
        # Nothing to click before the state is known.
        one.set_visibility(False)

    def show() -> None:
        status = view.state.status
        phase = None if status is None else Phase(status["phase"])
        landing = bool(status and status["health"].get("landing"))
        may = view.may_steer
        waits = phase in (Phase.PAUSED, Phase.REVIEW)
        pause.set_visibility(may and not waits and not landing and phase is not Phase.FAULT)
        go_on.set_visibility(may and (waits or landing))
        go_on.set_text("Take the pause back" if landing else "Continue")
        ack.set_visibility(may and phase is Phase.FAULT)
        abort.set_visibility(may)

    view.follow(show)


async def _pause(view: View) -> None:
    # At once, without a question: whoever has not given a name yet pauses all the same.
    await view.change("run.pause", by=view.person or "somebody")


async def _continue(view: View) -> None:
    status = await view.now()
    if status is None:
        return
    if status["phase"] == Phase.REVIEW:
        question = Question(
            "End the review and let the beam begin?",
            "The chamber is pumped; then the beam images the cells and destroys their fluorescence. That"
            " cannot be undone.",
            "End the review",
        )
        await confirm_review(view, question, status)
        return
    effect = f"It was paused: {status['reason'] or ''}. The vacuum is checked again before light or beam."
    answer = await ask(view, Question("Continue the session?", effect, "Continue"))
    if answer is not None:
        # Refused if somebody else has changed the session since the question was asked. Pause and abort are
        # not: they must work whatever others do, and `if_run` keeps them to the run that the page shows.
        await view.change("run.resume", by=answer.by, if_rev=status["rev"])


async def confirm_review(view: View, question: Question, status: dict[str, Any]) -> None:
    """End the review if the person confirms it, and nobody has changed the session since a status.

    What the question says must not be older than that status.
    """
    answer = await ask(view, question)
    if answer is not None:
        await view.change("review.confirm", by=answer.by, if_rev=status["rev"])


async def _acknowledge(view: View) -> None:
    status = await view.now()
    if status is None:
        return
    question = Question(
        "Acknowledge the fault?",
        "You have looked at the microscope and mended what the fault names. The session is then paused.",
        "Acknowledge",
    )
    answer = await ask(view, question)
    if answer is not None:
        await view.change("fault.ack", by=answer.by, if_rev=status["rev"])


async def _abort(view: View) -> None:
    status = view.state.status
    if status is None:
        return
    jobs, fields = status["jobs"], status["fields"]
    left = jobs.get(JobState.QUEUED, 0) + jobs.get(JobState.HELD, 0)
    pending = fields.get(FieldState.PENDING, 0)
    effect = (
        "The beam is blanked in mid-scan and the session ends. It cannot be resumed."
        f" {jobs.get(JobState.DONE, 0)} frames are done;"
        f" {left} frames{f' and {pending} fields' if pending else ''} will not be taken."
    )
    question = Question("Abort this session?", effect, "Abort the session", typed="abort", dangerous=True)
    answer = await ask(view, question)
    if answer is not None:
        await view.change("run.abort", by=answer.by)
