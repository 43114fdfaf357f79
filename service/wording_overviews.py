"""Sentences about the alignment of fields with overviews; see `service.wording`."""

from detection.alignment.reasons import NotProven

_NOT_PROVEN = {
    NotProven.NO_CELLS: "the fluorescence shows too few cells",
    NotProven.NOTHING_SHOWN: "the overview is black, white or even: check beam, detector and contrast",
    NotProven.WRONG_FIELD: "the overview does not show the ground of the cells: check its pixel size",
    NotProven.AMBIGUOUS: "no position fits clearly better than others",
    NotProven.JUMPED: "the best position is further off than the machine can be",
    NotProven.HALVES_DISAGREE: "two halves of the cells lie at different positions",
    NotProven.NOT_PRECISE: "the cells show the position, but not precisely enough",
}


def planned_again(stage_left: bool) -> str:
    """Return the reason of frames that others replace, after an overview or since the stage has left it."""
    if stage_left:
        return "its stage position is planned again, as the stage has moved since the overview"
    return "its stage position is planned again, as the overview shows where the field lies"


def alignment_says(reason: NotProven | None, proven_um: float | None) -> str:
    """Return what an alignment proves, or why it proves nothing."""
    if reason is not None:
        return f"not proven: {_NOT_PROVEN[reason]}"
    return f"proven to {proven_um:.2f} um"


_OVERVIEWS = {
    "waiting": "still to be taken",
    "used": "frames are placed by it",
    "left": "frames were placed by it until the stage moved; the others have the guard of the plan",
    "not_proven": "frames as planned",
    "not_used": "frames as planned",
}
_NOT_USED = {
    "no_ground": "there is too little saved fluorescence around the stage position",
    "not_done": "it was not taken, or needs review",
    "stage_moved": "the stage has moved since",
    "unreadable": "fluorescence or overview could not be read or compared",
    "beyond_reach": "the beam or the stage does not reach the frames where the field lies",
    "too_late": "it was held, or moved behind its frames, until these or the session had ended",
    "aborted": "the session was aborted before it was taken or used",
}


def overview_says(state: str, reason: str | None, proven_m: float | None) -> str:
    """Return the outcome of an overview, with its accuracy or the reason why it is not used."""
    outcome = _OVERVIEWS[state]
    if reason is None or state == "left":
        return outcome if proven_m is None else f"proven to {proven_m * 1e6:.2f} um: {outcome}"
    why = _NOT_USED[reason] if reason in _NOT_USED else _NOT_PROVEN[NotProven(reason)]
    return f"{state.replace('_', ' ')}: {why}; {outcome}"
