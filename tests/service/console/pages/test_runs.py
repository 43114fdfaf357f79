"""The page of runs in a browser: a session that does not begin."""

import pytest
from playwright.sync_api import Page, expect

from tests.service.console.consoles import WAIT_MS, ConsoleProcess

pytestmark = pytest.mark.slow
expect.set_options(timeout=WAIT_MS)


def test_a_wrong_file_is_refused_by_the_check_and_begins_no_session(
    console: ConsoleProcess, page: Page
) -> None:
    (console.folder / "wrong.yaml").write_text("sem: {dwell_us: fast}\n", encoding="utf-8")
    before = set(console.folder.rglob("session.sqlite"))
    page.goto("/runs?configuration=wrong.yaml")
    begin, dialog = page.get_by_role("button", name="Start…"), page.get_by_role("dialog")
    said = page.locator(".card [role=status]").first
    page.get_by_role("button", name="Check").click()
    expect(said).to_contain_text("dwell_us")
    expect(page.locator(".finding")).to_have_count(0)
    begin.click()
    expect(dialog).to_contain_text("Start a session with wrong.yaml?")
    dialog.get_by_role("button", name="Go back").click()
    expect(dialog).to_have_count(0)
    begin.click()
    dialog.get_by_label("Your name").fill("Anna")
    dialog.get_by_role("button", name="Start").click()
    expect(said).to_contain_text("dwell_us")
    expect(begin).to_be_enabled()
    assert page.url.endswith("/runs?configuration=wrong.yaml")
    assert set(console.folder.rglob("session.sqlite")) == before
