"""Inputs of `ilemtrack serve-sbemimage`, and the look at them before the beam is on."""

from datetime import datetime
from pathlib import Path

from service.cli.output import print_json, tell
from service.errors import InputError
from service.sbemimage.answering import Inputs, look
from service.sbemimage.placing import Placing, by_landmarks, same_stage
from service.sbemimage.summary import summary, summary_lines
from service.sbemimage.theirs.dialect import Overviews, State
from service.sbemimage.theirs.session_file import read_session_file
from service.sbemimage.values import Answer, Past, Verdict
from service.sbemimage.work import PlansSource, RunSource, Source
from service.session.folders.run_folder import open_existing
from service.words.sbemimage import said


def source_of(frames: Path, sections: Path | None, on_same_stage: bool) -> Source:
    """Return the source of frames in a folder.

    Raises
    ------
    InputError
        It is none.
    """
    if not frames.is_dir():
        raise InputError(f"{frames}: is no folder; name that of a run, or of plans")
    if not (frames / "run.json").exists():
        return PlansSource(frames, sections)
    if sections is not None:
        raise InputError("--sections goes with a folder of plans; a run knows its sections")
    return RunSource(open_existing(frames)[0], on_same_stage)


def place(landmarks: Path | None, margin_um: float | None) -> Placing:
    """Return the placing by landmarks, and tell how well they agree; without them, that of the same stage."""
    if landmarks is None:
        return same_stage(margin_um)
    placing, fit = by_landmarks(landmarks, margin_um)
    tell(f"landmarks agree within {fit.rms_um:.2f} um; margin of each frame: {placing.margin_um:.2f} um")
    for caution in fit.cautions:
        tell(f"warning: {caution}")
    return placing


def show(inputs: Inputs, past: Past, as_json: bool) -> bool:
    """Print the answer as it would be now; return True if it offers frames."""
    session = read_session_file(inputs.session_file)
    now = look(inputs, session, State(overviews=Overviews(number_ov=0)), past)
    figures = summary(now, inputs.placing)
    if as_json:
        print_json(figures)
    else:
        for line in summary_lines(figures):
            tell(line)
    return now.answer.verdict is Verdict.GRIDS


def tell_answer(answer: Answer, client: str) -> None:
    """Tell a person that SBEMimage was answered, and with how many frames."""
    frames = f", {len(answer.offers)} frames" if answer.offers else ""
    tell(f"{datetime.now():%H:%M:%S} {client}: {said(answer.verdict.value, answer.detail)}{frames}")
