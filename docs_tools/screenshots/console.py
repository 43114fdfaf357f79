"""The console during one session: in the review, then while electron images are taken."""

from pathlib import Path

from playwright.sync_api import Browser

from docs_tools.screenshots.pictures import PHONE, SCREEN, opened, take_picture
from docs_tools.screenshots.programs import console, ilemtrack, running, status, until

_SLOW = """
layout: {kind: grid, sections: 3, fields: [2, 1], pitch_um: 300}
sem: {dwell_us: 5}
session: {review: true, min_free_disk_gb: 0}
simulator: {pump_to_partial_min: 0.1, pump_to_high_vacuum_min: 0.1}
"""
"""A session in real time: a frame takes seconds in place of minutes."""

_RUN = "shown"
_FIELD = "S0002/F001"
_CELL = f"{_FIELD}/c0004"
_DRAWN = ("330", "60", "370", "95")
"""A box on empty ground of the field, px."""

_FRAMES_DONE = 7
_LIMIT_S = 900.0


def take(folder: Path, browser: Browser) -> None:
    """Take the pages Review, Tune, Now and Queue."""
    (folder / "slow.yaml").write_text(_SLOW, encoding="utf-8")
    session = ("dry-run", "--config", "slow.yaml", "--clock", "real", "--seed", "3", "--out", _RUN)
    with running(folder, *session):
        until(lambda: status(folder, _RUN).get("phase") == "review", _LIMIT_S)
        with console(folder, "--run", _RUN) as url:
            _review(folder, browser, url)
            ilemtrack(folder, "continue", "--run", _RUN)
            until(lambda: _done(folder) >= _FRAMES_DONE, _LIMIT_S)
            _electron(browser, url)


def _done(folder: Path) -> int:
    return int(status(folder, _RUN).get("jobs", {}).get("done", 0))


def _review(folder: Path, browser: Browser, url: str) -> None:
    """Take the pages of the review, after somebody has rejected a cell and drawn another."""
    ilemtrack(folder, "review", "reject", _CELL, "--run", _RUN, "--by", "Anna", "-m", "a fold")
    ilemtrack(folder, "review", "draw", _FIELD, *_DRAWN, "--run", _RUN, "--by", "Anna")
    page = opened(browser, url)
    page.goto("/review")
    page.get_by_label("Field", exact=True).first.click()
    page.get_by_role("option", name=_FIELD).click()
    page.locator(f'svg [data-id="{_CELL}"]').click()
    take_picture(page, "console_review")
    page.goto(f"/tune?field={_FIELD}")
    page.get_by_text("cells found").first.wait_for()
    take_picture(page, "console_tune")
    page.context.close()


def _electron(browser: Browser, url: str) -> None:
    """Take the pages of a session under way, on a screen and on a phone."""
    for name, path, size, theme in (
        ("console_now", "/", SCREEN, "dark"),
        ("console_phone", "/", PHONE, "dark"),
        ("console_queue", "/queue", SCREEN, "light"),
    ):
        page = opened(browser, url, size, theme)
        page.goto(path)
        page.wait_for_selector(".main .card")
        take_picture(page, name)
        page.context.close()
