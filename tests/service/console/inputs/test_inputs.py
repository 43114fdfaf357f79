"""Inputs without a browser: events that come late, as a browser sends them."""

from collections.abc import Iterator
from typing import Any

import pytest
from nicegui import Client, ui
from nicegui.events import GenericEventArguments

from service.console.inputs.choice import choice
from service.console.inputs.number import NumberInput


@pytest.fixture
def a_page() -> Iterator[Client]:
    with Client(ui.page("/")) as client:
        yield client
    client.delete()


def send(element: ui.element, kind: str, args: object) -> None:
    """Handle an event of an element as the server does that gets it."""
    listener = next(one for one in element._event_listeners.values() if one.type == kind)
    element._handle_event({"listener_id": listener.id, "args": args})


def typed(number: NumberInput, text: str, about: str = "", count: int = 1) -> None:
    send(number, "entered", {"about": about, "text": text, "number": count})


@pytest.mark.parametrize(
    ("text", "value"), [("2.5", 2.5), ("7", 5.0), ("-1", 0.0), ("", None), ("1e", None), ("nan", None)]
)
def test_a_number_is_kept_within_its_limits_and_answered(
    a_page: Client, text: str, value: float | None
) -> None:
    number = NumberInput("Overlap", value=1.0, low=0, high=5)
    typed(number, text, count=4)
    assert number.value == value
    assert number._props["answered"] == 4, "the browser shows what holds from here on"


def test_a_number_is_entered_for_what_it_was_typed_for_although_another_thing_is_shown(
    a_page: Client,
) -> None:
    number, entered = NumberInput("Place", low=1, whole=True), []
    number.on_entered(lambda about, value: entered.append((about, value)))
    number.show("S0001", 1)
    number.show("S0002", 2)
    number.disable()
    typed(number, "3.2", "S0001")
    typed(number, "", "S0002", 2)
    assert entered == [("S0001", 3.0)]
    assert (number.value, number._props["shown"], number._props["answered"]) == (2, "2", 2)


def test_a_number_whose_handling_fails_is_answered_all_the_same(a_page: Client) -> None:
    def fails(about: str, value: float) -> None:
        raise ValueError(about)

    number = NumberInput("Place", value=2.0)
    number.on_entered(fails)
    args = {"about": "S0001", "text": "3", "number": 5}
    late = GenericEventArguments(sender=number, client=a_page, args=args)
    with pytest.raises(ValueError, match="S0001"):
        number._entered(late)
    assert (number._props["shown"], number._props["answered"]) == ("2", 5)


def test_a_choice_is_what_a_person_saw_although_the_list_has_grown_meanwhile(a_page: Client) -> None:
    chosen: list[Any] = []
    names = choice(["b.json", "d.json"], "Section list", value="b.json")
    names.on_value_change(lambda event: chosen.append(event.value))
    clicked = names._props["options"][1]
    names.set_options(["a.json", "b.json", "c.json", "d.json"], value=names.value)
    send(names, "update:modelValue", clicked)
    assert (names.value, chosen) == ("d.json", ["d.json"])
    names.set_options(["a.json", "d.json"], value="a.json")
    send(names, "update:modelValue", {"value": "c.json", "label": "c.json"})
    assert names.value == "a.json", "what is gone is not chosen"
    send(names, "update:modelValue", None)
    assert names.value is None
    assert names._props["model-value"] is None


def test_texts_of_a_choice_may_change_while_a_person_chooses(a_page: Client) -> None:
    states = choice({"": "All (9)", "held": "Held (1)"}, "State", value="")
    clicked = states._props["options"][1]
    states.set_options({"": "All (9)", "held": "Held (2)"}, value="")
    send(states, "update:modelValue", clicked)
    assert states.value == "held"
    assert states._props["model-value"] == {"value": "held", "label": "Held (2)"}
