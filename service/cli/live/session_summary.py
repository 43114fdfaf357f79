"""The summary of a session, printed at its end."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from service.cli.consoles import results
from service.cli.live.focusing import focus_text
from service.model.images.checks import CheckKind
from service.report.durations import SessionWay
from service.report.found_sections import FoundSections
from service.report.summary import Measured, Summary
from service.session.folders.run_folder import RunFolder
from service.wording import MOST_NAMED, some
from service.wording_cells import below_floor
from service.wording_overviews import overview_says
from service.words.checks import NAMES as NAMES_OF_CHECKS
from service.words.checks import counts_say
from service.words.layout import without
from service.words.quantities import duration, size
from service.words.states import jobs_say
from service.words.trends import trend_says
from service.words.ways import NAMES, RASTER_TAKEN


def print_summary(summary: Summary, folder: RunFolder) -> None:
    """Print how a session went, and where its files are."""
    jobs = jobs_say(
        [f"{n} {state.replace('_', ' ')}" for state, n in summary.jobs.items()], summary.helping_jobs
    )
    rows = [
        ("session", summary.end_state.replace("_", " ")),
        ("sections", f"{summary.sections} with {summary.fields} fields{without(summary.left_out_fields)}"),
        *([("overview", _mapped(summary.found_sections))] if summary.found_sections else []),
        ("cells", f"{summary.cells} found{below_floor(summary.below_floor_cells)}{_as_tracks(summary)}"),
        ("SEM jobs", jobs),
        ("beam", duration(summary.beam_s)),
        ("microscope time", f"{duration(summary.session_s)}, idle {duration(summary.idle_s)}"),
    ]
    if summary.stitched_cells:
        rows.append(("stitched", f"{len(summary.stitched_cells)} cells, each from several frames"))
    if summary.raster_sections:
        rows.append(("full raster", f"{some(summary.raster_sections)}: {RASTER_TAKEN}"))
    if summary.reviewed_cells:
        said = ", ".join(f"{number} {verdict}" for verdict, number in summary.reviewed_cells.items())
        rows.append(("review", f"cells by hand: {said}"))
    if summary.left_out_cells:
        beside = summary.beside_cells.get("imaged", 0)
        rows.append(
            (
                "left out",
                f"{sum(summary.left_out_cells.values())} cells by choice, {beside} imaged beside others",
            )
        )
    rows += [(NAMES[way.method], _compared(way, summary)) for way in summary.alternatives if not way.chosen]
    if summary.contained_recall is not None:
        rows.append(("whole cells", f"{summary.contained_recall:.1%} of the simulated cells"))
    rows += [
        ("images", f"{folder.path} (fm/ and em/, {size(summary.data_bytes)})"),
        *([("pictures", f"{folder.pictures}")] if folder.pictures.is_dir() else []),
        *([("report", f"{folder.report}")] if folder.report.is_file() else []),
        ("numbers", f"{folder.store}, {folder.log}"),
    ]
    rows += [(f"focus, {one.beam}", focus_text(asdict(one))) for one in summary.focus]
    if summary.overviews:
        rows.append(("overviews", _measured(summary.overviews)))
    rows += [("image kept", text) for text in _by_reason(summary.remarks)]
    if says := counts_say(summary.images):
        rows.append(("image checks", says))
    rows += [("image flagged", text) for text in _by_reason(_flags(summary.flagged_images))]
    if summary.missing_images:
        number = len(summary.missing_images)
        rows.append(("images missing", f"{number} no longer in the folder: {some(summary.missing_images)}"))
    rows += [("changed", trend_says(one)) for one in summary.trends]
    if summary.retaken:
        rows.append(
            ("taken again", f"{len(summary.retaken)} exposures of {some(sorted(set(summary.retaken)))}")
        )
    rows += [("failed fields", text) for text in _by_reason(summary.failed_fields)]
    rows += [("undone jobs", text) for text in _by_reason(summary.undone_jobs)]
    rows += [("not imaged", text) for text in _by_reason(summary.frameless_cells)]
    rows += [("cells in part", text) for text in _by_reason(summary.clipped_cells)]
    for name, text in rows:
        results.print(f"{name:16s} {text}", soft_wrap=True)


def _flags(images: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """Return what images are flagged with, by job."""
    return {job: ", ".join(NAMES_OF_CHECKS[CheckKind(kind)] for kind in bad) for job, bad in images.items()}


def _measured(overviews: Sequence[Measured]) -> str:
    """Return one line on the overviews of a session, and the fields of which nothing is proven."""
    proven = [one.proven_um for one in overviews if one.proven_um is not None and one.state != "not_used"]
    parts = [f"{len(proven)} of {len(overviews)} positions measured"]
    if proven:
        parts[0] += f", to {statistics.median(proven):.2f} um in the median"
    others: dict[str, list[str]] = {}
    for one in overviews:
        if one.state in ("not_proven", "not_used"):
            said = overview_says(one.state, one.reason, None)
            others.setdefault(said, []).append(one.field or one.section)
    parts += [f"{len(names)} ({some(names)}) {said}" for said, names in others.items()]
    return "; ".join(parts)


def _by_reason(reasons: Mapping[str, str]) -> list[str]:
    """Group names by the reason that they share; only the first few of each are listed."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    rows = []
    for reason, of in names.items():
        more = "; see --json" if len(of) > MOST_NAMED else ""
        rows.append(f"{len(of)} ({some(of)}{more}): {reason}")
    return rows


def _as_tracks(summary: Summary) -> str:
    """Number of cell tracks, if the sections were linked."""
    return f", in {summary.tracks} tracks through the sections" if summary.tracks else ""


def _compared(way: SessionWay, summary: Summary) -> str:
    """Cost of another way to image the cells, compared with the planned cost of the chosen one."""
    text = f"would take {duration(way.session_s)}"
    chosen = next((one for one in summary.alternatives if one.chosen), None)
    if chosen is None or not chosen.session_s:
        return text
    return f"{text}, {way.session_s / chosen.session_s:.2f} x; {way.frames} frames, {size(way.data_bytes)}"


def _mapped(found: FoundSections) -> str:
    text = f"{found.found} of {found.true} simulated sections found, {found.false} false"
    if found.least_overlap is not None:
        text += f"; the worst outline overlaps its section by {found.least_overlap:.0%}"
    return text
