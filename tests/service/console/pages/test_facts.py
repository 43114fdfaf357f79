"""Facts on the page of a job, and the verdict of the checks before a session."""

from typing import Any

import pytest

from service.console.computer.source import Report
from service.console.pages.job import _facts
from service.console.pages.start import _verdict
from service.model.jobs import HoldCause, JobKind
from service.words.states import HOLDS

ROW: dict[str, Any] = {
    "job": "J000007",
    "kind": "frame",
    "state": "queued",
    "reason": None,
    "hold_cause": None,
    "section": "S0001",
    "center_m": [1e-3, -2e-3],
    "size_px": [600, 400],
    "pixel_size_m": 16e-9,
    "dwell_s": 2e-6,
    "beam_s": 0.48,
    "covers": [],
}
FOUND: dict[str, Any] = {
    "row": ROW,
    "image": None,
    "image_found": None,
    "images": [],
    "beam_blanked": True,
}


def facts(row: dict[str, Any] | None = None, **found: Any) -> dict[str, str]:
    return dict(_facts(FOUND | {"row": ROW | (row or {})} | found))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({}, "none: a person asked for this frame"),
        ({"kind": JobKind.FOCUS.value}, "none: the beam is focused here for its section"),
        ({"kind": JobKind.OVERVIEW.value}, "none: the overview of a stage position"),
        (
            {
                "covers": [
                    {"cell": "S0001/F000/c0001", "tracks": ["T0001", "T0004"], "kept": "kept: bright"},
                    {"cell": "S0001/F000/c0002", "tracks": [], "kept": "kept: unsure"},
                ]
            },
            "S0001/F000/c0001 of T0001, T0004 (kept: bright); S0001/F000/c0002 (kept: unsure)",
        ),
    ],
)
def test_the_page_of_a_job_says_for_whom_it_is(row: dict[str, Any], says: str) -> None:
    assert facts(row)["Cells"] == says


def test_the_page_of_a_job_says_where_its_image_is_and_why_it_waits() -> None:
    assert facts()["Image"] == "none"
    assert "Held" not in facts()
    assert facts({"hold_cause": HoldCause.RETAKE.value})["Held"] == HOLDS[HoldCause.RETAKE]
    assert facts(image="em/S0001/J000007.ome.tiff")["Image"] == "em/S0001/J000007.ome.tiff, checked"
    unchecked = facts(image_found="em/S0001/J000007.ome.tiff")["Image"]
    assert unchecked == "em/S0001/J000007.ome.tiff: written, but never checked; look at it"
    assert [facts(beam_blanked=on)["Beam now"] for on in (True, False, None)] == [
        "blanked",
        "ON",
        "not known",
    ]


def test_the_verdict_before_a_session_is_the_refusal_where_nothing_could_be_checked() -> None:
    assert _verdict(Report(True, ())) == "A session can run."
    assert _verdict(Report(False, ())) == "No session can run yet."
    assert _verdict(Report(False, (), "sem.dwell_us: is not a number")) == "sem.dwell_us: is not a number"
