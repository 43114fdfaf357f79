"""Write the report of a run, one section after the other, so that memory holds no more than one."""

from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from config.loading import dump
from service.model.event import Event
from service.report.html import pictures
from service.report.html.drawing import Box
from service.report.html.sections import shown
from service.report.html.session import session_shown
from service.report.html.strips import strips_of
from service.report.summary import summarise
from service.session.folders.kept_config import kept_config
from service.session.folders.run_folder import RunFolder, RunInfo
from service.session.hardware import microscope_name
from service.store.durable import whole_file
from service.store.store import Store
from service.version import program_version
from service.words.quantities import duration

_STYLE = Path(__file__).with_name("report.css")
_MANY = frozenset({"job", "field", "devices_busy"})
"""Kinds of events of which a session has several for each frame, and a report shows none."""


def write_report(folder: RunFolder, info: RunInfo, path: Path) -> None:
    """Write the report of a run as one HTML file; the run may be under way.

    A file that is there is replaced once the new one is complete.

    Parameters
    ----------
    folder : RunFolder
    info : RunInfo
    path : Path

    Raises
    ------
    InputError, StoreError
        The files of the run do not fit each other, or cannot be read.
    OSError
        The report cannot be written.
    """
    config = kept_config(folder, info)
    with closing(Store.open(folder.store)) as store:
        events = _of_interest(store)
        summary = summarise(config, store, folder, None)
        sections = store.specimen.sections()
        sides_px = (pictures.side_px(summary.fields), pictures.side_px(summary.jobs["done"]))
        current_a = config.sem.beam_current_pa * 1e-12
        parts = _page().generate(
            css=Markup(_STYLE.read_text(encoding="utf-8")),
            session=session_shown(
                config, store, summary, events, microscope_name(config, info.kind), info.kind
            ),
            sections=(shown(store, one, summary.clipped_cells, current_a, sides_px) for one in sections),
            strips=strips_of(folder),
            settings=dump(config),
            begun_with=info.program,
            version=program_version(),
            written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        )
        with whole_file(path) as file:
            file.writelines(part.encode() for part in parts)


def _of_interest(store: Store) -> list[Event]:
    """Return the events that a report tells of, with the first and the last of all."""
    found: list[Event] = []
    last = None
    for last in store.events.each():
        if not found or last.kind not in _MANY:
            found.append(last)
    if last is not None and found[-1] is not last:
        found.append(last)
    return found


@cache
def _page() -> Template:
    """Return the compiled page; compiling it takes longer than writing a small report."""
    environment = Environment(
        loader=PackageLoader("service.report.html", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"um": _um, "duration": duration, "dashed": _dashed}
    environment.globals["rect"] = _rect
    return environment.get_template("report.html.j2")


def _um(value: float) -> str:
    return f"{value:.3f}"


def _dashed(words: str) -> str:
    return words.replace(" ", "-")


def _rect(box: Box, look: str, title: str = "") -> Markup:
    """Return a rectangle of a drawing; its title is shown under the mouse."""
    place = Markup('<rect class="{}" x="{:.3f}" y="{:.3f}" width="{:.3f}" height="{:.3f}"')
    start = place.format(look, box.x, box.y, box.width, box.height)
    return start + (Markup("><title>{}</title></rect>").format(title) if title else Markup("/>"))
