"""The console in a browser: one console, one browser, some daemons of this process and one dry run."""

import json
import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from service.api.client import Client
from service.api.transport.endpoints import run_endpoints
from service.model.jobs import JobState
from service.model.phases import Phase, SessionEvent
from service.words.states import PHASES
from tests.forked import ILEMTRACK, Forked
from tests.service.console.consoles import MICROSCOPE, OPERATE, WAIT_MS, WATCH, ConsoleProcess, TestedDaemon
from tests.service.store.stores import rect

pytestmark = pytest.mark.slow

HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>`${1+1}` {{1+1}}"
)

QUICK_SESSION: dict[str, Any] = {
    "layout": {"kind": "grid", "sections": 1, "fields": [1, 1], "pitch_um": 300},
    "fluorescence": {"frame_px": [256, 256]},
    "sem": {"pixel_size_nm": 66, "dwell_us": 2, "overhead_s": 0},
    "planner": {"method": "greedy"},
    "detection": {"detector": "recall-first"},
    "session": {"min_free_disk_gb": 0, "review": True},
    "stage": {"settle_s": 0},
    "simulator": {
        "specimen": {"cells_per_field": 3, "seed": 5},
        "stage_settle_s": 0,
        "stage_speed_mm_per_s": 50,
        "pump_to_high_vacuum_min": 0.01,
        "pump_to_partial_min": 0.01,
        "scan_overhead_s": 0,
    },
}
"""A session of some seconds in real time, which waits for its review."""

expect.set_options(timeout=WAIT_MS)


def confirm(page: Page, button: str, reason: str = "", typed: str = "") -> None:
    """Answer the dialog that is open as Anna."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("Anna")
    if reason:
        dialog.get_by_label("Reason").fill(reason)
    if typed:
        expect(dialog.get_by_role("button", name=button)).to_be_disabled()
        dialog.get_by_label(f"Type {typed}").fill(typed)
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_have_count(0)


def test_two_browsers_see_at_a_glance_what_goes_on(daemon: TestedDaemon, page: Page, beside: Page) -> None:
    for one in (page, beside):
        one.goto(f"/?run={daemon.run}")
        expect(one.locator(".phase")).to_have_text(PHASES[Phase.ELECTRON])
    expect(page.locator(".bar-run")).to_contain_text(MICROSCOPE)
    lamps = page.locator(".lamps")
    expect(lamps).to_contain_text(
        re.compile(r"Electron beam\s*Blanked\s*Light\s*Off\s*Chamber\s*High vacuum\s*0.0008 Pa")
    )
    expect(page.locator(".numbers")).to_contain_text(re.compile(r"Frames left\s*3"))
    page.get_by_role("button", name="Pause").click()
    for one in (page, beside):
        expect(one.locator(".phase")).to_have_text("Paused")
    assert daemon.store.status().phase is Phase.PAUSED
    expect(beside.locator(".alarm-attention")).to_contain_text("Paused: asked")
    expect(beside.get_by_role("button", name="Continue")).to_be_hidden()
    expect(beside.locator(".bar")).to_contain_text("watching only")
    page.get_by_role("button", name="Continue").click()
    confirm(page, "Continue")
    expect(page.locator(".phase")).to_have_text(PHASES[Phase.TO_HIGH_VACUUM])
    assert daemon.store.events.since(0)[-1].data["by"] == "Anna"


def test_an_abort_is_typed_and_names_the_run(daemon: TestedDaemon, page: Page) -> None:
    page.goto(f"/?run={daemon.run}")
    page.get_by_role("button", name="Abort the session").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(daemon.run)
    expect(dialog).to_contain_text("3 frames and 3 fields will not be taken")
    page.keyboard.press("Tab")
    confirm(page, "Abort the session", typed="abort")
    expect(page.locator(".phase")).to_have_text("Aborted")
    assert daemon.store.status().phase is Phase.ABORTED


def test_a_frame_in_review_is_exposed_again_only_with_a_reason(daemon: TestedDaemon, page: Page) -> None:
    """All that it is decided by is shown as text, whatever it contains."""
    exposure = daemon.store.ledger.arm("J000002", rect(40, 0), 1e-6)
    daemon.store.ledger.failed(exposure.id, HOSTILE)
    page.goto(f"/?run={daemon.run}")
    expect(page.locator(".alarms")).to_contain_text("1 frame needs your decision.")
    page.get_by_role("link", name="Decide").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text(HOSTILE)
    page.get_by_role("link", name="J000002").click()
    expect(page.locator(".decide")).to_be_visible()
    expect(page.locator(".main")).to_contain_text("the ground may have been exposed")
    expect(page.locator(".events")).to_contain_text(HOSTILE)
    assert page.locator(".main img, .main script").count() == 0
    page.get_by_role("button", name="Expose again").click()
    expect(page.get_by_role("dialog")).to_contain_text("second dose")
    page.get_by_role("dialog").get_by_label("Your name").fill("Anna")
    expect(page.get_by_role("dialog").get_by_role("button", name="Expose again")).to_be_disabled()
    confirm(page, "Expose again", reason=f"look {HOSTILE}")
    expect(page.locator(".card-name")).to_have_text("Frame J000002, queued")
    assert daemon.store.queue.job("J000002").reason == f"approved by Anna: look {HOSTILE}"
    expect(page.locator(".facts")).to_contain_text(HOSTILE)
    assert "owned" not in page.title()


def test_frames_are_chosen_and_held_and_moved(daemon: TestedDaemon, page: Page) -> None:
    page.goto(f"/queue?run={daemon.run}")
    expect(page.get_by_role("button", name="Hold")).to_be_disabled()
    rows = page.locator("tbody tr")
    for name in ("J000001", "J000003"):
        rows.filter(has_text=name).get_by_role("checkbox").click()
    expect(page.get_by_role("button", name="Release")).to_be_disabled()
    page.get_by_role("button", name="Hold").click()
    confirm(page, "Hold", reason="charging")
    expect(rows.filter(has_text="held by Anna: charging")).to_have_count(2)
    rows.filter(has_text="J000001").get_by_role("checkbox").click()
    page.get_by_role("button", name="Move first").click()
    confirm(page, "Move first")
    expect(rows.first).to_contain_text("J000003")
    page.get_by_label("Section").fill("S0002")
    expect(page.locator(".rows")).to_contain_text("No such frames.")


def test_a_change_is_refused_if_somebody_else_steers_meanwhile(daemon: TestedDaemon, page: Page) -> None:
    page.goto(f"/job?job=J000001&run={daemon.run}")
    page.get_by_role("button", name="Skip").click()
    # What has happened by then is known to whoever answers the question.
    expect(page.get_by_role("dialog")).to_be_visible()
    with Client(run_endpoints(daemon.run).requests) as client:
        client.call("queue.hold", jobs=["J000002"])
    confirm(page, "Skip", reason="a fold")
    expect(page.locator(".q-notification")).to_contain_text("Not done")
    assert daemon.store.queue.job("J000001").state is JobState.QUEUED


def test_the_daemon_is_started_again_beneath_the_page(daemon: TestedDaemon, page: Page) -> None:
    page.goto(f"/?run={daemon.run}")
    expect(page.locator(".link")).to_have_text("Connected")
    daemon.stop()
    expect(page.locator(".alarm-danger")).to_contain_text("The daemon does not answer")
    daemon.store.apply(SessionEvent.FAULT, "the stage hangs")
    daemon.start()
    expect(page.locator(".alarm-danger")).to_have_count(0)
    expect(page.locator(".alarm-fault")).to_contain_text("the stage hangs")
    expect(page).to_have_title(re.compile("^Fault!"))
    page.get_by_role("button", name="Acknowledge the fault").click()
    confirm(page, "Acknowledge")
    expect(page.locator(".phase")).to_have_text("Paused")
    page.get_by_role("link", name="All events").click()
    expect(page.locator(".events li.event-danger")).to_contain_text("the stage hangs")


def test_a_dry_run_is_followed_to_its_end_and_read_afterwards(
    console: ConsoleProcess, console_runtime: str, page: Page
) -> None:
    (console.folder / "quick.yaml").write_text(json.dumps(QUICK_SESSION), encoding="utf-8")
    environment = {"XDG_RUNTIME_DIR": console_runtime, "MPLBACKEND": "agg"}
    out = console.folder / "runs" / "followed"
    session = Forked(
        ILEMTRACK,
        *("dry-run", "--clock", "real", "--config", console.folder / "quick.yaml", "--out", out),
        environment=environment,
    )
    page.goto("/runs")
    page.locator(".run").filter(has_text="running").filter(has_text="simulated").get_by_role("link").click()
    expect(page.locator(".phase")).to_have_text(PHASES[Phase.REVIEW])
    page.get_by_role("button", name="Continue").focus()
    page.keyboard.press("Enter")
    confirm(page, "End the review")
    assert session.wait() == 0, session.said()
    session.close()
    # Its program is gone with its last word, perhaps before the page has heard it.
    expect(page.locator(".link")).to_have_text("Ended run, read only")
    expect(page.locator(".phase")).to_have_text("Finished")
    expect(page.locator(".alarms")).to_be_empty()
    expect(page.get_by_role("button", name="Abort the session")).to_be_hidden()
    page.get_by_role("link", name="Queue").click()
    expect(page.locator("tbody tr").first).to_contain_text("done")
    assert page.get_by_role("button", name="Skip").count() == 0


def test_axe_finds_nothing_serious(daemon: TestedDaemon, page: Page) -> None:
    """Pages without pictures as they are at first; `test_contrast` looks at the light colours, too.

    History has the events of Now.
    """
    exposure = daemon.store.ledger.arm("J000002", rect(40, 0), 1e-6)
    daemon.store.ledger.failed(exposure.id, "the scan broke off")
    daemon.store.apply(SessionEvent.FAULT, "the stage hangs")
    found = {}
    for path in ("/", "/queue", "/runs"):
        page.goto(f"{path}?run={daemon.run}")
        expect(page.locator(".alarm-fault")).to_be_visible()
        found[path] = _serious(page)
    page.get_by_role("button", name="Light colours").click()
    expect(page.locator("body.body--light")).to_be_visible()
    page.get_by_role("button", name="Dark colours").click()
    expect(page.locator("body.body--dark")).to_be_visible()
    assert {path: rows for path, rows in found.items() if rows} == {}


def _serious(page: Page) -> list[tuple[str, str]]:
    return [
        (one["id"], one["nodes"][0]["html"][:300])
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def test_a_watcher_has_no_buttons(daemon: TestedDaemon, beside: Page) -> None:
    harmless = {"", "contrast", "Earlier", "Later", "+", "\N{MINUS SIGN}", "All"}
    for path in ("/", "/queue", "/job", "/runs"):
        beside.goto(f"{path}?run={daemon.run}&job=J000001")
        expect(beside.locator(".bar")).to_contain_text("watching only")
        names = beside.get_by_role("button").all_inner_texts()
        assert {name.strip() for name in names} <= harmless


def test_a_login_needs_a_right_token(beside: Page) -> None:
    beside.context.clear_cookies()
    beside.goto("/queue")
    beside.get_by_label("Token").fill("a wrong token, long enough")
    beside.get_by_role("button", name="Sign in").click()
    expect(beside.get_by_role("alert")).to_have_text("This token is not valid.")
    beside.get_by_label("Token").fill(WATCH)
    beside.get_by_role("button", name="Sign in").click()
    expect(beside.locator(".bar")).to_contain_text("watching only")


def test_other_sites_are_refused(console: ConsoleProcess) -> None:
    signed_in, origin = "=".join(console.cookie(OPERATE)), f"http://127.0.0.1:{console.port}"
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
               "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
    socket = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    assert console.get("/", Cookie=signed_in).status == 200
    assert console.get("/").status == 200, "the login"
    assert console.get("/queue").status == 401
    assert console.get("/", Cookie=signed_in, Host="evil.example").status == 400
    assert console.get("/", Cookie=signed_in, Origin="http://evil.example").status == 403
    assert console.get("/", "POST", Cookie=signed_in).status == 405
    assert console.get(socket, Cookie=signed_in).status == 403
    for refused in ({"Origin": "http://evil.example"}, {}):
        assert console.get(socket, Cookie=signed_in, **upgrade, **refused).status == 403
    assert console.get(socket, Origin=origin, **upgrade).status == 403
    assert console.get(socket, Cookie=signed_in, Origin=origin, **upgrade).status == 101
