"""The frame that settings are tried on: an image of the folder, or that of a field, fetched once."""

import base64
from types import SimpleNamespace
from typing import Any

import pytest

from service.console.computer.trials import FrameChoice
from service.console.tune.frames import FrameOfChoice
from service.errors import InputError
from tests.service.console.answers import Answering, paged
from tests.service.console.consoles import run_alone

FRAME = bytes(range(200))


class Tuner:
    """Keeps what was fetched."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, bytes]] = []

    def keep(self, field: str, data: bytes) -> str:
        self.kept.append((field, data))
        return f"kept/{field.replace('/', '-')}.tiff"


def choice_of(what: str, part: int = 70, data: bytes = FRAME) -> tuple[FrameOfChoice, Answering, Tuner]:
    def image(field: str, form: str, offset: int) -> dict[str, Any]:
        assert (field, form) == ("S0001/F000", "file")
        end = offset + part
        found = base64.b64encode(data[offset:end]).decode()
        return {"base64": found, "after": end if end < len(data) else None}

    made: Any = FrameOfChoice.__new__(FrameOfChoice)
    view: Any = Answering(fields_image=image)
    tuner = Tuner()
    view.computer = SimpleNamespace(tuner=tuner)
    made._view, made._last = view, ("", "")
    made._what, made._page = SimpleNamespace(value=what), SimpleNamespace(value=3)
    made._pixel_nm, made._channel = SimpleNamespace(value=65.0), SimpleNamespace(value=" 488 ")
    return made, view, tuner


class Choice(SimpleNamespace):
    """A choice without its widget."""

    def enable(self) -> None:
        self.enabled = True

    def set_options(self, options: dict[str, str], value: str | None) -> None:
        self.options, self.value = options, value


@pytest.mark.parametrize("fields", [[{"field": "S0001/F000"}], []])
def test_a_folder_that_cannot_be_read_leaves_the_fields_of_the_run(fields: list[dict[str, str]]) -> None:
    def unreadable() -> list[str]:
        raise InputError("/data: cannot be read")

    made: Any = FrameOfChoice.__new__(FrameOfChoice)
    view: Any = Answering(fields_list=paged("fields", [fields]))
    view.computer, view.query = SimpleNamespace(tuner=SimpleNamespace(images=unreadable)), {}
    made._view, made._what, made._on_change = view, Choice(enabled=False, props={}), lambda: None
    run_alone(made._offer())
    assert made._what.enabled
    assert list(made._what.options.values()) == [f"{one['field']} of this run" for one in fields]
    assert made._what.props.get("hint", "") == ("" if fields else "/data: cannot be read")


def test_an_image_of_the_folder_is_tried_with_what_it_does_not_say_of_itself() -> None:
    made, view, _ = choice_of("file a.ome.tiff")
    assert run_alone(made.choice()) == FrameChoice("a.ome.tiff", 3, 65.0, "488")
    assert view.asked == []


@pytest.mark.parametrize(("part", "calls"), [(70, 3), (200, 1)])
def test_the_frame_of_a_field_is_fetched_in_parts_and_once(part: int, calls: int) -> None:
    made, view, tuner = choice_of("field S0001/F000", part)
    for _ in range(2):
        assert run_alone(made.choice()).file == "kept/S0001-F000.tiff"
    assert tuner.kept == [("S0001/F000", FRAME)]
    assert len(view.asked) == calls


def test_a_field_without_a_frame_is_refused_and_looked_for_again() -> None:
    made, view, tuner = choice_of("field S0001/F000", data=b"")
    for _ in range(2):
        with pytest.raises(InputError, match="S0001/F000 has no frame yet"):
            run_alone(made.choice())
    assert (len(view.asked), tuner.kept) == (2, [])
