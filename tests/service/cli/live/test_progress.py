"""Display of a running session."""

import io

import pytest
from rich.console import Console

from service.cli.live.session_progress import ProgressDisplay
from service.model.phases import PauseCause, SessionEvent
from service.store.store import Store
from tests.service.store.stores import add_specimen, queue_jobs


def shown(display: ProgressDisplay) -> str:
    text = io.StringIO()
    Console(file=text, width=200).print(display._bars.get_renderable())
    return text.getvalue()


def test_progress_counts_what_is_known_and_nothing_else(store: Store) -> None:
    display = ProgressDisplay(as_json=True)
    assert "None" not in shown(display)
    queue_jobs(store)
    display.update(store)
    assert "of 4" in shown(display)
    assert "0 of 3" in shown(display)
    assert "None" not in shown(display)


def test_before_the_plan_no_number_of_images_is_invented(store: Store) -> None:
    add_specimen(store)
    display = ProgressDisplay(as_json=True)
    display.update(store)
    assert "not planned yet" in shown(display)
    assert "0 of 4" in shown(display)


def test_the_command_that_goes_on_names_a_dry_run(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.apply(SessionEvent.START)
    store.apply(SessionEvent.PAUSE, "asked by a person", PauseCause.PERSON)
    ProgressDisplay(as_json=True).update(store)
    assert "(ilemtrack continue --run run-1)" in capsys.readouterr().err
