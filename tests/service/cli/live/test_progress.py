"""Display of a running session."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from config.model import Config
from service.cli.live.session_progress import ProgressDisplay
from service.model.phases import PauseCause, SessionEvent
from service.planning.session_estimate import estimate_session
from service.store.store import Store
from tests.service.store.stores import add_specimen, queue_jobs


def shown(display: ProgressDisplay) -> str:
    text = io.StringIO()
    Console(file=text, width=200).print(display._bars.get_renderable())
    return text.getvalue()


def estimated(store: Store) -> dict[str, Any]:
    return estimate_session(Config(), store, datetime(2026, 8, 1, tzinfo=UTC)).model_dump(mode="json")


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


def test_a_run_that_is_taken_up_shows_no_estimate_of_before(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    add_specimen(store)
    with store.transaction():
        store.events.note("estimate", "session", estimated(store))
    ProgressDisplay(as_json=False).update(store)
    assert "before the electron images" in capsys.readouterr().err
    taken_up = ProgressDisplay(as_json=False, since=store.events.last_seq())
    taken_up.update(store)
    assert "before the electron images" not in capsys.readouterr().err
    with store.transaction():
        store.events.note("estimate", "session", estimated(store))
    taken_up.update(store)
    assert "before the electron images" in capsys.readouterr().err
