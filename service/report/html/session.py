"""The whole run in the report: what it was, how it went, what it cost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from config.model import Config
from drivers.pose import RectM
from planner.dose import scan_dose
from service.model.event import Event
from service.model.jobs import ExposureState
from service.model.section_states import SectionState, section_state
from service.model.specimen import Section
from service.report.durations import SessionWay
from service.report.html.dose import scanned_m2
from service.report.html.drawing import Box, Drawing
from service.report.html.sections import TO_DO
from service.report.html.stops import Stop, stops
from service.report.summary import Summary
from service.store.store import Store
from service.wording import some
from service.wording_cells import below_floor
from service.words.checks import counts_say
from service.words.layout import without
from service.words.quantities import duration, size
from service.words.review import SECTIONS
from service.words.states import jobs_say
from service.words.ways import NAMES


@dataclass(frozen=True, slots=True)
class Compared:
    """A way to image the cells: the chosen one, or one that was not taken."""

    name: str
    chosen: bool
    frames: str
    time: str
    data: str
    ratio: str
    """Time over that of the chosen way."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A section on the map of the array."""

    name: str
    state: SectionState
    title: str
    box: Box
    outline: str


@dataclass(frozen=True, slots=True)
class ArrayMap:
    """All sections on the stage."""

    drawing: Drawing
    marks: tuple[Mark, ...]

    @property
    def legend(self) -> tuple[tuple[SectionState, str, int], ...]:
        """States that occur, in words, with the number of sections in each."""
        counts = Counter(mark.state for mark in self.marks)
        return tuple((state, SECTIONS[state], counts[state]) for state in SectionState if counts[state])


@dataclass(frozen=True, slots=True)
class SessionShown:
    """The run as the report shows it."""

    run: str
    end: str
    well: bool
    reason: str
    facts: tuple[tuple[str, str], ...]
    ways: tuple[Compared, ...]
    saved: str
    """Hours and data saved against a raster, in one sentence; empty where there is no raster to compare."""
    array: ArrayMap | None
    stops: tuple[Stop, ...]


def session_shown(
    config: Config,
    store: Store,
    summary: Summary,
    events: Sequence[Event],
    microscope: str,
    kind: str,
) -> SessionShown:
    """Return the run in words and figures.

    Parameters
    ----------
    config : Config
    store : Store
    summary : Summary
    events : sequence of Event
        All of the session.
    microscope : str
        For people.
    kind : str
        Of the run.
    """
    scanned = [row.rect_m for row in store.ledger.each() if row.state is not ExposureState.VOID]
    return SessionShown(
        run=summary.run,
        end=summary.end_state.replace("_", " "),
        well=summary.well,
        reason=store.status().reason or "",
        facts=_facts(config, store, summary, events, scanned, microscope, kind),
        ways=tuple(_compared(way, summary.alternatives) for way in summary.alternatives),
        saved=_saved(summary.alternatives),
        array=_array(store),
        stops=stops(events),
    )


def _facts(
    config: Config,
    store: Store,
    summary: Summary,
    events: Sequence[Event],
    scanned: Sequence[RectM],
    microscope: str,
    kind: str,
) -> tuple[tuple[str, str], ...]:
    counts = store.queue.counts()
    to_do = sum(counts.get(state, 0) for state in TO_DO)
    ended = [f"{n} {state.replace('_', ' ')}" for state, n in summary.jobs.items() if n]
    jobs = jobs_say([*ended, f"{to_do} to do"] if to_do else ended, summary.helping_jobs)
    once = scan_dose(config.sem.beam_current_pa * 1e-12, config.sem.dwell_s, config.sem.pixel_size_m)
    all_m2, twice_m2 = scanned_m2(scanned)
    tracks = f", in {summary.tracks} tracks through the sections" if summary.tracks else ""
    facts = [
        ("Microscope", f"{microscope}, profile {config.profile}"),
        ("Kind", kind.replace("-", " ")),
        ("From, to", period(events[0].at, events[-1].at) if events else ""),
        ("Sections", f"{summary.sections} with {summary.fields} fields{without(summary.left_out_fields)}"),
        ("Cells", f"{summary.cells} found{below_floor(summary.below_floor_cells)}{tracks}"),
        ("Electron jobs", jobs),
        ("Time under the beam", duration(summary.beam_s)),
        ("Microscope time", f"{duration(summary.session_s)}, idle {duration(summary.idle_s)}"),
        ("Images", f"{size(summary.data_bytes)}{_missing(summary.missing_images)}"),
        (
            "Electron settings",
            f"{config.sem.pixel_size_nm:g} nm, {config.sem.dwell_us:g} us, {config.sem.beam_current_pa:g} pA:"
            f" {once.electrons_per_nm2:.0f} e/nm\u00b2 a scan",
        ),
    ]
    facts.append(("Checks of the images", counts_say(summary.images) or "all good"))
    if all_m2:
        facts.append(
            (
                "Ground under the beam",
                f"{all_m2 * 1e12:,.0f} \u00b5m\u00b2, {twice_m2 / all_m2:.0%} of it more than once",
            )
        )
    return tuple(facts)


def _missing(images: Sequence[str]) -> str:
    return f"; {len(images)} no longer there: {some(images)}" if images else ""


def _compared(way: SessionWay, ways: Sequence[SessionWay]) -> Compared:
    chosen_s = next((one.session_s for one in ways if one.chosen), 0.0)
    return Compared(
        name=NAMES[way.method],
        chosen=way.chosen,
        frames=str(way.frames),
        time=duration(way.session_s),
        data=size(way.data_bytes),
        ratio=f"{way.session_s / chosen_s:.2f}" if chosen_s else "",
    )


def _saved(ways: Sequence[SessionWay]) -> str:
    chosen = next((one for one in ways if one.chosen), None)
    raster = next((one for one in ways if one.method == "raster"), None)
    if chosen is None or raster is None or chosen is raster:
        return ""
    left_s, left_bytes = raster.session_s - chosen.session_s, raster.data_bytes - chosen.data_bytes
    if left_s < 0:
        return f"As planned, a full raster would have been {duration(-left_s)} shorter."
    less = f"{size(left_bytes)} less data" if left_bytes >= 0 else f"{size(-left_bytes)} more data"
    return f"As planned, {duration(left_s)} less than a full raster, and {less}."


def _array(store: Store) -> ArrayMap | None:
    sections = store.specimen.sections()
    fields = store.specimen.fields_by_section([one.id for one in sections])
    jobs = store.queue.counts_by_section([one.id for one in sections])
    places = {one.id: fields[one.id].rect_m for one in sections}
    known = [rect for rect in places.values() if rect is not None]
    if not known:
        return None
    corners = [corner for one in sections for corner in one.outline_m or ()]
    drawing = Drawing.around([*known, *((x, y, x, y) for x, y in corners)])
    marks = []
    for one in sections:
        rect = places[one.id]
        if rect is not None:
            state = section_state(fields[one.id].counts, jobs.get(one.id, {}))
            marks.append(_mark(one, state, drawing, drawing.box(rect)))
    return ArrayMap(drawing, tuple(marks))


def _mark(section: Section, state: SectionState, drawing: Drawing, box: Box) -> Mark:
    outline = drawing.points(section.outline_m) if section.outline_m else ""
    return Mark(section.id, state, f"{section.id}: {SECTIONS[state]}", box, outline)


def period(first: str, last: str) -> str:
    """Return in words from when to when, UTC, of two moments in ISO 8601."""
    back = datetime.fromisoformat(last) < datetime.fromisoformat(first)
    said = " to ".join(f"{at[:16].replace('T', ' ')} UTC" for at in (first, last))
    return f"{said} (the computer's clock was set back meanwhile)" if back else said
