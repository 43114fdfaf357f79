"""The site, built and opened as files in a browser without a network."""

import pytest

from docs_tools.site.build import build
from tests.chromium import chromium


@pytest.mark.long
def test_the_site_opens_and_is_searched_without_a_network() -> None:
    site = build()
    asked: list[str] = []
    faults: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        for name in ("index", "architecture", "reference/settings", "tutorials/first_session"):
            page.goto((site / f"{name}.html").as_uri())
            assert page.locator("h1").is_visible()
        page.keyboard.press("Control+k")
        field = page.locator("input:focus")
        field.wait_for()
        page.keyboard.type("watchdog")
        page.get_by_text("The watchdog").first.wait_for()
        assert field.input_value() == "watchdog"
    assert faults == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
