"""The page of runs: start a session, look at the runs of this computer."""

from datetime import datetime

from nicegui import ui

from service.console.ask import Question, ask
from service.console.computer.source import FoundRun, Report
from service.console.inputs.choice import choice
from service.console.inputs.number import NumberInput
from service.console.pages.outlook import Outlook
from service.console.parts import button
from service.console.safety import Role
from service.console.view import TROUBLE, View

_KINDS = {
    "dry-run": "Rehearse on the simulated microscope (dry run)",
    "run": "Run on the microscope of the configuration",
}

_FIRST = "simulator"
"""Profile that is chosen at first: it moves nothing."""

_LOOK_S = 5.0
"""Time between two looks at the runs, s."""

_QUIET_S = 0.4
"""Time without a key after which a number of sections is estimated, s. Chosen by hand."""

_WORDS = {"ok": "OK", "warn": "Warning", "red": "Not ready"}


def build(view: View) -> None:
    """Make the page."""
    with ui.element("div").classes("two"):
        if view.role is Role.OPERATE:
            with ui.element("div").classes("side"):
                _start(view)
        with ui.element("section").classes("card"):
            _runs(view)


def _start(view: View) -> None:
    with ui.element("section").classes("card"):
        ui.label("Start a session").classes("card-title").props("role=heading aria-level=2")
        names = view.computer.configurations()
        wanted = view.query.get("configuration", "")
        value = wanted if wanted in names else _FIRST
        configuration = choice(names, "Profile or configuration file", value=value)
        ui.link("From a section list or an overview…", view.address("/holder")).classes("from-list")
        kind = ui.radio(_KINDS, value="dry-run").classes("kinds")
        sections = NumberInput(
            "Sections (empty: as configured)", low=1, high=1000, whole=True, quiet_s=_QUIET_S
        )
        sections.props("outlined dense").bind_visibility_from(kind, "value", value="dry-run")
        with ui.element("div").classes("controls"):
            check = button("Check")
            begin = button("Start…", look="primary")
        says = ui.label().classes("muted").props("role=status")
        findings = ui.element("ul").classes("plain findings")
    with ui.element("section").classes("card"):
        outlook = Outlook(view)

    def count() -> int | None:
        return int(sections.value) if sections.value and kind.value == "dry-run" else None

    async def estimated() -> None:
        # What was found was found of another choice.
        says.set_text("")
        findings.clear()
        await outlook.show(str(configuration.value), str(kind.value), count())

    async def checked() -> None:
        chosen = str(configuration.value)
        says.set_text("Checking; nothing is moved or switched…")
        check.disable()
        try:
            report = await view.in_thread(view.computer.check, chosen)
        finally:
            check.enable()
        if str(configuration.value) == chosen:
            says.set_text(_verdict(report))
            _write(findings, report)

    async def started() -> None:
        chosen, what, number = str(configuration.value), str(kind.value), count()
        question = Question(
            f"Start a session with {chosen}?",
            f"{outlook.says} It rehearses on simulated devices, in real time."
            if what == "dry-run"
            else f"{outlook.says} The microscope is checked; then stage, chamber, light and electron beam are"
            " driven.",
            "Start",
            dangerous=what == "run",
            typed="start" if what == "run" else "",
            of_run=False,
        )
        if await ask(view, question) is None:
            return
        says.set_text("Starting; the checks before a session may take a minute…")
        begin.disable()
        try:
            name = await view.in_thread(view.computer.start, chosen, what, number)
        except TROUBLE as error:
            says.set_text(str(error))
        else:
            ui.navigate.to(view.address_of(name, "/"))
        finally:
            begin.enable()

    for one in (configuration, kind, sections):
        one.on_value_change(estimated)
    ui.timer(0, estimated, once=True)
    check.on_click(checked)
    begin.on_click(started)


def _verdict(report: Report) -> str:
    if report.refused is not None:
        return report.refused
    return "A session can run." if report.ready else "No session can run yet."


def _write(findings: ui.element, report: Report) -> None:
    findings.clear()
    with findings:
        for one in sorted(report.findings, key=lambda one: ["red", "warn", "ok"].index(one.level)):
            with ui.element("li").classes(f"finding finding-{one.level}"):
                ui.label(_WORDS[one.level]).classes("finding-level")
                with ui.element("div"):
                    ui.label(f"{one.name}: {one.says}")
                    if one.to_do:
                        ui.label(one.to_do).classes("muted")


def _runs(view: View) -> None:
    ui.label("Runs on this computer").classes("card-title").props("role=heading aria-level=2")
    rows = ui.element("ul").classes("plain")
    shown: list[FoundRun] = []

    async def show() -> None:
        found = await view.in_thread(view.computer.runs)
        if found == shown and found:
            return
        shown[:] = found
        rows.clear()
        with rows:
            for one in found:
                _row(view, one)
            if not found:
                with ui.element("li"):
                    ui.label("There are none yet.").classes("muted")

    ui.timer(_LOOK_S, show)


def _row(view: View, one: FoundRun) -> None:
    hello = view.state.hello
    here = hello is not None and hello["run"] == one.name
    with ui.element("li").classes("run" + (" here" if here else "")):
        with ui.element("div"):
            ui.link(one.name, view.address_of(one.name, "/")).classes("run-name")
            begun = datetime.fromtimestamp(one.begun_at).astimezone()
            where = f", on {one.microscope}" if one.microscope else ""
            ui.label(f"{one.kind.replace('-', ' ')}, begun {begun:%A %d %B, %H:%M}{where}").classes("muted")
        ui.label("running" if one.running else "no program runs; read only").classes(
            "badge" if one.running else "muted"
        )
