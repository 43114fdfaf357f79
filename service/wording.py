"""Sentences for people, made from values.

They are displayed and stored beside the value that they describe. No code decides by them:
`tests/service/test_wording_is_display_only.py` replaces them all and runs sessions. Sentences about the
choice and the review of cells are in `service.wording_cells`, those about overviews in
`service.wording_overviews`.
"""

from collections.abc import Sequence

from service.errors import StoreTrouble

MOST_NAMED = 5


def some(names: Sequence[str]) -> str:
    """Return the first few names, with '...' where there are more."""
    return ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")


# Pauses and faults


def asked_by(by: str) -> str:
    """Return the reason of a pause or an abort over the API."""
    return f"asked by {by}"


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


def not_repeated(why: str | None, elsewhere: bool) -> str:
    """Return the reason of a focus or an overview that is given up after its exposure."""
    instead = "; the beam focuses on another spot" if elsewhere else ""
    return f"not repeated, as its ground may be burnt{instead}: {why}"


def stage_moved(by_m: float) -> str:
    """Return the doubt about a scan or an exposure during which the stage moved."""
    return f"another program moved the stage by {by_m * 1e6:.1f} um in the course of the scan"


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
