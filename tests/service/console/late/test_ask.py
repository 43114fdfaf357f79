"""Questions on a page of NiceGUI without a browser."""

import asyncio
import gc
from typing import Any

import pytest
from nicegui import Client, ui

from service.console.ask import Answer, Question, ask
from service.console.run_state import State
from service.console.safety import Role
from tests.service.console.consoles import run_alone
from tests.service.console.test_view import view_of

QUESTION = Question("Skip J000001?", "That is final.", "Skip", of_run=False)


@pytest.mark.parametrize("leaves", [True, False])
def test_a_question_outlives_the_place_of_its_button_and_ends_with_its_page(leaves: bool) -> None:
    view = view_of(Role.OPERATE, State())

    async def asked() -> tuple[Answer | None, int]:
        client = view.client = Client(ui.page("/"))
        with client, ui.element() as place, place:
            asking = asyncio.create_task(in_place(place))
            await asyncio.sleep(0)
            (dialog,) = (one for one in client.elements.values() if isinstance(one, ui.dialog))
            place.clear()
            gc.collect()
            await asyncio.sleep(0)
            assert not dialog.is_deleted
            if leaves:
                client.delete()
            else:
                dialog.submit(True)
            answer = await asking
        left = len(client.elements)
        if not leaves:
            client.delete()
        return answer, left

    async def in_place(place: ui.element) -> Any:
        with place:
            return await ask(view, QUESTION)

    before = run_alone(number_of_elements())
    answer, left = run_alone(asked())
    assert answer == (None if leaves else Answer("kim", ""))
    assert left == (0 if leaves else before), "nothing of the question stays"
    assert not view.is_asking


async def number_of_elements() -> int:
    client = Client(ui.page("/"))
    with client, ui.element():
        pass
    found = len(client.elements)
    client.delete()
    return found
