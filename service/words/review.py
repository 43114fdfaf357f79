"""Verdicts and edits of people, and states of sections, in plain words."""

from collections.abc import Mapping

from service.model.review import EditKind, Verdict
from service.model.section_states import SectionState

VERDICTS: Mapping[Verdict, str] = {
    Verdict.ACCEPTED: "accepted by a person",
    Verdict.REJECTED: "rejected by a person",
    Verdict.DRAWN: "drawn by a person",
    Verdict.RESIZED: "box changed by a person",
    Verdict.WITHDRAWN: "taken back",
}

EDITS: Mapping[EditKind, str] = {
    EditKind.REJECT: "rejected",
    EditKind.ACCEPT: "accepted",
    EditKind.DRAW: "drawn",
    EditKind.RESIZE: "box changed",
    EditKind.POLICY: "margins set",
}

SECTIONS: Mapping[SectionState, str] = {
    SectionState.WAITING: "waiting for fluorescence",
    SectionState.FLUORESCENCE: "fluorescence taken",
    SectionState.PLANNED: "planned",
    SectionState.IMAGING: "being imaged",
    SectionState.DONE: "done",
    SectionState.REVIEW: "needs a decision",
    SectionState.FAILED: "failed",
}
