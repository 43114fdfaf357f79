"""Commands `ilemtrack queue ...`: show and change the SEM jobs of a running session."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.table import Table

from service.api.client import Client
from service.cli.consoles import print_rows, results
from service.cli.live.focusing import height_text
from service.cli.live.overviews import place_text
from service.cli.options import By, Connect, Json, Key, Run, who
from service.cli.output import changed, print_json
from service.cli.reading import Reader, reading
from service.model.images.checks import CheckKind
from service.model.jobs import ExposureState, JobState
from service.words.checks import NAMES, bad_says, checks_of
from service.words.quantities import duration

Jobs = Annotated[list[str], typer.Argument(help="Jobs, such as J000012; all of them are changed, or none.")]
Why = Annotated[str, typer.Option("--reason", "-m", help="Reason; recorded with your name.")]
MustSayWhy = Annotated[
    str, typer.Option("--reason", "-m", help="Reason; recorded with your name.", show_default=False)
]


_WITHOUT_CELLS = {
    "frame": "none: the frame was requested by hand",
    "focus": "none: the beam is focused here for its section",
    "overview": "none: a fast scan that shows where the field lies",
}


def list_(
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
    state: Annotated[JobState | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most jobs to list.")] = 100,
    after: Annotated[int | None, typer.Option(help="Only jobs after this position.")] = None,
    as_json: Json = False,
) -> None:
    """List the SEM jobs in the order of the queue.

    Also of a run that has ended, with --run.
    """
    with reading(connect, key, run) as reader:
        page = _page(reader, limit, state, after)
    if as_json:
        print_json({"v": 1} | page)
        return
    table = Table(box=None, pad_edge=False)
    for name in ("job", "section", "x / mm", "y / mm", "size / px", "beam", "state", "cells and why"):
        table.add_column(name, justify="right" if "/" in name else "left", overflow="fold")
    for job in page["jobs"]:
        x_m, y_m = job["center_m"]
        table.add_row(
            job["job"],
            job["section"],
            f"{x_m * 1e3:.4f}",
            f"{y_m * 1e3:.4f}",
            "{} x {}".format(*job["size_px"]),
            duration(job["beam_s"]),
            job["state"] + (f": {job['reason']}" if job.get("reason") else "") + _flags(job),
            _cells(job) or (_WITHOUT_CELLS[job["kind"]] if job["kind"] != "frame" else ""),
        )
    print_rows(table, "no jobs" if state is None and after is None else "no such jobs")
    if page["after"] is not None:
        results.print(f"more with --after {page['after']}")


def _page(reader: Reader, limit: int, state: str | None, after: int | None) -> dict[str, Any]:
    """Collect rows from as many replies as it takes."""
    found: list[Any] = []
    while True:
        page = reader.call("queue.list", limit=limit - len(found), state=state, after=after)
        found += page["jobs"]
        after = page["after"]
        if after is None or len(found) >= limit:
            return {"jobs": found, "after": after}


def show(job: str, connect: Connect = None, key: Key = None, run: Run = None, as_json: Json = False) -> None:
    """Show everything that is known about one job.

    Also of a run that has ended, with --run.
    """
    with reading(connect, key, run) as reader:
        found = reader.call("queue.get", job=job)
    if as_json:
        print_json({"v": 1} | found)
        return
    row = found["row"]
    x_m, y_m = row["center_m"]
    size = "{} x {}".format(*row["size_px"])
    lines = [
        ("job", f"{row['job']} of section {row['section']}, position {row['position']}"),
        ("state", row["state"] + (f": {row['reason']}" if row["reason"] else "")),
        ("where", f"x {x_m * 1e3:.4f} mm, y {y_m * 1e3:.4f} mm"),
        ("scan", f"{size} px of {row['pixel_size_m'] * 1e9:g} nm, {row['dwell_s'] * 1e6:g} us per pixel,"
                 f" {duration(row['beam_s'])} of beam"),
        ("cells", _cells(row) or _WITHOUT_CELLS[row["kind"]]),
        ("image", _image(found)),
        *_checks(found),
        ("beam now", {True: "blanked", False: "ON", None: "not known"}[found["beam_blanked"]]),
    ]  # fmt: skip
    if found["focus"] is not None:
        lines.append(("focus", height_text(found["focus"])))
    if found["overview"] is not None:
        lines.append(("overview", place_text(found["overview"])))
    lines += [(f"exposure {each['exposure']}", _exposure(each)) for each in found["exposures"]]
    lines += [("", _event(each)) for each in found["history"]]
    for name, text in lines:
        results.print(f"{name:12s} {text}", soft_wrap=True)


def hold(
    jobs: Jobs, reason: Why = "", by: By = None, connect: Connect = None, key: Key = None, run: Run = None
) -> None:
    """Hold queued jobs until they are released."""
    _steer(Client(connect, key=key, run=run), "queue.hold", jobs=jobs, reason=reason, by=who(by))


def release(
    jobs: Jobs, reason: Why = "", by: By = None, connect: Connect = None, key: Key = None, run: Run = None
) -> None:
    """Return held jobs to the queue."""
    _steer(Client(connect, key=key, run=run), "queue.release", jobs=jobs, reason=reason, by=who(by))


def approve(
    jobs: Jobs, reason: MustSayWhy, by: By = None, connect: Connect = None, key: Key = None, run: Run = None
) -> None:
    """Expose jobs again that need review; see `queue show` first."""
    _steer(Client(connect, key=key, run=run), "queue.approve", jobs=jobs, reason=reason, by=who(by))


def skip(
    jobs: Jobs, reason: MustSayWhy, by: By = None, connect: Connect = None, key: Key = None, run: Run = None
) -> None:
    """Skip jobs permanently."""
    _steer(Client(connect, key=key, run=run), "queue.skip", jobs=jobs, reason=reason, by=who(by))


def move(
    job: str,
    before: Annotated[str | None, typer.Option(help="Move it before this job.")] = None,
    first: Annotated[bool, typer.Option("--first", help="Move it to the front of the queue.")] = False,
    last: Annotated[bool, typer.Option("--last", help="Move it to the end of the queue.")] = False,
    reason: Why = "",
    by: By = None,
    connect: Connect = None,
    key: Key = None,
    run: Run = None,
) -> None:
    """Move a job to another place in the queue."""
    if (before is not None) + first + last != 1:
        raise typer.BadParameter("give exactly one of --before JOB, --first and --last")
    place = {"before": before, "to_front": first or None}
    _steer(Client(connect, key=key, run=run), "queue.move", job=job, **place, reason=reason, by=who(by))


def _steer(client: Client, method: str, **params: Any) -> None:
    with client:
        typer.echo(changed(client.call(method, if_run=client.run, **params)))


def _flags(job: dict[str, Any]) -> str:
    """Return what the image of a job is flagged with; a reason says it already."""
    if not job["bad"] or job["reason"]:
        return ""
    return ", " + ", ".join(NAMES[CheckKind(kind)] for kind in job["bad"])


def _cells(job: dict[str, Any]) -> str:
    return "; ".join(
        f"{' '.join([cell['cell'], *cell['tracks']])} ({cell['kept']})" for cell in job["covers"]
    )


def _image(found: dict[str, Any]) -> str:
    if found["image"] is not None:
        return f"{found['image']}, SHA-256 {found['sha256']}"
    if found["image_found"] is not None:
        return f"{found['image_found']}: written, but never checked; inspect it"
    return "none"


def _checks(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the images of a job were found bad by, and what follows."""
    for image in found["images"]:
        says = bad_says(checks_of(image["checks"]))
        made = sum(1 for _ in image["checks"])
        yield f"checks {image['exposure']}", f"{image['file']}: {says or f'good by {made} checks'}"
    if found["row"]["retake_of"] is not None:
        yield "again", f"the beam will expose it again for exposure {found['row']['retake_of']}, by itself"
    yield "retakes", f"at most {found['retakes']} by itself (session.retakes)"


def _exposure(row: dict[str, Any]) -> str:
    x0, y0, x1, y1 = (value * 1e3 for value in row["rect_m"])
    note = f": {row['note']}" if row["note"] else ""
    note += f"; taken again for exposure {row['retake_of']}" if row["retake_of"] is not None else ""
    beam = "" if row["beam_s"] is None else f", {duration(row['beam_s'])} of beam"
    return (
        f"{row['state']}, from {row['opened_s']:.1f} s {_until(row)} of the session,"
        f" x {x0:.4f} to {x1:.4f} mm, y {y0:.4f} to {y1:.4f} mm{beam}{note}"
    )


def _until(row: dict[str, Any]) -> str:
    if row["closed_s"] is not None:
        return f"until {row['closed_s']:.1f} s"
    return "and still open" if row["state"] == ExposureState.OPEN else "until an unknown time"


def _event(event: dict[str, Any]) -> str:
    data = event["data"]
    what = f"moved from position {data['moved'][0]} to {data['moved'][1]}" if "moved" in data else ""
    what = what or f"{data['from']} -> {data['to']}"
    why = f": {data['reason']}" if data.get("reason") else ""
    return f"{event['at']}  {event['time_s']:.1f} s  {what}{why}"
