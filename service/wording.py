"""Sentences for people, made from values.

They are displayed and stored beside the value that they describe. No code decides by them:
`tests/service/test_wording_is_display_only.py` replaces them all and runs sessions.
"""

from collections.abc import Sequence

from detection.alignment.reasons import NotProven
from service.errors import StoreTrouble

MOST_NAMED = 5


def some(names: Sequence[str]) -> str:
    """Return the first few names, with '...' where there are more."""
    return ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")


# Pauses and faults


def asked_by_a_person() -> str:
    """Return the reason of a pause or an abort over the API."""
    return "asked by a person"


def started_again() -> str:
    """Return the reason of the pause after a restart."""
    return "the program was started again"


def low_disk(folder: object, free_bytes: float, needed_bytes: float, keep_free_gb: float) -> str:
    """Return the reason of a pause for want of room on the disk."""
    return (
        f"low disk: {free_bytes / 1e6:.0f} MB free in {folder}; {needed_bytes / 1e6:.0f} MB are needed next"
        f" and {keep_free_gb:g} GB must stay free"
    )


def frame_not_saved(field: str, error: Exception) -> str:
    """Return the reason of a pause after a fluorescence frame could not be saved."""
    return f"the frame of {field} cannot be saved: {error}"


def image_not_saved(job: str, error: Exception) -> str:
    """Return the reason of a pause after an electron image could not be saved."""
    return f"the image of {job} cannot be saved, it is kept in memory: {error}"


def chamber_by_hand(
    state: str, wanted_pa: float, range_pa: tuple[float, float], found_pa: float | None, beside: Sequence[str]
) -> str:
    """Return the reason of a pause for a person who operates the chamber."""
    what = "high vacuum" if state == "high" else "water vapour"
    low, high = range_pa
    limits = f"at most {high:g} Pa" if low == 0 else f"{low:g} to {high:g} Pa"
    reads = "" if found_pa is None else f"; its gauge reads {found_pa:.3g} Pa"
    steps = "".join(f", {step}" for step in beside)
    return (
        f"bring the chamber to {what}, {wanted_pa:g} Pa ({limits}){reads}{steps}; then `ilemtrack continue`"
        " records that you have confirmed it"
    )


def chamber_confirmed(state: str, by: str) -> str:
    """Return the reply to the confirmation of a pressure."""
    what = "high vacuum" if state == "high" else "the pressure of fluorescence"
    return f"{what} is recorded as confirmed by {by}"


def undecided_jobs(jobs: Sequence[str]) -> str:
    """Return the reason of a pause for decisions before the session ends."""
    return (
        f"all else is done, {len(jobs)} jobs wait for a decision: {some(jobs)}; see `ilemtrack queue show`,"
        " decide with `queue approve`, `release` or `skip`, then `ilemtrack continue`, which without a"
        " decision ends the session"
    )


def undetected_fields(fields: Sequence[str]) -> str:
    """Return the reason of a pause for fields whose detection failed."""
    return (
        f"all else is done, detection failed in {len(fields)} fields: {some(fields)}; mend the cause, stop"
        " the program and `ilemtrack resume`, which detects them again; `ilemtrack continue` ends the"
        " session without them"
    )


def fault_acknowledged(fault: str | None) -> str:
    """Return the reason of the pause after a fault was acknowledged."""
    return f"a fault was acknowledged; it was: {fault}"


def not_as_configured(error: Exception) -> str:
    """Return the reason of a fault where hardware and configuration contradict each other."""
    return f"no fluorescence: {error}; each further field would give the same, so none is exposed to light"


def sem_not_as_configured(doubt: str) -> str:
    """Return the reason of a fault where the SEM contradicts the configuration."""
    return f"no more electron images: {doubt}; further ones would be no better, and each exposes its ground"


def not_safe(problems: str, after: str | None = None) -> str:
    """Return the reason of a fault with a microscope that is not safe, `after` another trouble or not."""
    return f"NOT SAFE: {problems}" if after is None else f"{after}; NOT SAFE: {problems}"


def was_not_safe(problems: str) -> str:
    """Return the reason of a fault in which nothing but the safe state had failed, once it is reached."""
    return f"the microscope could not be made safe at first: {problems}"


def safe_again(fault: str | None) -> str:
    """Return the reason of a fault after the microscope has become safe."""
    return f"{fault or 'a fault, see the events'}; the microscope is safe again"


def database_refuses(error: Exception) -> str:
    """Return the reason of a fault after the database could not be written."""
    return f"the database cannot be written: {error}"


def mend_the_store(trouble: StoreTrouble, copy: object) -> str:
    """Return what a person does about a database that cannot be written; `copy` of it, None if there is none.

    Where the file comes back, the session notices it and faults, to be acknowledged.
    """
    goes_on = "then `ilemtrack ack` and `ilemtrack continue`."
    again = "then `ilemtrack resume`."
    name = f"rename {copy} to session.sqlite" if copy is not None else "restore session.sqlite from a backup"
    match trouble:
        case StoreTrouble.DISK:
            return f"Make room on the disk, and see that it can be written; {goes_on}"
        case StoreTrouble.BUSY:
            return f"End the other program that holds the database; {goes_on}"
        case StoreTrouble.MOVED:
            return f"Move it back to where it was; {goes_on}"
        case StoreTrouble.DELETED:
            return f"End this program, {name}, {again}"
        case StoreTrouble.REPLACED:
            return f"End this program, take the other file away, {name}, {again}"
        case StoreTrouble.DAMAGED:
            return (
                f"End this program, keep the damaged files aside, {name}, {again} Images in em/ that the"
                " restored database does not know are left for review."
            )
        case StoreTrouble.OTHER:
            return f"Mend the cause; {goes_on}"


# Jobs


def waits_for_fluorescence(missing: str) -> str:
    """Return the reason of a job held for fluorescence (invariant 1)."""
    return f"waits for the fluorescence of {missing}"


def fluorescence_saved() -> str:
    """Return the reason of a job that is released, as its fluorescence was saved."""
    return "the fluorescence around it is saved"


def never_saved(waited: str | None) -> str:
    """Return the reason of a job given up with the fluorescence that it waited for."""
    return f"{waited}, which was never saved"


def added(by: str) -> str:
    """Return the reason of a job added by a person."""
    return f"added {by}"


def steered(what: str, by: str) -> str:
    """Return the reason of a job that a person held, released, approved or skipped."""
    return f"{what} {by}"


def image_without_exposure() -> str:
    """Return the reason of a review: the ledger has lost an exposure."""
    return "there is an image of it, and the database does not know its exposure: it may be an older copy"


def image_not_read_back(error: Exception) -> str:
    """Return the reason of a review: the image was saved and cannot be read back now."""
    return f"exposed and saved, but its image cannot be read back: {error}"


def image_lost_at_restart() -> str:
    """Return the reason of a review: exposed, but the image was lost with the program."""
    return "the program ended before its image was saved"


def maybe_exposed_at_restart() -> str:
    """Return the reason of a review: perhaps exposed when the program ended."""
    return "the program ended while the beam may have been on"


def end_of_scan_unknown() -> str:
    """Return the reason of a review: the end of the scan was not recorded."""
    return "the scan began and its end was not recorded: it may have been exposed"


def stage_moved(by_m: float) -> str:
    """Return the doubt about a scan or an exposure during which the stage moved."""
    return f"another program moved the stage by {by_m * 1e6:.1f} um in the course of the scan"


# Cells left out by choice

_LEFT_OUT = {
    "too_dim": "dimmer than asked for",
    "too_bright": "brighter than asked for",
    "too_small": "smaller than asked for",
    "too_large": "larger than asked for",
    "too_short": "in fewer sections than asked for",
    "too_long": "in more sections than asked for",
    "not_among_brightest": "not among the brightest",
    "not_in_sample": "not in the random sample",
    "not_named": "not named",
    "skipped_by_hand": "all its frames were skipped by hand",
}
_BESIDE = {
    "imaged": "; imaged beside others",
    "touched": "; partly under the beam beside others",
    "clear": "",
}


def left_out(reason: str, beside: str = "clear") -> str:
    """Return the reason of a cell left out by choice, and the effect of the frames of other cells."""
    return f"left out by choice: {_LEFT_OUT[reason]}{_BESIDE[beside]}"


def chosen_anew(by: str) -> str:
    """Return the reason of jobs whose section is planned again for another choice of cells."""
    return f"the section is planned again, as {by} has chosen other cells"


# Cells as a person edits them


def rejected(by: str) -> str:
    """Return the reason of a cell that a person rejected; `by` with the reason given."""
    return f"not imaged: rejected {by}"


def accepted(by: str) -> str:
    """Return the reason of a cell that a person accepted."""
    return f"kept: accepted {by}"


def drawn(by: str) -> str:
    """Return the reason of a cell that a person drew."""
    return f"kept: drawn {by}"


def resized(by: str) -> str:
    """Return the reason of a cell whose box a person changed."""
    return f"kept: box changed {by}"


def withdrawn(by: str) -> str:
    """Return the reason of a drawn cell that was taken back."""
    return f"drawn by hand, and taken back by {by}"


def above_floor_of(confidence: float, floor: float, by: str) -> str:
    """Return the reason of a cell that the threshold of a person lets pass."""
    return f"kept: confidence {confidence:.3g} reaches {floor:g}, as set by {by}"


def below_floor_of(confidence: float, floor: float, by: str) -> str:
    """Return the reason of a cell below the threshold of a person."""
    return f"not imaged: confidence {confidence:.3g} below {floor:g}, as set by {by}"


def margins_of(reason: str, by: str) -> str:
    """Return the reason of a cell that is imaged with the margins of a person."""
    return f"{reason}; margins as set by {by}"


def held_by_hand(jobs: Sequence[str]) -> str:
    """Return why a section cannot be planned again."""
    return (
        f"{len(jobs)} frames are held by hand ({some(jobs)}) and would be planned anew: release or skip them"
        " first (`ilemtrack queue`)"
    )


def cells(number: int) -> str:
    """Return 'cell' or 'cells'."""
    return "cell" if number == 1 else "cells"


def reviewed(by: str) -> str:
    """Return the reason of jobs whose section is planned again after an edit."""
    return f"the section is planned again, as {by} has edited its cells"


# Fields and plans after a restart


def taken_again() -> str:
    """Return the reason of a field whose fluorescence is taken again."""
    return "taken again after a restart"


def detected_again() -> str:
    """Return the reason of a field that is detected again."""
    return "detected again after a restart"


def plan_withdrawn() -> str:
    """Return the reason of jobs whose section is planned again."""
    return "the section is planned again, as one of its fields is taken or detected again"


# Alignment of fields

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
}


def overview_says(state: str, reason: str | None, proven_m: float | None) -> str:
    """Return the outcome of an overview, with its accuracy or the reason why it is not used."""
    outcome = _OVERVIEWS[state]
    if reason is None or state == "left":
        return outcome if proven_m is None else f"proven to {proven_m * 1e6:.2f} um: {outcome}"
    why = _NOT_USED[reason] if reason in _NOT_USED else _NOT_PROVEN[NotProven(reason)]
    return f"{state.replace('_', ' ')}: {why}; {outcome}"
