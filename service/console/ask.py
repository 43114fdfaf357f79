"""Dialogs in which a person confirms a change: what it does, to which run, in whose name and why."""

from dataclasses import dataclass

from nicegui import ui

from service.console.parts import Look, button
from service.console.safety import NAME_COOKIE
from service.console.view import LONGEST_NAME, View

LONGEST_REASON = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """A confirmed change."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Question:
    """A change to be confirmed.

    Attributes
    ----------
    title : str
        The change, as an imperative.
    effect : str
        What it does and what cannot be undone.
    button : str
        Label of the button that makes the change.
    reason : bool
        True to ask for a reason.
    must_say_why : bool
        True if it is required.
    typed : str
        A word that must be typed before the button works; empty if none.
    dangerous : bool
    of_run : bool
        True if it is about the run that is shown, which is named then.
    """

    title: str
    effect: str
    button: str
    reason: bool = False
    must_say_why: bool = False
    typed: str = ""
    dangerous: bool = False
    of_run: bool = True


async def ask(view: View, question: Question) -> Answer | None:
    """Show a dialog and return the person's answer.

    None if they changed their mind or left the page, and while another question waits: the second click of
    two on a button asks nothing.
    """
    if view.is_asking or view.is_gone:
        return None
    view.is_asking = True
    # In the page itself: the place of the button may be written anew while the person thinks.
    with ui.context.client.layout, ui.element() as place:
        try:
            return await _answer(view, question)
        finally:
            view.is_asking = False
            if not place.is_deleted:
                place.delete()


async def _answer(view: View, question: Question) -> Answer | None:
    with ui.dialog() as dialog, ui.card().classes("ask"):
        dialog.props(f'aria-label="{question.button}" persistent')
        ui.label(question.title).classes("ask-title").props("role=heading aria-level=2")
        if question.of_run:
            ui.label(_where(view)).classes("muted")
        ui.label(question.effect)
        name = ui.input("Your name, recorded with it", value=view.person).props(
            f"maxlength={LONGEST_NAME} outlined"
        )
        reason = None
        if question.reason:
            label = "Reason" if question.must_say_why else "Reason (optional)"
            reason = ui.input(label).props(f"maxlength={LONGEST_REASON} outlined")
        typed = None
        if question.typed:
            typed = ui.input(f"Type {question.typed} to confirm").props("outlined autocomplete=off")

        def is_complete() -> bool:
            return (
                bool(clean(name.value))
                and (not question.must_say_why or reason is None or bool(clean(reason.value)))
                and (typed is None or clean(typed.value).lower() == question.typed.lower())
            )

        with ui.row().classes("ask-buttons"):
            button("Go back", lambda: dialog.submit(None))
            look: Look = "danger" if question.dangerous else "primary"
            done = button(question.button, lambda: dialog.submit(True) if is_complete() else None, look)
            # An outlined button has no ground of its own, whatever the style says.
            done.props("unelevated", remove="outline")

        def check() -> None:
            done.set_enabled(is_complete())

        for one in (name, reason, typed):
            if one is not None:
                one.on_value_change(check)
                one.on("keydown.enter", lambda: dialog.submit(True) if is_complete() else None)
        check()
    confirmed = await dialog
    if view.is_gone or dialog.is_deleted:
        return None
    dialog.delete()
    if not confirmed:
        return None
    by = clean(name.value)
    if by != view.person:
        view.person = by
        view.remember(NAME_COOKIE, by)
    return Answer(by, "" if reason is None else clean(reason.value))


def _where(view: View) -> str:
    hello = view.state.hello
    if hello is None:
        return ""
    return f"Run {hello['run']}" + (f" on {hello['microscope']}" if hello.get("microscope") else "")


def clean(text: str | None) -> str:
    """Return a text as the API takes it: one line, without blanks around it."""
    return "".join(letter for letter in (text or "") if letter.isprintable()).strip()
