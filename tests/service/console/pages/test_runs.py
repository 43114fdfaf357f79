"""The page of runs in a browser: the checks before a session, and sessions that do not begin."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.service.console.consoles import ConsoleProcess

pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)


def test_the_checks_before_a_session_are_listed_the_worst_first_with_what_to_do(
    console: ConsoleProcess, page: Page
) -> None:
    (console.folder / "wrong.yaml").write_text("sem: {dwell_us: fast}\n", encoding="utf-8")
    page.goto("/runs")
    said = page.locator(".card [role=status]").first
    page.get_by_role("button", name="Check").click()
    expect(said).to_have_text(re.compile(r"A session can run\.|No session can run yet\."))
    levels = page.locator(".finding-level").all_inner_texts()
    rank = ["Not ready", "Warning", "OK"]
    assert len(levels) > 5
    assert levels == sorted(levels, key=rank.index)
    assert (said.inner_text() == "A session can run.") == ("Not ready" not in levels)
    page.goto("/runs?configuration=wrong.yaml")
    page.get_by_role("button", name="Check").click()
    expect(said).to_contain_text("dwell_us")
    expect(page.locator(".finding")).to_have_count(0)


def test_a_session_begins_only_when_a_person_confirms_and_a_wrong_file_begins_none(
    console: ConsoleProcess, page: Page
) -> None:
    (console.folder / "wrong.yaml").write_text("sem: {dwell_us: fast}\n", encoding="utf-8")
    before = set(console.folder.rglob("session.sqlite"))
    page.goto("/runs?configuration=wrong.yaml")
    begin, dialog = page.get_by_role("button", name="Start…"), page.get_by_role("dialog")
    begin.click()
    expect(dialog).to_contain_text("Start a session with wrong.yaml?")
    dialog.get_by_role("button", name="Go back").click()
    expect(dialog).to_have_count(0)
    begin.click()
    dialog.get_by_label("Your name").fill("Anna")
    dialog.get_by_role("button", name="Start").click()
    expect(page.locator(".card [role=status]").first).to_contain_text("dwell_us")
    expect(begin).to_be_enabled()
    assert page.url.endswith("/runs?configuration=wrong.yaml")
    assert set(console.folder.rglob("session.sqlite")) == before
